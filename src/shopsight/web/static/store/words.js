/** The field for words, alone or beside a photo, and the chips of what was understood of them. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";
import { HEARS, listen } from "./voice.js";

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
  #speak = make("button", { type: "button", class: "speak" }, icon("mic"));
  #stop = null; // ends the listening that goes on
  #beside = false;

  connectedCallback() {
    const form = make("form", { role: "search" }, this.#label, this.#input, this.#clear, HEARS && this.#speak, this.#go);
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
    this.#speak.addEventListener("click", () => (this.#stop ? this.#stop() : this.#listen()));
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

  #listen() {
    let understood = "";
    const heard = (text, final) => {
      this.typed = text;
      if (final) understood = text;
    };
    const ended = (problem) => {
      this.#stop = null;
      this.#render();
      if (problem) toast(t(problem === "denied" ? "voiceDenied" : "voiceFailed"));
      else if (understood) this.#announce();
    };
    try {
      this.#stop = listen(heard, ended);
    } catch {
      ended("failed");
    }
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
    for (const [button, name] of [[this.#clear, "clearWords"], [this.#speak, this.#stop ? "voiceStop" : "voice"], [this.#go, "searchWords"]]) {
      button.setAttribute("aria-label", t(name));
      button.title = t(name);
    }
    this.#speak.setAttribute("aria-pressed", String(Boolean(this.#stop)));
    this.#shape();
  }
}

customElements.define("search-words", SearchWords);
