/** What hits may be narrowed to, with counts, and the order they come in. */

import { icon, make } from "../shared/elements.js";
import { money } from "../shared/format.js";
import { hasWords, t } from "../shared/i18n.js";
import "./range.js";

/** Fields worth offering, in this order, where the shop has them. */
export const FACETS = ["product_type", "brand", "price", "color", "availability"];
const SORTS = { relevance: "sortRelevance", price: "sortPrice", "-price": "sortPriceDown", "-rating": "sortRating", newest: "sortNewest" };

/** Announces `{chosen}` or `{sort}` with the event "narrow". */
class FacetPanel extends HTMLElement {
  #facets = [];
  #chosen = {};
  #sort = "relevance";
  #currency = "";
  #open = false;

  connectedCallback() {
    this.hidden = true;
    document.addEventListener("language", () => this.#render());
  }

  /**
   * Show what there is.
   * @param {object[]} facets as the API gives them
   * @param {{chosen: object, sort: string}} asked
   * @param {string} currency of all prices; empty if there are several
   */
  show(facets, { chosen, sort }, currency) {
    [this.#facets, this.#chosen, this.#sort, this.#currency] = [facets, chosen, sort, currency];
    this.hidden = false;
    this.#render();
  }

  /** There is nothing to narrow. */
  hide() {
    this.hidden = true;
  }

  #render() {
    const focused = this.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const groups = this.#facets.map((facet) => this.#group(facet)).filter(Boolean);
    const scrolled = new Map([...this.querySelectorAll("ul[data-field]")].map((list) => [list.dataset.field, list.scrollTop]));
    this.replaceChildren(
      make("div", { class: "tools" }, groups.length > 0 && this.#toggle(), this.#active(), this.#sorts()),
      make("div", { class: "groups", id: "facets", hidden: !this.#open || groups.length === 0 }, ...groups),
    );
    for (const list of this.querySelectorAll("ul[data-field]")) list.scrollTop = scrolled.get(list.dataset.field) ?? 0;
    const again = focused && this.querySelector(`[data-key="${CSS.escape(focused)}"]`);
    if (focused) (again || this.querySelector("[data-key='toggle']"))?.focus();
  }

  #toggle() {
    const count = Object.values(this.#chosen).flat().length;
    const act = () => {
      this.#open = !this.#open;
      this.#render();
    };
    return make(
      "button",
      { type: "button", class: "button small", "data-key": "toggle", "aria-expanded": String(this.#open), "aria-controls": "facets", click: act },
      icon("filter"),
      t("filters"),
      count > 0 && make("b", {}, String(count)),
    );
  }

  #active() {
    const chosen = Object.entries(this.#chosen).flatMap(([field, values]) => values.map((value) => [field, value]));
    if (chosen.length === 0) return null;
    const chips = chosen.map(([field, value]) => {
      const label = this.#label(field, value);
      const name = t("removeChip", { label });
      const act = () => this.#change(field, value, false);
      const key = `active:${keyOf(field, value)}`;
      const remove = make("button", { type: "button", "data-key": key, "aria-label": name, title: name, click: act }, icon("close"));
      return make("li", { class: "chip" }, make("span", {}, label), remove);
    });
    const clear = () => this.#announce({ chosen: {} });
    const all = make("button", { type: "button", class: "link", "data-key": "clear", click: clear }, t("clearFilters"));
    return make("ul", { role: "list", class: "active", "aria-label": t("activeFilters") }, ...chips, make("li", {}, all));
  }

  #sorts() {
    const choices = Object.entries(SORTS).map(([value, words]) =>
      make("option", { value, selected: value === this.#sort }, t(words)),
    );
    const act = ({ target }) => this.#announce({ sort: target.value });
    const select = make("select", { class: "input small", "data-key": "sort", change: act }, ...choices);
    return make("label", { class: "sort" }, make("span", {}, t("sort")), select);
  }

  #group({ field, values }) {
    if (field === "price") return this.#prices(values);
    const chosen = this.#chosen[field] ?? [];
    const offered = values.map(({ value, count }) => ({ value, count }));
    const known = new Set(offered.map(({ value }) => keyOf(field, value)));
    const gone = chosen.filter((value) => !known.has(keyOf(field, value))).map((value) => ({ value, count: 0 }));
    const all = [...gone, ...offered.filter(({ value, count }) => count > 0 || chosen.some((one) => alike(one, value)))];
    if (all.length < 2 && chosen.length === 0) return null;
    return make(
      "fieldset",
      {},
      make("legend", {}, t(`facet_${field}`)),
      make("ul", { role: "list", "data-field": field }, ...all.map((one) => this.#value(field, one, chosen))),
    );
  }

  #prices(ranges) {
    if (ranges.length === 0 || ranges[0].low === ranges.at(-1).high) return null;
    const element = document.createElement("price-range");
    element.addEventListener("range", ({ detail }) => {
      const { price: _, ...rest } = this.#chosen;
      const whole = detail.low === null && detail.high === null;
      this.#announce({ chosen: whole ? rest : { ...rest, price: [detail] } });
    });
    element.show(ranges, this.#chosen.price?.[0] ?? null, (amount) => this.#amount(amount));
    return make("fieldset", { class: "prices" }, make("legend", {}, t("facet_price")), element);
  }

  #amount(number) {
    return this.#currency ? money({ amount: number, currency: this.#currency }, Number.isInteger(number) ? 0 : 2) : String(number);
  }

  #value(field, { value, count }, chosen) {
    const checked = chosen.some((one) => alike(one, value));
    const act = ({ target }) => this.#change(field, value, target.checked);
    const box = make("input", { type: "checkbox", "data-key": keyOf(field, value), checked, change: act });
    const title = typeof value === "string" ? value : null;
    const words = make("span", { title }, this.#label(field, value));
    return make("li", {}, make("label", {}, box, words, make("small", {}, String(count))));
  }

  #label(field, value) {
    if (typeof value !== "string") return this.#range(value);
    if (field === "availability" && hasWords(value)) return t(value);
    return field === "product_type" ? value.split(" > ").at(-1) : value;
  }

  #range({ low, high }) {
    if (low === null) return t("upTo", { high: this.#amount(high) });
    if (high === null) return t("atLeast", { low: this.#amount(low) });
    return `${this.#amount(low)} – ${this.#amount(high)}`;
  }

  #change(field, value, wanted) {
    const others = (this.#chosen[field] ?? []).filter((one) => !alike(one, value));
    const { [field]: _, ...rest } = this.#chosen;
    const values = wanted ? [...others, value] : others;
    this.#announce({ chosen: values.length > 0 ? { ...rest, [field]: values } : rest });
  }

  #announce(detail) {
    this.dispatchEvent(new CustomEvent("narrow", { bubbles: true, detail }));
  }
}

function keyOf(field, value) {
  return typeof value === "string" ? `${field}=${value}` : `${field}=${value.low}..${value.high}`;
}

function alike(one, other) {
  return keyOf("", one) === keyOf("", other);
}

customElements.define("facet-panel", FacetPanel);
