/** Small helpers to build elements. Text is always set as text, never as markup. */

/**
 * Make an element.
 * @param {string} tag
 * @param {Object<string, string|boolean|Function>} attributes a function is a listener, as in {click: act}
 * @param {...(Node|string|null|false)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false && child !== ""));
  return element;
}

const ICONS = {
  camera: "M4 8.500A1.500 1.500 0 0 1 5.500 7H8l1.400-2h5.200L16 7h2.500A1.500 1.500 0 0 1 20 8.500v9a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 17.500zM12 16.200a3.400 3.400 0 1 0 0-6.800 3.400 3.400 0 0 0 0 6.800z",
  image: "M5.500 5h13A1.500 1.500 0 0 1 20 6.500v11a1.500 1.500 0 0 1-1.500 1.500h-13A1.500 1.500 0 0 1 4 17.500v-11A1.500 1.500 0 0 1 5.500 5zM4.500 17l4.800-5 3.700 3.700 2-2 4.500 4.300M15.500 10a1.200 1.200 0 1 0 0-2.400 1.200 1.200 0 0 0 0 2.400z",
  arrow: "M8 16 16 8M9.500 8H16v6.500",
  sad: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM9 15.500c1.600-1.500 4.400-1.500 6 0M9.200 10h.01M14.800 10h.01",
  no: "M12 19a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM7.200 7.200l9.600 9.600",
  close: "M7 7l10 10M17 7 7 17",
  filter: "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.300a2.300 2.300 0 1 0 0-4.600 2.300 2.300 0 0 0 0 4.600zM9 19.300a2.300 2.300 0 1 0 0-4.600 2.300 2.300 0 0 0 0 4.600z",
  search: "M11 17a6 6 0 1 0 0-12 6 6 0 0 0 0 12zM15.500 15.500 20 20",
};

/** A line drawing. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A link that may be put into href: only http and https, or null. */
export function webLink(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
