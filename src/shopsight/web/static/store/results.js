/** The list of results, in each of its states: nothing yet, loading, found, empty, failed. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import "./card.js";

const SKELETONS = 12;

class SearchResults extends HTMLElement {
  #render = () => this.replaceChildren();

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
  }

  /** Nothing is asked. */
  clear() {
    this.removeAttribute("aria-busy");
    this.#show(() => this.replaceChildren());
  }

  /** The question is on its way. */
  loading() {
    this.setAttribute("aria-busy", "true");
    this.#show(() => {
      const cards = Array.from({ length: SKELETONS }, () => make("div", { class: "holder" }, make("i", { class: "skeleton" }), make("b", { class: "skeleton" }), make("b", { class: "skeleton" })));
      this.replaceChildren(
        make("h2", {}, t("searching")),
        make("div", { class: "grid", "aria-hidden": "true" }, ...cards),
      );
    });
  }

  /**
   * Products were found.
   * @param {object[]} hits
   * @param {{heading: () => string, honest: boolean, visual: boolean, changed: boolean, explainable: boolean}} about what was asked:
   *   `honest` says that the thing itself is not there
   * @param {(() => Promise<void>)|null} more loads the next ones; null when there are none
   */
  found(hits, about, more) {
    this.removeAttribute("aria-busy");
    this.#show(() => {
      // Cards of products that stay are kept, so that their pictures do not flicker.
      const before = new Map([...this.querySelectorAll("product-card")].map((card) => [card.productId, card]));
      const cards = hits.map((hit, rank) => {
        const card = before.get(hit.product.id) ?? document.createElement("product-card");
        card.show(hit, rank, about);
        return make("li", {}, card);
      });
      this.replaceChildren(
        about.honest
          ? make("div", { class: "banner warn" }, icon("info"), make("h2", {}, about.heading()))
          : make("h2", {}, about.heading()),
        make("ul", { class: "grid", role: "list" }, ...cards),
        ...(more ? [this.#moreButton(more)] : []),
      );
    });
  }

  /**
   * Nothing fits.
   * @param {string} explanation key of the words
   */
  empty(explanation) {
    this.removeAttribute("aria-busy");
    this.#show(() => this.#note("search", t("nothingTitle"), t(explanation)));
  }

  /**
   * Something went wrong.
   * @param {string} title key of the words above
   * @param {string} explanation key of the words
   * @param {(() => void)|null} retry tries again; null when that makes no sense
   */
  failed(title, explanation, retry) {
    this.removeAttribute("aria-busy");
    const again = retry && (() => make("button", { type: "button", class: "button", click: retry }, t("retry")));
    this.#show(() => this.#note("sad", t(title), t(explanation), again && again()));
  }

  #note(picture, title, text, action = null) {
    this.replaceChildren(
      make("div", { class: "note" }, icon(picture), make("h2", {}, title), make("p", {}, text), action),
    );
  }

  #moreButton(more) {
    const button = make("button", { type: "button", class: "button more" }, t("more"));
    button.addEventListener("click", async () => {
      button.disabled = true;
      button.textContent = t("loadingMore");
      await more();
    });
    return button;
  }

  #show(render) {
    this.#render = render;
    render();
  }
}

customElements.define("search-results", SearchResults);
