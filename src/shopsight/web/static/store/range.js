/** A range of prices: two handles on one line, above the numbers of products. */

import { make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

const STEPS = 200;

/** Announces with the event "range" `{low, high}`; an end that is not narrowed is null. */
class PriceRange extends HTMLElement {
  #edges = { low: 0, high: 1, step: 1 };
  #bars = [];
  #label = String;
  #inputs = ["low", "high"].map((name) => make("input", { type: "range", "data-key": `price-${name}`, class: name }));
  #words = make("p", { class: "number" });

  connectedCallback() {
    for (const input of this.#inputs) {
      input.addEventListener("input", () => this.#slide(input));
      input.addEventListener("change", () => this.#announce());
    }
  }

  /**
   * Show what can be chosen.
   * @param {Array<{low: number, high: number, count: number}>} ranges as the API counts them, in order
   * @param {{low: number|null, high: number|null}|null} chosen
   * @param {(amount: number) => string} label a price as people write it
   */
  show(ranges, chosen, label) {
    this.#label = label;
    this.#bars = ranges;
    const span = ranges.at(-1).high - ranges[0].low;
    const step = niceStep(span / STEPS);
    this.#edges = { low: Math.floor(ranges[0].low / step) * step, high: Math.ceil(ranges.at(-1).high / step) * step, step };
    const values = [chosen?.low ?? this.#edges.low, chosen?.high ?? this.#edges.high];
    this.#inputs.forEach((input, place) => {
      Object.assign(input, { min: this.#edges.low, max: this.#edges.high, step });
      input.value = values[place];
      input.setAttribute("aria-label", t(place === 0 ? "priceFrom" : "priceTo"));
    });
    this.replaceChildren(this.#histogram(), make("div", { class: "track" }, ...this.#inputs), this.#words);
    this.#draw();
  }

  #histogram() {
    const most = Math.max(...this.#bars.map(({ count }) => count), 1);
    const bars = this.#bars.map(({ low, high, count }) => {
      const bar = make("i");
      bar.style.flexGrow = String(Math.max(high - low, 0.001));
      bar.style.height = `${Math.max(4, (count / most) * 100)}%`;
      return bar;
    });
    return make("div", { class: "histogram", "aria-hidden": "true" }, ...bars);
  }

  #slide(moved) {
    const [low, high] = this.#inputs;
    // The handles push each other and never cross.
    if (low.valueAsNumber > high.valueAsNumber) (moved === low ? high : low).value = moved.value;
    this.#draw();
  }

  #draw() {
    const [low, high] = this.#inputs.map(({ valueAsNumber }) => valueAsNumber);
    const { low: least, high: most } = this.#edges;
    this.style.setProperty("--low", String((low - least) / (most - least || 1)));
    this.style.setProperty("--high", String((high - least) / (most - least || 1)));
    this.#words.textContent = `${this.#label(low)} – ${this.#label(high)}`;
    for (const input of this.#inputs) input.setAttribute("aria-valuetext", this.#label(input.valueAsNumber));
  }

  #announce() {
    const [low, high] = this.#inputs.map(({ valueAsNumber }) => valueAsNumber);
    const detail = { low: low > this.#edges.low ? low : null, high: high < this.#edges.high ? high : null };
    this.dispatchEvent(new CustomEvent("range", { detail }));
  }
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 0.01)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least - 1e-9);
}

customElements.define("price-range", PriceRange);
