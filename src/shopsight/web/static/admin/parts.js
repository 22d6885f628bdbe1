/** Parts that several pages of the back office are made of. */

import { makeDialog } from "../shared/dialog.js";
import { icon, make } from "../shared/elements.js";
import { locale, t } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";

/** A whole number as people write it. */
export function whole(number) {
  return new Intl.NumberFormat(locale()).format(number);
}

/** Bytes as people write them. */
export function bytes(count) {
  const steps = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const options = { style: "unit", unit: steps[step], unitDisplay: "short", maximumFractionDigits: step > 1 ? 1 : 0 };
  return new Intl.NumberFormat(locale(), options).format(count / 1000 ** step);
}

/** A moment as people write it. */
export function moment(text) {
  return text ? new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text)) : "–";
}

/** The beginning of a page. */
export function heading(title, lead = "", ...actions) {
  return make(
    "header",
    { class: "head" },
    make("div", {}, make("h1", {}, title), lead && make("p", { class: "soft" }, lead)),
    actions.length > 0 && make("div", { class: "row" }, ...actions),
  );
}

/** A button. */
export function button(label, act, { kind = "", symbol = "", ...more } = {}) {
  return make("button", { type: "button", class: `button ${kind}`, click: act, ...more }, symbol && icon(symbol), label);
}

/** A card with a title. */
export function card(title, ...content) {
  const head = title && make("header", {}, make("h2", { class: "card-title" }, title));
  return make("section", { class: "card" }, head, ...content);
}

let fields = 0;

/** A labelled control. */
export function field(label, control, hint = "") {
  control.id ||= `field-${(fields += 1)}`;
  const help = hint && make("p", { class: "hint", id: `${control.id}-hint` }, hint);
  if (help) control.setAttribute("aria-describedby", help.id);
  return make("div", { class: "field" }, make("label", { for: control.id }, label), control, help);
}

/** A table: cells are text or nodes; `number` columns stand to the right. */
export function table(label, columns, rows) {
  const number = (place) => (columns[place].number ? "number" : "");
  const head = columns.map(({ title }, place) => make("th", { scope: "col", class: number(place) }, title || make("span", { class: "visually-hidden" }, t("actions"))));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, place) => make("td", { class: number(place), dir: "auto" }, cell ?? ""))));
  return make(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": label },
    make("table", { class: "table" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)),
  );
}

/** Nothing is there yet, or something went wrong. */
export function note(symbol, title, text = "", ...actions) {
  return make("div", { class: "note" }, icon(symbol), make("h2", {}, title), text && make("p", {}, text), ...actions);
}

/** A sentence above the content. */
export function banner(kind, ...content) {
  const symbol = kind === "good" ? "check" : kind === "info" ? "info" : "alert";
  return make("div", { class: `banner ${kind}`, role: kind === "danger" ? "alert" : null }, icon(symbol), make("div", { class: "banner-text" }, ...content));
}

/** A figure with its name. */
export function figure(name, value, hint = "") {
  return make("div", { class: "figure" }, make("dt", {}, name), make("dd", { class: "number" }, value), hint && make("dd", { class: "hint" }, hint));
}

/** Figures side by side. */
export function figures(...several) {
  return make("dl", { class: "figures" }, ...several);
}

/** What a failure is called in front of people. */
export function wordsOf(error) {
  return error.words ?? error.message;
}

/** Tell of a failure, unless it was wanted. */
export function complain(error) {
  if (error.name !== "AbortError") toast(wordsOf(error));
}

/** Do something with a button that is busy meanwhile. */
export async function busy(element, act) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    complain(error);
  } finally {
    element.removeAttribute("aria-busy");
  }
}

/** Ask before something that cannot be taken back. */
export function confirm(title, text, label, act) {
  const { dialog, fill } = makeDialog({ narrow: true, closed: () => dialog.remove() });
  const sure = button(label, () => busy(sure, async () => (await act(), dialog.close())), { kind: "danger" });
  fill(title, make("p", { class: "soft" }, text), make("div", { class: "row end" }, button(t("cancel"), () => dialog.close()), sure));
  dialog.showModal();
}

/** Waits in the shape of what will come, then shows it, or why it cannot be shown. */
export function later(promise, show, again = null) {
  const place = make("div", { class: "stack", "aria-busy": "true" }, make("div", { class: "skeleton tall" }));
  promise
    .then((found) => place.replaceChildren(...[show(found)].flat().filter(Boolean)))
    .catch((error) => {
      if (error.name === "AbortError") return;
      const retry = again && button(t("retry"), () => place.replaceWith(again()));
      place.replaceChildren(note("alert", t("failed"), wordsOf(error), retry));
    })
    .finally(() => place.removeAttribute("aria-busy"));
  return place;
}
