/** Where shoppers give their photo: the button, the preview, the samples, and the language switch. */

import { icon, make } from "./elements.js";
import { LANGUAGES, language, nameOf, setLanguage, t } from "./i18n.js";

/** Announces a photo to whoever listens: a File, or the address of a picture. */
function announce(element, photo) {
  element.dispatchEvent(new CustomEvent("photo", { bubbles: true, detail: photo }));
}

class PhotoDrop extends HTMLElement {
  #preview = "";
  #input = make("input", { type: "file", accept: "image/*,.heic,.heif,.avif", id: "photo", class: "quiet" });

  connectedCallback() {
    this.#input.addEventListener("change", () => {
      const [file] = this.#input.files;
      this.#input.value = ""; // so that the same file can be chosen again
      if (file) announce(this, file);
    });
    document.addEventListener("language", () => this.#render());
    this.#render();
  }

  /** Show the photo that is searched for. */
  preview(address) {
    if (this.#preview.startsWith("blob:")) URL.revokeObjectURL(this.#preview);
    this.#preview = address;
    this.#render();
  }

  #render() {
    const focused = document.activeElement === this.#input;
    const label = make(
      "label",
      { for: "photo", class: "button" },
      icon("camera"),
      make("span", {}, t(this.#preview ? "chooseOther" : "choose")),
    );
    this.replaceChildren(
      this.#preview ? this.#photo() : make("div", { class: "emblem", "aria-hidden": "true" }, icon("image")),
      make("div", { class: "choose" }, this.#input, label, make("p", { class: "hint" }, t("hint"))),
    );
    if (focused) this.#input.focus();
  }

  #photo() {
    const image = make("img", { alt: t("yourPhoto"), src: this.#preview });
    const frame = make("figure", { class: "preview" }, image);
    image.addEventListener("error", () => {
      frame.replaceChildren(icon("image"), make("figcaption", {}, t("noPreview")));
    });
    return frame;
  }
}

class SamplePhotos extends HTMLElement {
  #links = [];

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
  }

  /** Addresses of the photos; with none, the element hides. */
  set links(links) {
    this.#links = links;
    this.hidden = links.length === 0;
    this.#render();
  }

  #render() {
    const buttons = this.#links.map((link, index) => {
      const name = t("sample", { number: index + 1 });
      const button = make("button", { type: "button" }, make("img", { src: link, alt: name }));
      button.addEventListener("click", () => this.#choose(link));
      return make("li", {}, button);
    });
    this.replaceChildren(
      make("p", { class: "first" }, t("samples")),
      make("p", { class: "again" }, t("samplesAgain")),
      make("ul", { role: "list" }, ...buttons),
    );
  }

  async #choose(link) {
    try {
      const response = await fetch(link);
      if (!response.ok) throw new Error(String(response.status));
      announce(this, await response.blob());
    } catch {
      announce(this, null);
    }
  }
}

class LanguageSwitch extends HTMLElement {
  connectedCallback() {
    document.addEventListener("language", () => this.#render());
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

customElements.define("photo-drop", PhotoDrop);
customElements.define("sample-photos", SamplePhotos);
customElements.define("language-switch", LanguageSwitch);
