/** Dialogs that all look and behave alike. */

import { icon, make } from "./elements.js";
import { t } from "./i18n.js";

let count = 0;

/**
 * Make a dialog and put it on the page, closed. Escape, its button and a click beside it close it, and the focus goes
 * back to where it came from.
 * @param {{narrow?: boolean, closed?: () => void}} options `closed` is called whenever it was closed
 * @returns {{dialog: HTMLDialogElement, fill: (title: string, ...content: Node[]) => void}} `fill` puts new content into it
 */
export function makeDialog({ narrow = false, closed = () => {} } = {}) {
  const id = `dialog-${(count += 1)}`;
  const dialog = make("dialog", { class: narrow ? "dialog narrow" : "dialog", "aria-labelledby": id, close: closed });
  const heading = make("h2", { id, dir: "auto" });
  const close = make("button", { type: "button", class: "button ghost small square", click: () => dialog.close() }, icon("close"));
  const body = make("div", { class: "body" });
  dialog.append(make("header", {}, heading, close), body);
  let pressed = null; // a drag that begins inside and ends beside it is no click beside it
  dialog.addEventListener("pointerdown", ({ target }) => (pressed = target));
  dialog.addEventListener("click", ({ target }) => {
    if (target === dialog && pressed === dialog) dialog.close();
  });
  const fill = (title, ...content) => {
    heading.textContent = title;
    close.setAttribute("aria-label", t("close"));
    close.title = t("close");
    body.replaceChildren(...content.filter(Boolean));
  };
  document.body.append(dialog);
  return { dialog, fill };
}
