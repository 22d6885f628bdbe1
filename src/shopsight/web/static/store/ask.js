/** Where shoppers give their photo: the button, the preview, the samples. */

import { icon, make } from "../shared/elements.js";
import "./objects.js";
import { t } from "../shared/i18n.js";

/** Announces a photo to whoever listens: a File, or the address of a picture. */
function announce(element, photo) {
  element.dispatchEvent(new CustomEvent("photo", { bubbles: true, detail: photo }));
}

const PHOTOS = "image/*,.heic,.heif,.avif";
const VIDEOS = ",video/*,.mp4,.webm,.mov";

class PhotoDrop extends HTMLElement {
  #shown = false;
  #asked = false;
  #video = false;
  #photo = make("photo-objects");
  #emblem = make("div", { class: "emblem", "aria-hidden": "true" }, icon("image"));
  #input = make("input", { type: "file", accept: PHOTOS, id: "photo", class: "visually-hidden" });
  #words = make("span");
  #hint = make("p", { class: "hint" });

  connectedCallback() {
    this.#input.addEventListener("change", () => {
      const [file] = this.#input.files;
      this.#input.value = ""; // so that the same file can be chosen again
      if (file) announce(this, file);
    });
    const label = make("label", { for: "photo", class: "button primary" }, icon("upload"), this.#words);
    this.append(this.#photo, this.#emblem, make("div", { class: "choose" }, this.#input, label, this.#hint));
    document.addEventListener("language", () => this.#render());
    this.#render();
  }

  /** Whether videos may be chosen too. */
  set takesVideo(video) {
    this.#video = video;
    this.#input.accept = video ? PHOTOS + VIDEOS : PHOTOS;
    this.#render();
  }

  /**
   * Show what is searched for; no address: nothing.
   * @param {string} address
   * @param {{video?: boolean, alt?: string}} kind
   */
  preview(address, kind = {}) {
    this.#shown = address !== "";
    if (this.#shown) this.#photo.show(address, kind);
    this.#render();
  }

  /** Whether something is searched for already, with or without a photo. */
  set asked(asked) {
    this.#asked = asked;
    this.#render();
  }

  /** Draw what is on the photo: see photo-objects. */
  mark(objects, box, whole) {
    this.#photo.mark(objects, box, whole);
  }

  #render() {
    this.#photo.hidden = !this.#shown;
    this.#emblem.hidden = this.#shown;
    this.#words.textContent = t(this.#shown ? "chooseOther" : this.#asked ? "addPhoto" : this.#video ? "chooseBoth" : "choose");
    this.#hint.textContent = t("hint");
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

customElements.define("photo-drop", PhotoDrop);
customElements.define("sample-photos", SamplePhotos);
