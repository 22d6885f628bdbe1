/** The field for words, alone or beside a photo, and the chips of what was understood of them. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

const MOST = 1000;

/** Announces words with the event "words"; empty ones when they were cleared. */
class SearchWords extends HTMLElement {
  #input = make("input", {
    type: "text",
    id: "words",
    name: "words",
    maxlength: MOST,
    autocomplete: "off",
    enterkeyhint: "search",
  });
  #label = make("label", { for: "words", class: "visually-hidden" });
  #clear = make("button", { type: "button", class: "clear" }, icon("close"));
  #go = make("button", { type: "submit", class: "go" }, icon("search"));
  #beside = false;

  connectedCallback() {
    const form = make("form", { role: "search" }, this.#label, this.#input, this.#clear, this.#go);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.typed) this.#announce();
      else this.#input.focus();
    });
    this.#input.addEventListener("input", () => this.#shape());
    this.#clear.addEventListener("click", () => {
      this.#input.value = "";
      this.#shape();
      this.#input.focus();
      this.#announce();
    });
    document.addEventListener("language", () => this.#render());
    this.append(form);
    this.#render();
  }

  /** What is in the field, searched for or not. */
  get typed() {
    return this.#input.value.trim();
  }

  set typed(text) {
    this.#input.value = text;
    this.#shape();
  }

  /** Whether there is a photo that the words change. */
  set beside(photo) {
    this.#beside = photo;
    this.#render();
  }

  #announce() {
    this.#input.scrollLeft = 0;
    // The keyboard of a phone would hide the answer.
    if (this.typed && matchMedia("(pointer: coarse)").matches) this.#input.blur();
    this.dispatchEvent(new CustomEvent("words", { bubbles: true, detail: this.typed }));
  }

  #shape() {
    this.#clear.hidden = this.#input.value === "";
  }

  #render() {
    this.#label.textContent = t(this.#beside ? "wordsBeside" : "words");
    this.#input.placeholder = t(this.#beside ? "wordsBesideExample" : "wordsExample");
    for (const [button, name] of [[this.#clear, "clearWords"], [this.#go, "searchWords"]]) {
      button.setAttribute("aria-label", t(name));
      button.title = t(name);
    }
    this.#shape();
  }
}

customElements.define("search-words", SearchWords);
