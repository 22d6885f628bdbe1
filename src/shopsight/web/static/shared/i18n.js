/** The words of a page in the language in use, and the change of languages. */

import { SHARED } from "./texts.js";

const LOCALES = { en: "en", zh: "zh-CN" };

/** All words of this page, by language and key. */
export const WORDS = { en: { ...SHARED.en }, zh: { ...SHARED.zh } };

export const LANGUAGES = Object.keys(WORDS);

// preferences.js has chosen before the first paint.
let current = LANGUAGES.find((code) => document.documentElement.lang.startsWith(code)) ?? "en";

/**
 * Add the words of a page; its own win over the shared ones.
 * @param {Object<string, Object<string, string>>} words by language and key
 */
export function addWords(words) {
  for (const code of LANGUAGES) Object.assign(WORDS[code], words[code]);
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

/** Whether there are words for a key. */
export function hasWords(key) {
  return Object.hasOwn(WORDS.en, key);
}

/** What a language is called in itself. */
export function nameOf(code) {
  return WORDS[code].languageName;
}

/** Use another language from now on. Everything that shows words listens for "language" on the document. */
export function setLanguage(code) {
  current = code;
  try {
    localStorage.setItem("shopsight.language", code);
  } catch {
    // not remembered then
  }
  translatePage();
  document.dispatchEvent(new Event("language"));
}

/** Put the words into all elements that name them with data-t, or with data-t-label for their accessible name. */
export function translatePage() {
  const root = document.documentElement;
  root.lang = LOCALES[current];
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = t(element.dataset.t);
  }
  for (const element of document.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  }
  root.dataset.translated = "";
}
