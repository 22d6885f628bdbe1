/** Widgets of the page: the one that the script's own tag describes, and those that the page makes. */

import { fieldButtons, floatingButton } from "./button.js";
import { makePanel } from "./panel.js";

const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');
const home = new URL(".", script?.src ?? location.href).href;
const NAMES = ["target", "lang", "theme", "label", "filter", "server"];
const widgets = new Set();

/**
 * Make a widget.
 * @param {{target?: string, lang?: string, theme?: string, label?: string, filter?: string, server?: string,
 *   button?: boolean}} given as the script's `data-` attributes; `button: false` adds none
 * @returns {{open: Function, close: Function, remove: Function}}
 */
function create(given = {}) {
  const options = { ...given };
  const base = new URL(options.server || home, location.href).href.replace(/\/*$/, "/");
  let panel = null;

  function tell(name, detail) {
    if (name === "close") panel = null;
    const event = new CustomEvent(`shopsight:${name}`, { detail, cancelable: name === "select" });
    return document.dispatchEvent(event);
  }

  function open(question) {
    if (panel?.isLost()) panel = null;
    panel ??= makePanel({ base, options, tell }); // anew each time: the page's language may have changed
    panel.open(question);
  }

  const place = options.target ? fieldButtons : floatingButton;
  const removeButtons = options.button === false ? () => {} : place(options, () => open());
  const widget = {
    open,
    close: () => panel?.close(),
    remove() {
      removeButtons();
      panel?.close();
      widgets.delete(widget);
    },
  };
  widgets.add(widget);
  return widget;
}

/** Run something once the page has a body. */
function whenReady(run) {
  if (document.body) run();
  else document.addEventListener("DOMContentLoaded", run, { once: true });
}

// Browsers of 2024 and later can show the panel; in older ones the page stays as it was.
const able = "adoptedStyleSheets" in Document.prototype && CSS.supports("color", "light-dark(red, red)");

if (able) {
  const first = () => {
    if (widgets.size === 0) create({ button: false });
    return widgets.values().next().value;
  };
  // A page may have the script twice; its widgets are its own, the functions those of the first.
  window.Shopsight ??= {
    create,
    open: (question) => first().open(question),
    close: () => widgets.forEach((widget) => widget.close()),
    remove: () => widgets.forEach((widget) => widget.remove()),
  };
  const given = {};
  for (const name of NAMES) if (script?.dataset[name]) given[name] = script.dataset[name];
  if (script?.dataset.button === "none") given.button = false;
  if (script) whenReady(() => create(given));
}
