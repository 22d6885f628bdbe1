/** One product of the results. */

import { icon, make, webLink } from "../shared/elements.js";
import { clock, money, percent } from "../shared/format.js";
import { language, t } from "../shared/i18n.js";

const MOST_SURE = 0.99; // rounding up would promise certainty

/** Announces with the events "alike" and "why" that more is asked about the product. */
class ProductCard extends HTMLElement {
  #hit = null;
  #rank = 0;
  #offers = {};

  /**
   * Show a hit in the language in use.
   * @param {object} hit as the API gives it
   * @param {number} rank its place, from 0
   * @param {{visual: boolean, changed: boolean, explainable: boolean}} offers what the search was about
   */
  show(hit, rank, offers) {
    [this.#hit, this.#rank, this.#offers] = [hit, rank, offers];
    const { product, image_url: image } = hit;
    const link = webLink(product.link);
    const title = titleOf(product);
    const article = make(
      "article",
      {},
      picture(image, badge(hit, offers.changed)),
      make(
        "div",
        { class: "facts" },
        product.brand && make("p", { class: "maker" }, product.brand),
        make("h3", {}, link ? shopLink(link, title) : title),
        prices(product),
        make("div", { class: "bottom" }, availability(product.availability), offers.visual && likeness(hit)),
      ),
      make(
        "div",
        { class: "acts" },
        this.#act("alike", title),
        offers.explainable && this.#act("why", title),
      ),
    );
    this.replaceChildren(article);
  }

  #act(name, title) {
    const detail = { hit: this.#hit, rank: this.#rank, title };
    const act = () => this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
    const label = t("aboutProduct", { action: t(name), title });
    return make("button", { type: "button", class: "link", "aria-label": label, click: act }, t(name));
  }
}

/** A product's title in the language in use. */
export function titleOf(product) {
  const own = product.attributes?.[`title_${language()}`];
  return typeof own === "string" && own ? own : product.title;
}

function shopLink(link, title) {
  return make(
    "a",
    { href: link, target: "_blank", rel: "noopener noreferrer" },
    title,
    make("span", { class: "visually-hidden" }, ` (${t("newTab")})`),
  );
}

function picture(link, ...marks) {
  const frame = make("div", { class: "picture" });
  const image = make("img", { alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(icon("image")));
  image.addEventListener("load", () => frame.classList.add("loaded"));
  image.src = link;
  frame.append(image, ...marks.filter(Boolean));
  return frame;
}

/** That it is the very thing, or nearly; or when the video shows it. */
function badge({ match, confidence, seen_at_s: seen }, changed) {
  if (seen != null) return make("p", { class: "badge" }, t("seenAt", { time: clock(seen) }));
  // "This but in red" asks for another thing than the photo shows.
  if (changed || (match !== "same_item" && match !== "near_duplicate")) return null;
  const share = confidence == null ? "" : percent(Math.min(confidence, MOST_SURE));
  const title = share ? t("confidence", { percent: share }) : null;
  const shown = match === "same_item" && share;
  return make("p", { class: `badge ${match}`, title }, make("b", {}, t(match)), shown && make("span", {}, share));
}

function prices({ price, sale_price: sale }) {
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

const STATES = ["in_stock", "out_of_stock", "preorder", "backorder"];

function availability(state) {
  return STATES.includes(state) ? make("p", { class: `stock ${state}` }, t(state)) : make("p", {});
}

function likeness({ score, terms }) {
  const share = Math.min(1, Math.max(0, terms?.image ?? score));
  const label = t("similarity", { percent: percent(share) });
  const bar = make("div", { class: "likeness", role: "img", "aria-label": label, title: label });
  const fill = make("i");
  fill.style.width = `${share * 100}%`;
  bar.append(fill);
  return bar;
}

customElements.define("product-card", ProductCard);
