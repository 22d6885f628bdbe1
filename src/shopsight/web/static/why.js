/** Why a hit matched: both pictures with what counted, and what the score is made of. */

import { icon, make } from "./elements.js";
import { decimal, percent } from "./format.js";
import { t, WORDS } from "./i18n.js";

/** A dialog; Escape closes it, and the focus goes back to where it came from. */
class WhyDialog extends HTMLElement {
  #dialog = make("dialog", { "aria-labelledby": "why-title" });
  #render = () => {};
  #loading = new AbortController();

  connectedCallback() {
    this.#dialog.addEventListener("close", () => this.#loading.abort());
    this.#dialog.addEventListener("click", ({ target }) => {
      if (target === this.#dialog) this.#dialog.close(); // beside it: what is in it is another target
    });
    document.addEventListener("language", () => this.#render());
    this.append(this.#dialog);
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
    this.#show(title, () => make("p", { class: "wait", role: "status" }, t("whyLoading")));
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
    this.#render = () => {
      const focused = this.#dialog.contains(document.activeElement);
      const close = make(
        "button",
        { type: "button", class: "small", "aria-label": t("close"), title: t("close"), click: () => this.#dialog.close() },
        icon("close"),
      );
      this.#dialog.replaceChildren(
        make("header", {}, make("h2", { id: "why-title" }, t("whyTitle", { title })), close),
        make("div", { class: "told" }, content()),
      );
      if (focused) close.focus();
    };
    this.#render();
  }
}

function told({ explanation, terms }, chips) {
  return make(
    "div",
    {},
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
  return key in WORDS.en ? t(key) : otherwise;
}

customElements.define("why-dialog", WhyDialog);
