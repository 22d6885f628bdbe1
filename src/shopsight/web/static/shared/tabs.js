/** Tabs: a list of names, of which one is chosen, with click or arrow keys. */

import { make } from "./elements.js";

/**
 * Announces another choice with the event "tab", whose detail is its key. Panels belong to the page: a panel's
 * `aria-labelledby` is `tab-KEY`.
 */
class TabList extends HTMLElement {
  #chosen = "";

  connectedCallback() {
    this.classList.add("tabs");
    this.setAttribute("role", "tablist");
    this.addEventListener("keydown", (event) => this.#move(event));
  }

  /**
   * Show tabs.
   * @param {Array<{key: string, label: string, panel: string}>} tabs `panel` is the id of what the tab shows
   * @param {string} chosen key of the one that is shown
   */
  show(tabs, chosen) {
    const focused = this.contains(document.activeElement);
    this.#chosen = chosen;
    const buttons = tabs.map(({ key, label, panel }) =>
      make(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${key}`,
          "data-key": key,
          "aria-controls": panel,
          "aria-selected": String(key === chosen),
          tabindex: key === chosen ? "0" : "-1",
          click: () => this.#choose(key),
        },
        label,
      ),
    );
    this.replaceChildren(...buttons);
    if (focused) this.querySelector('[aria-selected="true"]')?.focus();
  }

  #move(event) {
    const buttons = [...this.children];
    const forward = getComputedStyle(this).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    const place = buttons.findIndex(({ dataset }) => dataset.key === this.#chosen);
    let next = null;
    if (event.key in steps) next = place + (event.key === forward ? 1 : -1);
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = buttons.length - 1;
    if (next === null) return;
    event.preventDefault();
    const button = buttons[(next + buttons.length) % buttons.length];
    button.focus();
    this.#choose(button.dataset.key);
  }

  #choose(key) {
    if (key === this.#chosen) return;
    this.#chosen = key;
    for (const button of this.children) {
      button.setAttribute("aria-selected", String(button.dataset.key === key));
      button.tabIndex = button.dataset.key === key ? 0 : -1;
    }
    this.dispatchEvent(new CustomEvent("tab", { bubbles: true, detail: key }));
  }
}

customElements.define("tab-list", TabList);
