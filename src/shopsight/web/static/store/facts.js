/** Facts of a product as shoppers see them, wherever it is shown: title, price, rating, stock. */

import { make } from "../shared/elements.js";
import { decimal, money, whole } from "../shared/format.js";
import { language, t } from "../shared/i18n.js";

const STATES = ["in_stock", "out_of_stock", "preorder", "backorder"];
const FEW = 5;

/** A product's title in the language in use. */
export function titleOf(product) {
  const own = product.attributes?.[`title_${language()}`];
  return typeof own === "string" && own ? own : product.title;
}

/** A product's description in the language in use. */
export function descriptionOf(product) {
  const own = product.attributes?.[`description_${language()}`];
  return typeof own === "string" && own ? own : product.description;
}

/** What it costs, and what it cost before; null if the feed does not say. */
export function prices({ price, sale_price: sale }) {
  if (!price && !sale) return null;
  const line = make("p", { class: "price" });
  const reduced = sale && price && Number(sale.amount) < Number(price.amount);
  if (reduced) line.append(make("span", { class: "visually-hidden" }, `${t("nowPrice")}: `));
  line.append(make("strong", reduced ? { class: "sale" } : {}, money(sale ?? price)));
  if (reduced) {
    line.append(" ", make("span", { class: "visually-hidden" }, `${t("wasPrice")}: `), make("s", {}, money(price)));
  }
  return line;
}

/** Whether it can be had; null if the feed does not say. */
export function availability({ availability: state, stock }) {
  if (!STATES.includes(state)) return null;
  const few = state === "in_stock" && stock > 0 && stock <= FEW;
  return make("p", { class: `stock ${few ? "few" : state}` }, few ? t("fewLeft", { count: stock }) : t(state));
}

/** Stars, as far as they are filled. */
export function stars(rating) {
  const element = make("span", { class: "stars", role: "img", "aria-label": t("stars", { rating: decimal(rating, 1) }) });
  element.style.setProperty("--share", `${(rating / 5) * 100}%`);
  return element;
}

/** How many reviews there are, in words. */
export function reviewCount(count) {
  return count === 1 ? t("reviewOne") : t("reviewCount", { count: whole(count) });
}

/** The mean rating and how many gave one; null without any. */
export function ratingLine({ rating, review_count: count }) {
  if (rating == null) return null;
  return make(
    "p",
    { class: "rating" },
    stars(rating),
    make("span", { "aria-hidden": "true" }, decimal(rating, 1)),
    count != null && make("span", { class: "count" }, reviewCount(count)),
  );
}
