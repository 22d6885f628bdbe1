/** The switches of the page's frame: its language, and light or dark. */

import { icon, make } from "./elements.js";
import { LANGUAGES, language, nameOf, setLanguage, t } from "./i18n.js";

/** One button for each language. */
class LanguageSwitch extends HTMLElement {
  connectedCallback() {
    document.addEventListener("language", () => this.#render());
    this.classList.add("segments");
    this.#render();
  }

  #render() {
    const focused = this.contains(document.activeElement);
    const buttons = LANGUAGES.map((code) =>
      make(
        "button",
        { type: "button", lang: code, "aria-pressed": String(code === language()), click: () => setLanguage(code) },
        nameOf(code),
      ),
    );
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("language"));
    this.replaceChildren(...buttons);
    if (focused) this.querySelector('[aria-pressed="true"]').focus();
  }
}

/** A button that turns the colours over. A choice that is the system's own is no choice: the page follows the system. */
class ThemeSwitch extends HTMLElement {
  #system = matchMedia("(prefers-color-scheme: dark)");
  #button = make("button", { type: "button", class: "button ghost square" });

  connectedCallback() {
    this.#button.addEventListener("click", () => this.#choose(this.#dark ? "light" : "dark"));
    this.#system.addEventListener("change", () => this.#render());
    document.addEventListener("language", () => this.#render());
    this.append(this.#button);
    this.#render();
  }

  get #dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : this.#system.matches;
  }

  #choose(theme) {
    const own = theme === (this.#system.matches ? "dark" : "light");
    if (own) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      if (own) localStorage.removeItem("shopsight.theme");
      else localStorage.setItem("shopsight.theme", theme);
    } catch {
      // not remembered then
    }
    this.#render();
  }

  #render() {
    const name = t(this.#dark ? "lightColours" : "darkColours");
    this.#button.setAttribute("aria-label", name);
    this.#button.title = name;
    this.#button.replaceChildren(icon(this.#dark ? "sun" : "moon"));
  }
}

customElements.define("language-switch", LanguageSwitch);
customElements.define("theme-switch", ThemeSwitch);
