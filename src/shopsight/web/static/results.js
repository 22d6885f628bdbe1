/** The list of results, in each of its states: nothing yet, loading, found, empty, failed. */

import { icon, make } from "./elements.js";
import { t } from "./i18n.js";
import "./card.js";

const SKELETONS = 12;

class SearchResults extends HTMLElement {
  #render = () => this.replaceChildren();

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
  }

  /** Nothing was asked yet. */
  clear() {
    this.#show(() => this.replaceChildren());
  }

  /** The photo is on its way. */
  loading() {
    this.setAttribute("aria-busy", "true");
    this.#show(() => {
      const cards = Array.from({ length: SKELETONS }, () => make("div", { class: "skeleton" }, make("i"), make("b"), make("b")));
      this.replaceChildren(
        make("h2", {}, t("searching")),
        make("div", { class: "grid", "aria-hidden": "true" }, ...cards),
      );
    });
  }

  /**
   * Products were found.
   * @param {object[]} hits
   * @param {(() => Promise<void>)|null} more loads the next ones; null when there are none
   */
  found(hits, more) {
    this.removeAttribute("aria-busy");
    this.#show(() => {
      const cards = hits.map((hit) => Object.assign(document.createElement("product-card"), { hit }));
      this.replaceChildren(
        make("h2", {}, t("results")),
        make("ul", { class: "grid", role: "list" }, ...cards.map((card) => make("li", {}, card))),
        more && this.#moreButton(more),
      );
    });
  }

  /** The shop has nothing at all. */
  empty() {
    this.removeAttribute("aria-busy");
    this.#show(() => this.#note("search", t("nothingTitle"), t("nothing")));
  }

  /**
   * Something went wrong.
   * @param {string} title key of the words above
   * @param {string} explanation key of the words
   * @param {(() => void)|null} retry tries again; null when that makes no sense
   */
  failed(title, explanation, retry) {
    this.removeAttribute("aria-busy");
    const again = retry && (() => make("button", { type: "button", class: "plain", click: retry }, t("retry")));
    this.#show(() => this.#note("sad", t(title), t(explanation), again && again()));
  }

  #note(picture, title, text, action = null) {
    this.replaceChildren(
      make("div", { class: "note" }, icon(picture), make("h2", {}, title), make("p", {}, text), action),
    );
  }

  #moreButton(more) {
    const button = make("button", { type: "button", class: "plain more" }, t("more"));
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
