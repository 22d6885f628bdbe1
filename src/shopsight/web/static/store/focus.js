/** Whether shape or colour counts more: three choices, where the shop can tell the two apart. */

import { make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

const WORDS = { shape: "focusShape", balanced: "focusBalanced", color: "focusColor" };

/** Announces each other choice with the event "refocus". */
class FocusSwitch extends HTMLElement {
  #chosen = "balanced";

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
    this.addEventListener("change", ({ target }) => {
      this.#chosen = target.value;
      this.dispatchEvent(new CustomEvent("refocus", { bubbles: true }));
    });
    this.#render();
  }

  /** The choice, as the API calls it. */
  get value() {
    return this.#chosen;
  }

  /** What the shop's searches can focus on; without colour there is nothing to choose. */
  set offered(focuses) {
    this.hidden = !focuses.includes("color");
  }

  #render() {
    const focused = this.contains(document.activeElement);
    const choices = Object.entries(WORDS).map(([value, words]) => {
      const chosen = value === this.#chosen;
      const input = make("input", { type: "radio", name: "focus", class: "visually-hidden", value, checked: chosen });
      return make("label", {}, input, make("span", {}, t(words)));
    });
    this.replaceChildren(make("fieldset", {}, make("legend", {}, t("focus")), make("div", { class: "segments" }, ...choices)));
    if (focused) this.querySelector(":checked").focus();
  }
}

customElements.define("focus-switch", FocusSwitch);
