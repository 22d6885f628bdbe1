/** Words that all pages share. */

/** By language and key. */
export const SHARED = {
  en: {
    languageName: "English",
    language: "Language",
    darkColours: "Use dark colours",
    lightColours: "Use light colours",
    close: "Close",
    cancel: "Cancel",
    retry: "Try again",
    dismiss: "Dismiss",
    newTab: "opens in a new tab",
    in_stock: "In stock",
    out_of_stock: "Out of stock",
    preorder: "Pre-order",
    backorder: "On back-order",
  },
  zh: {
    languageName: "中文",
    language: "语言",
    darkColours: "使用深色",
    lightColours: "使用浅色",
    close: "关闭",
    cancel: "取消",
    retry: "重试",
    dismiss: "知道了",
    newTab: "在新标签页打开",
    in_stock: "有货",
    out_of_stock: "缺货",
    preorder: "预售",
    backorder: "可预订，稍后发货",
  },
};
