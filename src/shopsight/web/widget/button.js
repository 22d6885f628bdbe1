/** The buttons that open the panel: in the search fields of the page, or floating above it. */

import { icon, make, shell } from "./dom.js";
import { languageOf, speaker } from "./texts.js";

const SIZE = 34;
const ROOM = 6; // pixels between the button and the end of its field

/**
 * Keeps a button in every field that a selector finds, however the page changes.
 * @param {object} options see options.js
 * @param {() => void} open
 * @returns {() => void} takes them all away
 */
export function fieldButtons(options, open) {
  const placed = new Map(); // field -> what takes its button away
  const look = () => {
    for (const [field, remove] of placed) if (!field.isConnected) remove();
    // Pages that copy their parts, to bring them back later, copy our elements too, without what is in them.
    for (const host of document.querySelectorAll("shopsight-widget")) if (!host.shadowRoot) host.remove();
    for (const field of document.querySelectorAll(options.target)) {
      if (!placed.has(field)) placed.set(field, inField(field, options, open, () => placed.delete(field)));
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.documentElement, { childList: true, subtree: true });
  look();
  return () => {
    watcher.disconnect();
    for (const remove of [...placed.values()]) remove();
  };
}

function inField(field, options, open, forget) {
  const host = shell("field", options);
  const button = opener(options, open);
  host.shadowRoot.append(button);
  field.after(host);
  const style = getComputedStyle(field);
  const toLeft = style.direction === "rtl";
  field.dataset.shopsightPadding ??= field.style.paddingInlineEnd; // on the field, as copies have it then
  field.style.paddingInlineEnd = `${Math.max(parseFloat(style.paddingInlineEnd), SIZE + 2 * ROOM)}px`;

  function place() {
    if (!host.isConnected && field.isConnected) field.after(host); // a framework has tidied up
    const [edge, here] = [field.getBoundingClientRect(), host.getBoundingClientRect()];
    button.hidden = edge.width === 0;
    const x = toLeft ? edge.left + ROOM : edge.right - ROOM - SIZE;
    button.style.translate = `${x - here.left}px ${edge.top + (edge.height - SIZE) / 2 - here.top}px`;
  }

  const sizes = new ResizeObserver(place);
  sizes.observe(field);
  sizes.observe(document.documentElement);
  const moves = new MutationObserver(place);
  moves.observe(field.parentNode, { childList: true, attributes: true });
  const scrolled = ({ target }) => target !== document && target.contains(field) && place();
  addEventListener("scroll", scrolled, { capture: true, passive: true });
  addEventListener("load", place);
  place();
  return () => {
    sizes.disconnect();
    moves.disconnect();
    removeEventListener("scroll", scrolled, { capture: true });
    removeEventListener("load", place);
    field.style.paddingInlineEnd = field.dataset.shopsightPadding;
    delete field.dataset.shopsightPadding;
    host.remove();
    forget();
  };
}

/** A button in a corner of the window; the result takes it away. */
export function floatingButton(options, open) {
  const host = shell("float", options);
  host.shadowRoot.append(opener(options, open));
  const put = () => host.isConnected || document.body.append(host);
  const watcher = new MutationObserver(put);
  watcher.observe(document.documentElement, { childList: true, subtree: true });
  put();
  return () => {
    watcher.disconnect();
    host.remove();
  };
}

function opener(options, open) {
  const label = options.label || speaker(languageOf(options))("label");
  return make("button", { type: "button", class: "opener", "aria-label": label, title: label, click: open }, icon("camera"));
}
