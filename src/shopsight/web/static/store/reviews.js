/** What shoppers said of a product: all in figures, and one after the other. */

import { make } from "../shared/elements.js";
import { day, decimal, whole } from "../shared/format.js";
import { t } from "../shared/i18n.js";
import { reviewsOf } from "./api.js";
import { reviewCount, stars } from "./facts.js";

const PAGE = 5;

class ProductReviews extends HTMLElement {
  #id = "";
  #answer = null;

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
  }

  /**
   * Show the reviews of a product; without any, nothing.
   * @param {string} id
   * @param {object|null} answer first page, as the API gives it
   */
  show(id, answer) {
    [this.#id, this.#answer] = [id, answer];
    this.#render();
  }

  #render() {
    const { count = 0, rating, stars: numbers, reviews = [] } = this.#answer ?? {};
    this.hidden = count === 0;
    if (this.hidden) {
      this.replaceChildren();
      return;
    }
    this.replaceChildren(
      make("h2", { id: "reviews" }, t("reviews")),
      make(
        "div",
        { class: "reviews" },
        make(
          "div",
          { class: "summary" },
          make("p", { class: "mean" }, decimal(rating, 1)),
          stars(rating),
          make("p", { class: "soft small-text" }, reviewCount(count)),
          make("dl", { class: "bars" }, ...[5, 4, 3, 2, 1].flatMap((number) => bar(number, numbers[number] ?? 0, count))),
        ),
        make(
          "div",
          {},
          make("ul", { role: "list" }, ...reviews.map(said)),
          reviews.length < count && make("button", { type: "button", class: "button", click: (event) => this.#more(event) }, t("moreReviews")),
        ),
      ),
    );
  }

  async #more({ target }) {
    const before = this.#answer.reviews;
    const id = this.#id;
    target.disabled = true;
    const next = await reviewsOf(id, { limit: PAGE, offset: before.length });
    if (id !== this.#id) return; // another product is shown by now
    if (next) this.#answer = { ...next, reviews: [...before, ...next.reviews] };
    this.#render();
    this.querySelectorAll("li")[before.length]?.focus();
  }
}

function bar(number, amount, count) {
  const fill = make("i");
  fill.style.width = `${(amount / count) * 100}%`;
  return [make("dt", {}, t("starsShort", { number })), make("dd", {}, make("span", { class: "track" }, fill), make("span", {}, whole(amount)))];
}

function said({ rating, title, review, reviewer, created_at: created }) {
  const by = [reviewer, created && day(created)].filter(Boolean).join(" · ");
  return make(
    "li",
    { tabindex: "-1" },
    stars(rating),
    title && make("h3", { dir: "auto" }, title),
    review && make("p", { dir: "auto" }, review),
    by && make("p", { class: "soft small-text", dir: "auto" }, by),
  );
}

customElements.define("product-reviews", ProductReviews);
