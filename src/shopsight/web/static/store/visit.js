/** What was searched for in this visit. Kept in this tab only: closed with it, and never sent anywhere. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

const STORED = "shopsight.visit";
const MOST = 10;
const SIDE = 256; // pixels of the copies of photos that are kept
const QUALITY = 0.8;

/** Announces with the event "again" an earlier search: `{photo: Blob}`, `{text}` or `{product}`. */
class VisitHistory extends HTMLElement {
  #entries = remembered();

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
    this.#render();
  }

  /**
   * Remember a search.
   * @param {{text: string, photo?: Blob, product?: {id: string, title: string, picture: string}}} asked
   */
  async add({ text = "", photo, product }) {
    const picture = photo ? await smallCopy(photo) : (product?.picture ?? "");
    if (photo && !picture) return; // nobody would recognise it
    const entry = { text, picture, product: product ? { id: product.id, title: product.title } : null };
    const others = this.#entries.filter((one) => one.picture !== picture || one.product?.id !== product?.id || (!picture && one.text !== text));
    this.#entries = [entry, ...others].slice(0, MOST);
    this.#keep();
  }

  #keep() {
    try {
      sessionStorage.setItem(STORED, JSON.stringify(this.#entries));
    } catch {
      // full or closed: it lasts as long as the page then
    }
    this.#render();
  }

  #clear() {
    this.#entries = [];
    this.#keep();
    document.querySelector("#words")?.focus();
  }

  #render() {
    this.hidden = this.#entries.length === 0;
    const items = this.#entries.map((entry) => {
      const { text, picture, product } = entry;
      const name = product?.title || text || t("yourPhoto");
      const label = t("searchAgain", { name });
      const content = picture ? make("img", { src: picture, alt: "", width: "52", height: "52" }) : make("span", { dir: "auto" }, text);
      const again = () => this.#again(entry);
      return make("li", {}, make("button", { type: "button", class: picture ? "" : "worded", "aria-label": label, title: name, click: again }, content));
    });
    const clear = make("button", { type: "button", class: "link small-text", click: () => this.#clear() }, t("clearHistory"));
    this.replaceChildren(
      make("div", { class: "heading" }, make("p", {}, t("history")), clear),
      make("ul", { role: "list" }, ...items),
    );
  }

  async #again({ text, picture, product }) {
    const photo = picture && !product ? await blobOf(picture) : null;
    const detail = { text, photo, product: product && { ...product, picture } };
    this.dispatchEvent(new CustomEvent("again", { bubbles: true, detail }));
  }
}

function remembered() {
  try {
    const entries = JSON.parse(sessionStorage.getItem(STORED) ?? "[]");
    return Array.isArray(entries) ? entries : [];
  } catch {
    return [];
  }
}

async function smallCopy(photo) {
  try {
    const bitmap = await createImageBitmap(photo);
    const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return canvas.toDataURL("image/jpeg", QUALITY);
  } catch {
    return ""; // a format that this browser cannot show
  }
}

/** The bytes of a `data:` address. Not by fetch: the page's policy lets it ask its own server only. */
async function blobOf(address) {
  const bytes = Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/jpeg" });
}

customElements.define("visit-history", VisitHistory);
