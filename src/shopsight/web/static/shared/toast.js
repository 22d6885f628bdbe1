/** Short messages at the lower edge of the page, which go by themselves. */

import { icon, make } from "./elements.js";
import { t } from "./i18n.js";

const SHOWN_MS = 6000;

/**
 * Show a message, and read it to those who listen.
 * @param {string} text
 * @param {{action?: string, act?: () => void}} offer the words of a button, and what it does
 */
export function toast(text, { action, act } = {}) {
  const list = document.querySelector("toast-list") ?? document.body.appendChild(make("toast-list", { role: "status" }));
  const remove = () => message.remove();
  const button = action
    ? make("button", { type: "button", click: () => (remove(), act()) }, action)
    : make("button", { type: "button", "aria-label": t("dismiss"), click: remove }, icon("close"));
  const message = make("div", { class: "toast" }, make("p", {}, text), button);
  let timer = setTimeout(remove, SHOWN_MS);
  // Whoever reads it, or is on its button, has all the time needed.
  for (const event of ["mouseenter", "focusin"]) message.addEventListener(event, () => clearTimeout(timer));
  for (const event of ["mouseleave", "focusout"]) {
    message.addEventListener(event, () => {
      timer = setTimeout(remove, SHOWN_MS);
    });
  }
  list.replaceChildren(message);
}
