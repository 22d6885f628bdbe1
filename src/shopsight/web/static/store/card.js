/** One product of the results. */

import { make } from "../shared/elements.js";
import { clock, percent } from "../shared/format.js";
import { t } from "../shared/i18n.js";
import { availability, prices, ratingLine, titleOf } from "./facts.js";
import { pictureFrame } from "./pictures.js";
import { productAddress } from "./views.js";

const MOST_SURE = 0.99; // rounding up would promise certainty

/** Announces with the events "product", "alike" and "why" that the product is opened, or more is asked about it. */
class ProductCard extends HTMLElement {
  #hit = null;
  #rank = 0;
  #offers = {};

  /**
   * Show a hit in the language in use.
   * @param {object} hit as the API gives it
   * @param {number} rank its place, from 0
   * @param {{visual: boolean, changed: boolean, explainable: boolean, queryId: string}} offers what the search was about
   */
  show(hit, rank, offers) {
    const picture = this.#hit?.image_url === hit.image_url ? this.querySelector(".picture") : null;
    [this.#hit, this.#rank, this.#offers] = [hit, rank, offers];
    const { product } = hit;
    const title = titleOf(product);
    const frame = picture ?? pictureFrame({ url: hit.image_url, thumbnail: hit.thumbnail }, { eager: rank < 4 });
    frame.querySelector(".badge")?.remove();
    const mark = badge(hit, offers.changed);
    if (mark) frame.append(mark);
    const article = make(
      "article",
      {},
      frame,
      make(
        "div",
        { class: "facts" },
        product.brand && make("p", { class: "maker", dir: "auto" }, product.brand),
        make("h3", { dir: "auto", title: title.length > 60 ? title : null }, this.#link(title)),
        prices(product),
        ratingLine(product),
        make("div", { class: "bottom" }, availability(product) ?? make("span"), offers.visual && likeness(hit)),
        make("div", { class: "acts" }, this.#act("alike", title), offers.explainable && this.#act("why", title)),
      ),
    );
    this.replaceChildren(article);
  }

  /** Which product is shown. */
  get productId() {
    return this.#hit?.product.id;
  }

  get #detail() {
    const { product } = this.#hit;
    return { hit: this.#hit, rank: this.#rank, title: titleOf(product), queryId: this.#offers.queryId };
  }

  #link(title) {
    const link = make("a", { href: productAddress(this.#hit.product.id) }, title);
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return; // a tab of its own
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("product", { bubbles: true, detail: this.#detail }));
    });
    return link;
  }

  #act(name, title) {
    const act = () => this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: this.#detail }));
    const label = t("aboutProduct", { action: t(name), title });
    return make("button", { type: "button", class: "link", "aria-label": label, click: act }, t(name));
  }
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
