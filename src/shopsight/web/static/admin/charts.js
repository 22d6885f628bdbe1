/** Charts as SVG, drawn here. Each has its figures as a table for those who cannot see it. */

import { make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

const SPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 180;
const LEFT = 52;
const BOTTOM = 24;
const TOP = 12;
const STEPS = [1, 2, 2.5, 5, 10];

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A round number not below another one, for the top of a scale. */
function roundUp(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return STEPS.find((step) => step * power >= value) * power;
}

/**
 * Lines or columns over time.
 * @param {string} title
 * @param {Array<{name: string, values: Array<number|null>}>} series
 * @param {{labels: string[], format: (value: number) => string, columns?: boolean, whole?: boolean}} how `labels` name the places
 */
export function timeChart(title, series, how) {
  const place = make("div", { class: "chart-place" });
  const legend = series.length > 1 && make("ul", { class: "legend", role: "list" }, ...series.map(({ name }, number) => make("li", { class: `series-${number}` }, name)));
  // As wide as its place, so that its words keep their size.
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width > 0) place.replaceChildren(chart(title, series, how, Math.round(contentRect.width)));
  }).observe(place);
  return make("figure", { class: "chart-frame" }, make("figcaption", {}, make("span", {}, title), legend), place, figuresOf(title, series, how.labels, how.format));
}

function chart(title, series, { labels, format, columns = false, whole = false }, width) {
  const known = series.flatMap(({ values }) => values.filter((value) => value != null));
  const top = roundUp(Math.max(whole ? 4 : 0, ...known));
  const x = (place) => LEFT + ((width - LEFT - 8) * (columns ? place + 0.5 : place)) / Math.max(1, columns ? labels.length : labels.length - 1);
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img", "aria-label": title });
  for (const share of [0, 0.5, 1]) {
    svg.append(draw("line", { x1: LEFT, x2: width, y1: y(top * share), y2: y(top * share), class: "grid" }));
    svg.append(draw("text", { x: LEFT - 8, y: y(top * share) + 4, class: "tick end" }, format(top * share)));
  }
  const shown = [...new Set([0, Math.floor((labels.length - 1) / 2), labels.length - 1])];
  for (const place of shown) {
    const edge = place === 0 ? "start" : place === labels.length - 1 ? "end" : "middle";
    svg.append(draw("text", { x: x(place), y: HEIGHT - 6, class: `tick ${edge}` }, labels[place] ?? ""));
  }
  series.forEach((one, number) => svg.append(...(columns ? bars(one, number, { count: series.length, room: ((width - LEFT - 8) / labels.length) * 0.72, labels, x, y, format }) : line(one, number, x, y))));
  return svg;
}

function bars({ name, values }, number, { count, room, labels, x, y, format }) {
  return values.map((value, place) => {
    const height = y(0) - y(value ?? 0);
    const bar = draw("rect", { x: x(place) - room / 2 + (room / count) * number, y: y(value ?? 0), width: room / count, height, rx: Math.min(2, height / 2), class: `series-${number}` });
    bar.append(draw("title", {}, `${labels[place]} · ${name}: ${format(value ?? 0)}`));
    return bar;
  });
}

function line({ values }, number, x, y) {
  const parts = [];
  let path = "";
  values.forEach((value, place) => {
    if (value == null) {
      if (path) parts.push(path);
      path = "";
    } else path += `${path ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  if (path) parts.push(path);
  // A point alone between gaps would not be seen as a line.
  return parts.map((d) => draw("path", { d: d.includes("L") ? d : `${d}h0.01`, class: `series-${number}` }));
}

function figuresOf(title, series, labels, format) {
  const step = Math.ceil(labels.length / 60);
  const places = labels.map((_, place) => place).filter((place) => place % step === 0);
  const head = make("tr", {}, make("th", {}, t("time")), ...series.map(({ name }) => make("th", {}, name)));
  const rows = places.map((place) => make("tr", {}, make("th", {}, labels[place]), ...series.map(({ values }) => make("td", {}, values[place] == null ? "–" : format(values[place])))));
  return make("div", { class: "visually-hidden" }, make("table", {}, make("caption", {}, title), head, ...rows));
}

/**
 * Shares as lying bars, the largest first.
 * @param {string} title
 * @param {Array<{name: string, value: number, shown: string}>} rows
 */
export function shareChart(title, rows) {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  const lines = rows.map(({ name, value, shown }) => {
    const bar = make("span", { class: "share-bar" });
    bar.style.inlineSize = `${(100 * value) / most}%`;
    return make("li", {}, make("span", { class: "share-name", dir: "auto", title: name }, name), make("span", { class: "share-track" }, bar), make("span", { class: "number" }, shown));
  });
  return make("ul", { class: "shares", role: "list", "aria-label": title }, ...lines);
}
