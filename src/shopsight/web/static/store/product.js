/** The page of one product: pictures, facts, variants, reviews, and what is like it. */

import { icon, make, webLink } from "../shared/elements.js";
import { hasWords, t } from "../shared/i18n.js";
import { productOf, reviewsOf, search } from "./api.js";
import "./card.js";
import { availability, descriptionOf, prices, ratingLine, titleOf } from "./facts.js";
import { pictureFrame } from "./pictures.js";
import { NOTHING } from "./question.js";
import "./reviews.js";
import { productAddress } from "./views.js";

const RELATED = 6;
const VARIANTS = 12;
const MOST_ATTRIBUTES = 14;
const TRANSLATED = /^(title|description)_[a-z]{2}$/; // shown in the place of the title and the description

/** Announces with "back" that the shopper goes back, and with "alike" and "product" as cards do. */
class ProductPage extends HTMLElement {
  #id = "";
  #state = {};
  #shown = 0; // number of the picture
  #loading = new AbortController();

  connectedCallback() {
    document.addEventListener("language", () => this.#id && this.#render());
  }

  /**
   * Show a product.
   * @param {string} id
   * @param {{product?: object, answered?: boolean}} known `product` is what a hit has told of it; `answered` says that
   *   there are results to go back to
   */
  async show(id, { product, answered = false } = {}) {
    this.#loading.abort();
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    this.#id = id;
    this.#shown = 0;
    this.#state = { product, answered };
    this.#render();
    const reviews = reviewsOf(id, { limit: 5 }, signal);
    try {
      this.#state.product = await productOf(id, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#state.failed = error.status === 404 ? "gone" : "failed";
    }
    if (signal.aborted) return;
    this.#render();
    if (this.#state.failed) return;
    const [said, variants, related] = await Promise.all([reviews, this.#variants(signal), this.#related(signal)]);
    if (signal.aborted) return;
    Object.assign(this.#state, { reviews: said, variants, related });
    this.#render();
  }

  /** Nothing is shown any more. */
  leave() {
    this.#loading.abort();
  }

  async #alike(page, signal) {
    try {
      return (await search({ ...NOTHING, product: { id: this.#id } }, page, signal)).hits;
    } catch {
      return []; // a product that cannot be searched with has nothing beside it
    }
  }

  async #variants(signal) {
    const group = this.#state.product.item_group_id;
    if (!group) return [];
    const hits = await this.#alike({ limit: VARIANTS, filter: `item_group_id = ${JSON.stringify(group)}` }, signal);
    return hits.length === 0 ? [] : hits.toSorted((one, other) => (one.product.id < other.product.id ? -1 : 1));
  }

  async #related(signal) {
    const group = this.#state.product.item_group_id;
    const hits = await this.#alike({ limit: RELATED + VARIANTS, group_by: "item_group_id" }, signal);
    return hits.filter(({ product }) => !group || product.item_group_id !== group).slice(0, RELATED);
  }

  #render() {
    const { product, failed } = this.#state;
    const parts = failed ? [this.#note(failed)] : product ? [this.#top(product), ...this.#below()] : [waiting()];
    const focused = this.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    this.replaceChildren(this.#back(), ...parts);
    if (focused) this.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    if (product && !failed) document.title = `${titleOf(product)} · Shopsight`;
  }

  #back() {
    const act = () => this.dispatchEvent(new CustomEvent("back", { bubbles: true }));
    const words = t(this.#state.answered ? "backToResults" : "backToSearch");
    return make("button", { type: "button", class: "button ghost small back", "data-key": "back", click: act }, icon("back"), words);
  }

  #note(failed) {
    const retry = () => this.show(this.#id, { answered: this.#state.answered });
    return make(
      "div",
      { class: "note" },
      icon(failed === "gone" ? "search" : "sad"),
      make("h1", {}, t(failed === "gone" ? "goneTitle" : "errorTitle")),
      make("p", {}, t(failed === "gone" ? "errorGone" : "errorServer")),
      failed === "failed" && make("button", { type: "button", class: "button", click: retry }, t("retry")),
    );
  }

  #top(product) {
    const title = titleOf(product);
    const description = descriptionOf(product);
    const link = webLink(product.link);
    const alike = () => {
      const detail = { hit: { product, image_url: pictures(product)[0].url, thumbnail: pictures(product)[0].thumbnail }, title };
      this.dispatchEvent(new CustomEvent("alike", { bubbles: true, detail }));
    };
    return make(
      "div",
      { class: "product" },
      this.#gallery(product, title),
      make(
        "div",
        { class: "about" },
        crumbs(product.product_type),
        product.brand && make("p", { class: "maker", dir: "auto" }, product.brand),
        make("h1", { dir: "auto" }, title),
        this.#rating(product),
        prices(product),
        availability(product),
        this.#variantList(),
        make(
          "div",
          { class: "buy" },
          link &&
            make(
              "a",
              { class: "button primary large", href: link, target: "_blank", rel: "noopener noreferrer" },
              icon("cart"),
              t("buy"),
              make("span", { class: "visually-hidden" }, ` (${t("newTab")})`),
            ),
          make("button", { type: "button", class: "button large", "data-key": "alike", click: alike }, icon("search"), t("alike")),
        ),
        description && make("p", { class: "description", dir: "auto" }, description),
        details(product),
      ),
    );
  }

  #rating(product) {
    const { count, rating } = this.#state.reviews ?? {};
    return ratingLine(count ? { rating, review_count: count } : product);
  }

  #gallery(product, title) {
    const all = pictures(product);
    const shown = Math.min(this.#shown, all.length - 1);
    const choose = (number) => {
      this.#shown = number;
      this.#render();
    };
    const small = all.map((picture, number) => {
      const name = t("picture", { number: number + 1, count: all.length });
      const attributes = { type: "button", "aria-label": name, "aria-pressed": String(number === shown), "data-key": `picture-${number}` };
      return make("li", {}, make("button", { ...attributes, click: () => choose(number) }, pictureFrame(picture, { widths: [160], sizes: "72px" })));
    });
    const large = pictureFrame(all[shown], { alt: title, widths: [640, 1024], sizes: "(min-width: 920px) 560px, 92vw", eager: true });
    return make("div", { class: "gallery" }, large, all.length > 1 && make("ul", { role: "list", "aria-label": t("pictures") }, ...small));
  }

  #variantList() {
    const { variants = [], product } = this.#state;
    if (variants.length === 0) return null;
    const all = [{ product, thumbnail: pictures(product)[0].thumbnail, image_url: pictures(product)[0].url }, ...variants];
    const sorted = all.toSorted((one, other) => (one.product.id < other.product.id ? -1 : 1));
    return make(
      "nav",
      { class: "variants", "aria-label": t("variants") },
      make("p", { class: "label" }, t("variants")),
      make("ul", { role: "list" }, ...sorted.map((hit) => this.#variant(hit, product))),
    );
  }

  #variant(hit, current) {
    const name = variantName(hit.product);
    const frame = pictureFrame({ url: hit.image_url, thumbnail: hit.thumbnail }, { widths: [160], sizes: "56px" });
    const link = make(
      "a",
      {
        href: productAddress(hit.product.id),
        title: name,
        "aria-label": name,
        "aria-current": hit.product.id === current.id ? "true" : null,
      },
      frame,
    );
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("product", { bubbles: true, detail: { hit, title: titleOf(hit.product) } }));
    });
    return make("li", {}, link);
  }

  #below() {
    const { reviews, related = [] } = this.#state;
    const element = document.createElement("product-reviews");
    const cards = related.map((hit, rank) => {
      const card = document.createElement("product-card");
      card.show(hit, rank, { visual: false, changed: true, explainable: false, queryId: "" });
      return make("li", {}, card);
    });
    queueMicrotask(() => element.show(this.#id, reviews ?? null));
    const section =
      cards.length > 0 &&
      make("section", { class: "related" }, make("h2", {}, t("related")), make("ul", { class: "grid", role: "list" }, ...cards));
    return [element, section].filter(Boolean);
  }
}

/** Pictures of a product; at least one, which may not exist. */
function pictures(product) {
  if (product.pictures?.length > 0) return product.pictures;
  return [product.image_link, ...(product.additional_image_link ?? [])].map((url) => ({ url, thumbnail: null }));
}

function variantName(product) {
  const { color, size } = product.attributes ?? {};
  const told = [color, size].flat().filter((value) => typeof value === "string" && value);
  return told.length > 0 ? told.join(", ") : titleOf(product);
}

function crumbs(path) {
  if (!path) return null;
  const steps = path.split(" > ").map((step) => make("li", { dir: "auto" }, step));
  return make("ol", { class: "crumbs", role: "list" }, ...steps);
}

function details(product) {
  const shown = Object.entries(product.attributes ?? {}).filter(([name]) => !TRANSLATED.test(name));
  const rows = [...shown.slice(0, MOST_ATTRIBUTES), ["gtin", product.gtin], ["mpn", product.mpn], ["id", product.id]]
    .filter(([, value]) => value !== "" && value != null && !(Array.isArray(value) && value.length === 0))
    .flatMap(([name, value]) => [make("dt", { dir: "auto" }, labelOf(name)), make("dd", { dir: "auto" }, valueOf(value))]);
  return make("dl", { class: "details" }, ...rows);
}

function labelOf(name) {
  if (hasWords(`detail_${name}`)) return t(`detail_${name}`);
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

function valueOf(value) {
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function waiting() {
  const line = (kind) => make("div", { class: `skeleton ${kind}` });
  return make(
    "div",
    { class: "product", "aria-hidden": "true" },
    make("div", { class: "gallery" }, make("div", { class: "picture skeleton" })),
    make("div", { class: "about" }, line("short"), line("title"), line("short"), line("long"), line("long")),
  );
}

customElements.define("product-page", ProductPage);
