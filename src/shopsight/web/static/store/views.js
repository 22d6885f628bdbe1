/** Which view the page shows, and its address: the start, the answer, or a product. Back and forward work. */

import { at, ROOT } from "../shared/place.js";

const main = document.querySelector("main");
const scrolled = { start: 0, asked: 0 };

/** The address of a product's page. */
export function productAddress(id) {
  return at(`p/${encodeURIComponent(id)}`);
}

/** The id of the product that the page's address names, or null. */
export function addressedProduct() {
  const path = location.href.startsWith(`${ROOT}p/`) ? location.pathname.slice(new URL(`${ROOT}p/`).pathname.length) : "";
  try {
    return path ? decodeURIComponent(path) : null;
  } catch {
    return path; // a percent sign that encodes nothing
  }
}

/** The view that is shown: "start", "asked" or "product". */
export function view() {
  return main.dataset.view;
}

/**
 * Show a view.
 * @param {"start"|"asked"|"product"} name
 * @param {string|null} address gets an entry of its own in the history; null when going back or staying
 */
export function showView(name, address = null) {
  const before = view();
  if (before === name && !address) return;
  if (before in scrolled) scrolled[before] = scrollY;
  if (address && address !== location.href) history.pushState({ opened: true }, "", address);
  main.dataset.view = name;
  if (before === "product" || name === "product") scrollTo({ top: scrolled[name] ?? 0, behavior: "instant" });
}

/** What was scrolled to in the answer belongs to an earlier question. */
export function forgetScrolling() {
  scrolled.asked = 0;
}

history.scrollRestoration = "manual";
// The document's addresses are relative, so that it works under any path; its own address changes from now on.
for (const link of document.querySelectorAll("link[href], a.brand")) link.href = link.href;
for (const image of document.querySelectorAll(".brand img")) image.src = image.src;
