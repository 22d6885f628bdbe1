/** Elements, made without any HTML text: pages with Trusted Types and a strict policy allow that. */

/* global STYLE -- the text of style.css, which the server puts in */

const PATHS = {
  camera:
    "M4 8.500A1.500 1.500 0 0 1 5.500 7H8l1.400-2h5.200L16 7h2.500A1.500 1.500 0 0 1 20 8.500v9a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 17.500zM12 16.200a3.400 3.400 0 1 0 0-6.800 3.400 3.400 0 0 0 0 6.800z",
  image:
    "M5.500 5h13A1.500 1.500 0 0 1 20 6.500v11a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 17.500v-11A1.500 1.500 0 0 1 5.500 5zM4.500 17l4.800-5 3.700 3.700 2-2 4.500 4.300M15.500 10a1.200 1.200 0 1 0 0-2.400 1.200 1.200 0 0 0 0 2.400z",
  close: "M7 7l10 10M17 7 7 17",
  search: "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM15.500 15.500 20 20",
  alert: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.500M12 16h.01",
};

/**
 * Make an element.
 * @param {string} tag
 * @param {Object<string, unknown>} attributes functions listen to the event of their name; null and false are left out
 * @param {...(Node|string|null|false|undefined)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value != null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false && child !== ""));
  return element;
}

/** A line drawing, for the eyes only. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
}

let sheet;

/** An element of the page with a shadow root of our own, which the page's styles do not reach. */
export function shell(kind, options) {
  const host = document.createElement("shopsight-widget");
  host.dataset.kind = kind;
  if (options.theme) host.dataset.theme = options.theme;
  const root = host.attachShadow({ mode: "open" });
  if (!sheet) {
    sheet = new CSSStyleSheet(); // no policy forbids a constructed style sheet
    sheet.replaceSync(STYLE);
  }
  root.adoptedStyleSheets = [sheet];
  return host;
}
