/** Why a hit matched: both pictures with what counted, and what the score is made of. */

import { makeDialog } from "../shared/dialog.js";
import { make } from "../shared/elements.js";
import { decimal, percent } from "../shared/format.js";
import { hasWords, t } from "../shared/i18n.js";

/** The dialog that explains a hit. */
class WhyDialog extends HTMLElement {
  #dialog;
  #fill;
  #render = () => {};
  #loading = new AbortController();

  connectedCallback() {
    const { dialog, fill } = makeDialog({ closed: () => this.#loading.abort() });
    [this.#dialog, this.#fill] = [dialog, fill];
    document.addEventListener("language", () => this.#render());
  }

  /**
   * Open the dialog and fill it when the explanation is there.
   * @param {string} title of the product
   * @param {(signal: AbortSignal) => Promise<object|undefined>} load gives the hit with its explanation
   * @param {object[]} chips that were understood of the words
   */
  async open(title, load, chips) {
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    const waiting = () => make("div", { class: "waiting", role: "status" }, make("span", { class: "spinner" }), t("whyLoading"));
    this.#show(title, waiting);
    this.#dialog.showModal();
    try {
      const hit = await load(signal);
      if (signal.aborted) return;
      if (hit?.explanation) this.#show(title, () => told(hit, chips));
      else this.#show(title, () => make("p", { role: "status" }, t("whyGone")));
    } catch (error) {
      if (signal.aborted) return;
      console.warn("The explanation failed:", error);
      this.#show(title, () => make("p", { role: "status" }, t("whyFailed")));
    }
  }

  #show(title, content) {
    this.#render = () => this.#fill(t("whyTitle", { title }), content());
    this.#render();
  }
}

function told({ explanation, terms }, chips) {
  return make(
    "div",
    { class: "told" },
    make(
      "div",
      { class: "pair" },
      overlay(explanation.photo_overlay, t("yourPhoto")),
      overlay(explanation.product_overlay, t("inTheShop")),
    ),
    make("p", { class: "legend" }, t(explanation.exact ? "whyExact" : "whyApproximate")),
    list(t("whyTerms"), Object.entries(terms).map(([name, value]) => [termName(name, chips), decimal(value)])),
    list(t("whyParts"), parts(explanation.parts)),
  );
}

function overlay(source, caption) {
  return make("figure", {}, make("img", { src: source, alt: caption }), make("figcaption", {}, caption));
}

function list(title, rows) {
  if (rows.length === 0) return null;
  const cells = rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
  return make("section", {}, make("h3", {}, title), make("dl", {}, ...cells));
}

/** Shares of the likeness; one part alone says nothing. */
function parts(amounts) {
  const known = Object.entries(amounts).filter(([, amount]) => amount > 0);
  const sum = known.reduce((before, [, amount]) => before + amount, 0);
  return known.length < 2 ? [] : known.map(([name, amount]) => [named(`part_${name}`, name), percent(amount / sum)]);
}

function termName(name, chips) {
  if (name.startsWith("wish.")) {
    return chips.find(({ id }) => `wish.${id}` === name)?.label ?? name.slice("wish.".length);
  }
  if (name.startsWith("boost.")) return t("term_boost", { name: name.slice("boost.".length) });
  return named(`term_${name}`, name);
}

function named(key, otherwise) {
  return hasWords(key) ? t(key) : otherwise;
}

customElements.define("why-dialog", WhyDialog);
