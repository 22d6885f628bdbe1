/** One product of the results. */

import { icon, make, webLink } from "./elements.js";
import { language, locale, t } from "./i18n.js";

class ProductCard extends HTMLElement {
  #hit = null;

  /** A hit as the API gives it. */
  set hit(hit) {
    this.#hit = hit;
    this.render();
  }

  /** Show the product in the language in use. */
  render() {
    const { product, score, image_url: image } = this.#hit;
    const link = webLink(product.link);
    const title = titleOf(product);
    const article = make(
      "article",
      {},
      picture(image),
      make(
        "div",
        { class: "facts" },
        product.brand && make("p", { class: "maker" }, product.brand),
        make("h3", {}, link ? shopLink(link, title) : title),
        prices(product),
        make("div", { class: "bottom" }, availability(product.availability), likeness(score)),
      ),
    );
    this.replaceChildren(article);
  }
}

function titleOf(product) {
  const own = product.attributes?.[`title_${language()}`];
  return typeof own === "string" && own ? own : product.title;
}

function shopLink(link, title) {
  return make(
    "a",
    { href: link, target: "_blank", rel: "noopener noreferrer" },
    title,
    make("span", { class: "quiet" }, ` (${t("newTab")})`),
  );
}

function picture(link) {
  const frame = make("div", { class: "picture" });
  const image = make("img", { alt: "", loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(icon("image")));
  image.addEventListener("load", () => frame.classList.add("loaded"));
  image.src = link;
  frame.append(image);
  return frame;
}

function prices({ price, sale_price: sale }) {
  if (!price && !sale) return null;
  const line = make("p", { class: "price" });
  const reduced = sale && price && Number(sale.amount) < Number(price.amount);
  if (reduced) line.append(make("span", { class: "quiet" }, `${t("nowPrice")}: `));
  line.append(make("strong", reduced ? { class: "sale" } : {}, money(sale ?? price)));
  if (reduced) {
    line.append(" ", make("span", { class: "quiet" }, `${t("wasPrice")}: `), make("s", {}, money(price)));
  }
  return line;
}

function money({ amount, currency }) {
  try {
    return new Intl.NumberFormat(locale(), {
      style: "currency",
      currency,
      currencyDisplay: "narrowSymbol",
    }).format(Number(amount));
  } catch {
    return `${amount} ${currency}`; // three letters that are no currency Intl knows
  }
}

const STATES = ["in_stock", "out_of_stock", "preorder", "backorder"];

function availability(state) {
  return STATES.includes(state) ? make("p", { class: `stock ${state}` }, t(state)) : make("p", {});
}

function likeness(score) {
  const share = Math.min(1, Math.max(0, score));
  const percent = new Intl.NumberFormat(locale(), { style: "percent" }).format(share);
  const label = t("similarity", { percent });
  const bar = make("div", { class: "likeness", role: "img", "aria-label": label, title: label });
  const fill = make("i");
  fill.style.width = `${share * 100}%`;
  bar.append(fill);
  return bar;
}

customElements.define("product-card", ProductCard);
