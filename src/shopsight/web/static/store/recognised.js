/** What is known of the thing on the photo besides what is like it: the very product, its brand, its category. */

import { icon, make, webLink } from "../shared/elements.js";
import { percent } from "../shared/format.js";
import { t } from "../shared/i18n.js";
import { recognise } from "./api.js";
import { availability, prices, titleOf } from "./facts.js";
import { pictureFrame } from "./pictures.js";
import { productAddress } from "./views.js";

const KINDS = ["recognize", "brand", "classify"]; // the names of the routes
const MOST_SURE = 0.99; // rounding up would promise certainty

/** Cards above the results. What the shop does not know has none; where nothing is known, one says so. */
class RecognisedThings extends HTMLElement {
  #asked = "";
  #answers = {};

  connectedCallback() {
    this.hidden = true;
    document.addEventListener("language", () => this.#render());
  }

  /** Nothing is asked. */
  clear() {
    [this.#asked, this.#answers] = ["", {}];
    this.#render();
  }

  /**
   * Ask what is on a photo; the same one is asked about once.
   * @param {string} imageId what the server calls the photo
   * @param {object|null} box the part of it that is meant
   * @param {boolean} sorted whether the shop's products have categories
   */
  async ask(imageId, box, sorted) {
    const asked = JSON.stringify([imageId, box]);
    if (asked === this.#asked) return;
    this.clear();
    this.#asked = asked;
    if (!sorted) this.#answers.classify = null;
    this.#render();
    await Promise.all(
      KINDS.filter((what) => !(what in this.#answers)).map(async (what) => {
        const answer = await recognise(what, box ? { image_id: imageId, box } : { image_id: imageId });
        if (asked !== this.#asked) return; // another photo by now
        this.#answers[what] = answer;
        this.#render();
      }),
    );
  }

  #render() {
    const cards = this.#asked ? KINDS.flatMap((what) => this.#cards(what)) : [];
    // Said rather than taken away: the results below would jump.
    if (this.#asked && cards.length === 0 && Object.values(this.#answers).some(Boolean)) cards.push(unknownCard());
    this.hidden = cards.length === 0;
    this.replaceChildren(make("ul", { role: "list", "aria-label": t("recognised"), tabindex: "0" }, ...cards));
  }

  /** What one answer is worth; its place is kept while it is awaited, so that the results do not jump. */
  #cards(what) {
    if (!(what in this.#answers)) return [make("li", { class: "awaited skeleton", "aria-hidden": "true" })];
    const answer = this.#answers[what];
    if (what === "recognize") return answer?.product ? [this.#product(answer)] : [];
    if (what === "brand") return (answer?.brands ?? []).slice(0, 2).map(brandCard);
    return answer?.path ? [categoryCard(answer)] : [];
  }

  #product({ product, confidence }) {
    const title = titleOf(product);
    const shop = webLink(product.link);
    const [picture] = product.pictures ?? [];
    const open = make("a", { href: productAddress(product.id), dir: "auto" }, title);
    open.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("product", { bubbles: true, detail: { hit: { product }, title } }));
    });
    return card(
      pictureFrame(picture ?? { url: product.image_link, thumbnail: null }, { widths: [160], sizes: "64px" }),
      t("recognisedProduct", { percent: sure(confidence) }),
      open,
      make("div", { class: "line" }, prices(product) ?? availability(product), shop && outward(shop, t("buy"))),
    );
  }
}

function brandCard({ name, website, confidence }) {
  const site = webLink(website);
  const label = t("recognisedBrand", { percent: sure(confidence) });
  return card(icon("tag"), label, make("span", { dir: "auto" }, name), site && outward(site, t("brandSite")));
}

function categoryCard({ path, confidence }) {
  const label = t("recognisedCategory", { percent: sure(confidence) });
  return card(icon("box"), label, make("span", { dir: "auto" }, path.split(" > ").join(" › ")), null);
}

function unknownCard() {
  return card(icon("info"), t("recognised"), make("span", {}, t("recognisedNothing")), null);
}

function card(picture, label, name, more) {
  return make(
    "li",
    {},
    make("div", { class: "mark" }, picture),
    make("div", { class: "told" }, make("p", { class: "label" }, label), make("p", { class: "name" }, name), more),
  );
}

function outward(address, words) {
  const quiet = make("span", { class: "visually-hidden" }, ` (${t("newTab")})`);
  return make("a", { class: "outward", href: address, target: "_blank", rel: "noopener noreferrer" }, words, quiet, icon("arrow"));
}

function sure(confidence) {
  return percent(Math.min(confidence, MOST_SURE));
}

customElements.define("recognised-things", RecognisedThings);
