/** One product of the results. */

import { icon, make } from "./dom.js";

const STATES = ["in_stock", "out_of_stock", "preorder", "backorder"];

/**
 * A product as a list item.
 * @param {object} hit as the API gives it
 * @param {{t: Function, language: string, base: string, badge: boolean}} how
 * @param {(event: MouseEvent, link: string) => void} chosen
 */
export function card(hit, { t, language, base, badge }, chosen) {
  const { product } = hit;
  const own = product.attributes?.[`title_${language}`];
  const title = typeof own === "string" && own ? own : product.title;
  const link = webLink(product.link);
  const marked = badge && (hit.match === "same_item" || hit.match === "near_duplicate");
  const content = [
    picture(hit, base),
    marked && make("span", { class: `badge ${hit.match}` }, t(hit.match)),
    product.brand && make("span", { class: "brand" }, product.brand),
    make("span", { class: "name" }, title),
    price(product, t, language),
    STATES.includes(product.availability) &&
      make("span", { class: `stock ${product.availability}` }, t(product.availability)),
  ];
  if (!link) return make("li", {}, make("div", { class: "card" }, ...content));
  const choose = (event) => chosen(event, link);
  return make("li", {}, make("a", { class: "card", href: link, click: choose, auxclick: choose }, ...content));
}

/** A link of the web, as an address; others, such as scripts, are none. */
function webLink(link) {
  return /^https?:\/\//i.test(link ?? "") ? link : "";
}

function picture(hit, base) {
  const { url, width, height } = hit.thumbnail ?? { url: hit.image_url };
  const image = make("img", { alt: "", loading: "lazy", decoding: "async", width, height });
  image.addEventListener("error", () => image.replaceWith(icon("image")));
  image.src = new URL(url, base);
  return make("span", { class: "picture" }, image);
}

function price({ price: usual, sale_price: sale }, t, language) {
  if (!usual && !sale) return null;
  const reduced = sale && usual && Number(sale.amount) < Number(usual.amount);
  const amount = money(sale ?? usual, language);
  if (!reduced) return make("span", { class: "price" }, amount);
  return make(
    "span",
    { class: "price" },
    make("span", { class: "quiet" }, t("now")),
    make("b", {}, amount),
    make("span", { class: "quiet" }, t("was")),
    make("s", {}, money(usual, language)),
  );
}

function money({ amount, currency }, language) {
  try {
    const style = { style: "currency", currency, currencyDisplay: "narrowSymbol" };
    return new Intl.NumberFormat(language === "zh" ? "zh-CN" : document.documentElement.lang || "en", style).format(amount);
  } catch {
    return `${amount} ${currency}`;
  }
}
