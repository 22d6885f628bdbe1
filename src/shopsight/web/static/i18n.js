/** The page's words in the language in use, and the switch between languages. */

import { WORDS } from "./texts.js";

export { WORDS };

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
