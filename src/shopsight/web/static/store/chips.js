/** What was understood of the words, each to take away. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

const KINDS = { filter: "chipFilter", boost: "chipBoost", correction: "chipCorrected" };

/** Announces the id of a chip that is taken away with the event "unchip". */
class WordChips extends HTMLElement {
  #chips = [];

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
    this.hidden = true;
  }

  /** Chips as the API gives them. */
  set chips(chips) {
    this.#chips = chips;
    this.#render();
  }

  #render() {
    const place = [...this.querySelectorAll("button")].indexOf(document.activeElement);
    this.hidden = this.#chips.length === 0;
    this.replaceChildren(
      make("ul", { role: "list", "aria-label": t("chips") }, ...this.#chips.map((chip) => this.#chip(chip))),
    );
    const buttons = this.querySelectorAll("button");
    if (place >= 0) (buttons[Math.min(place, buttons.length - 1)] ?? document.querySelector("#words")).focus();
  }

  #chip({ id, kind, label, text }) {
    const remove = make("button", { type: "button", "aria-label": t("removeChip", { label }) }, icon("close"));
    remove.title = t("removeChip", { label });
    remove.addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("unchip", { bubbles: true, detail: id }));
    });
    const title = t(kind === "exclude" ? "chipExclude" : "chipFrom", { text });
    return make(
      "li",
      { class: `chip ${kind}`, title },
      // What is unwanted says so itself: "without stripes".
      kind === "exclude" ? icon("no") : make("small", {}, t(KINDS[kind])),
      make("span", {}, label),
      remove,
    );
  }
}

customElements.define("word-chips", WordChips);
