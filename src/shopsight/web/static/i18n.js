/** Words of the page in every language, and the switch between them. */

/** Every word, by language and key. */
export const WORDS = {
  en: {
    languageName: "English",
    language: "Language",
    pageTitle: "Shopsight · find it with a photo",
    skip: "Skip to the search",
    headline: "Find it with a photo",
    subline: "Show us what you like, and see what in the shop looks like it.",
    privacy: "Your photo is used for this search only and is not kept.",
    choose: "Choose a photo",
    chooseOther: "Another photo",
    hint: "or drop one anywhere on this page, or paste it",
    dropHere: "Drop it anywhere",
    yourPhoto: "Your photo",
    noPreview: "This browser cannot show the photo, but the shop may be able to read it.",
    samples: "No photo at hand? Try one of these",
    samplesAgain: "Or try one of these",
    sample: "Sample photo {number}",
    focus: "What counts most",
    focusShape: "Shape",
    focusBalanced: "Both",
    focusColor: "Colour",
    searching: "Looking through the shop…",
    results: "What looks like your photo",
    found: "{count} products found, most alike first.",
    more: "Show more",
    loadingMore: "Loading…",
    nothingTitle: "Nothing found",
    nothing: "Nothing in the shop looks like this yet. A photo that shows the thing large and alone works best.",
    retry: "Try again",
    newTab: "opens in a new tab",
    similarity: "Similarity: {percent}",
    wasPrice: "Regular price",
    nowPrice: "Sale price",
    in_stock: "In stock",
    out_of_stock: "Out of stock",
    preorder: "Pre-order",
    backorder: "On back-order",
    errorTitle: "That did not work",
    photoTitle: "This photo cannot be used",
    errorNetwork: "The shop cannot be reached. Check your connection and try again.",
    errorServer: "The shop cannot answer at the moment. Please try again in a little while.",
    errorBusy: "Many people are searching at the moment. Please try again in a few seconds.",
    errorTimeout: "This took too long. Please try again, or use a smaller photo.",
    errorKey: "This shop's search is not open to everyone.",
    errorLarge: "This photo is too large. Please choose a smaller one.",
    errorSmall: "This photo is too small to recognise anything. Please choose a larger one.",
    errorNotPhoto: "This file is not a photo. Please choose a JPEG, PNG, WebP, AVIF or HEIC picture.",
    errorDamaged: "This photo is damaged or incomplete. Please choose another one.",
    errorLink: "The picture behind this link cannot be fetched. Save it first, then drop the file here.",
    errorPhoto: "This photo cannot be used. Please choose another one.",
    errorNoFile: "There is no photo in this. Please drop or paste a picture.",
  },
  zh: {
    languageName: "中文",
    language: "语言",
    pageTitle: "Shopsight · 以图找货",
    skip: "跳到搜索",
    headline: "拍照找同款",
    subline: "给我们看看您喜欢的，为您找出店里相似的商品。",
    privacy: "您的照片仅用于本次搜索，不会被保存。",
    choose: "选择照片",
    chooseOther: "换一张照片",
    hint: "也可以把图片拖到页面任意位置，或直接粘贴",
    dropHere: "松开即可搜索",
    yourPhoto: "您的照片",
    noPreview: "浏览器无法显示这张照片，但商店或许可以识别。",
    samples: "手边没有照片？试试这些",
    samplesAgain: "或者再试试这些",
    sample: "示例照片 {number}",
    focus: "更看重",
    focusShape: "款式",
    focusBalanced: "兼顾",
    focusColor: "颜色",
    searching: "正在店内寻找…",
    results: "与您照片相似的商品",
    found: "找到 {count} 件商品，最相似的排在最前。",
    more: "显示更多",
    loadingMore: "加载中…",
    nothingTitle: "没有找到",
    nothing: "店里暂时没有相似的商品。请尽量使用主体清晰、占满画面的照片。",
    retry: "重试",
    newTab: "在新标签页打开",
    similarity: "相似度：{percent}",
    wasPrice: "原价",
    nowPrice: "促销价",
    in_stock: "有货",
    out_of_stock: "缺货",
    preorder: "预售",
    backorder: "可预订，稍后发货",
    errorTitle: "出了点问题",
    photoTitle: "无法使用这张照片",
    errorNetwork: "无法连接到商店，请检查网络后重试。",
    errorServer: "商店暂时无法响应，请稍后再试。",
    errorBusy: "当前搜索人数较多，请几秒后再试。",
    errorTimeout: "搜索超时，请重试或换一张较小的照片。",
    errorKey: "这家商店的搜索未对所有人开放。",
    errorLarge: "照片太大，请选择小一些的照片。",
    errorSmall: "照片太小，无法识别，请选择更大的照片。",
    errorNotPhoto: "这个文件不是照片，请选择 JPEG、PNG、WebP、AVIF 或 HEIC 图片。",
    errorDamaged: "照片已损坏或不完整，请换一张。",
    errorLink: "无法获取这个链接的图片，请先保存图片，再拖到这里。",
    errorPhoto: "无法使用这张照片，请换一张。",
    errorNoFile: "没有找到照片，请拖入或粘贴一张图片。",
  },
};

const STORED = "shopsight.language";
const LOCALES = { en: "en", zh: "zh-CN" };

export const LANGUAGES = Object.keys(WORDS);

let current = preferred();

function preferred() {
  const wanted = [remembered(), ...(navigator.languages ?? [navigator.language])];
  for (const tag of wanted) {
    const language = String(tag ?? "").toLowerCase().split("-")[0];
    if (LANGUAGES.includes(language)) return language;
  }
  return "en";
}

function remembered() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null; // storage is closed in some private windows
  }
}

/** The language in use: "en" or "zh". */
export function language() {
  return current;
}

/** Its tag for Intl. A region the shopper asked for is kept: it decides how prices look. */
export function locale() {
  const own = (navigator.languages ?? []).find((tag) => tag.toLowerCase().startsWith(current));
  return own ?? LOCALES[current];
}

/** The words for a key, with `{name}` filled in. */
export function t(key, values = {}) {
  const text = WORDS[current][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** What a language is called in itself. */
export function nameOf(code) {
  return WORDS[code].languageName;
}

/** Use another language from now on. Everything that shows words listens for "language" on the document. */
export function setLanguage(code) {
  current = code;
  try {
    localStorage.setItem(STORED, code);
  } catch {
    // not remembered then
  }
  translatePage();
  document.dispatchEvent(new Event("language"));
}

/** Put the words into all elements that name them with data-t. */
export function translatePage() {
  document.documentElement.lang = LOCALES[current];
  document.title = t("pageTitle");
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = t(element.dataset.t);
  }
}
