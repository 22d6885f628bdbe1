/** Where shoppers give their photo: the button, the preview, the samples. */

import { icon, make, webLink } from "../shared/elements.js";
import { hasCamera } from "./camera.js";
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
  #linking = false;
  #photo = make("photo-objects");
  #camera = make("live-camera", { hidden: true });
  #emblem = make("div", { class: "emblem", "aria-hidden": "true" }, icon("image"));
  #input = make("input", { type: "file", accept: PHOTOS, id: "photo", class: "visually-hidden" });
  #words = make("span");
  #open = make("button", { type: "button", class: "button way" });
  #link = make("button", { type: "button", class: "button way", "aria-controls": "link-form" });
  #address = make("input", { type: "url", id: "link", class: "input", inputmode: "url", autocomplete: "off", required: true });
  #form = make("form", { id: "link-form", class: "link-form", novalidate: true });
  #hint = make("p", { class: "hint" });

  connectedCallback() {
    this.#input.addEventListener("change", () => {
      const [file] = this.#input.files;
      this.#input.value = ""; // so that the same file can be chosen again
      if (file) announce(this, file);
    });
    this.#open.addEventListener("click", () => this.dispatchEvent(new CustomEvent("camera", { bubbles: true })));
    this.#link.addEventListener("click", () => this.#showForm(!this.#linking));
    this.#form.addEventListener("submit", (event) => this.#takeLink(event));
    const label = make("label", { for: "photo", class: "button primary" }, icon("upload"), this.#words);
    const ways = make("div", { class: "ways" }, this.#input, label, hasCamera() && this.#open, this.#link);
    this.append(this.#photo, this.#camera, this.#emblem, make("div", { class: "choose" }, ways, this.#form, this.#hint));
    this.addEventListener("cameraoff", () => this.#render());
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
   * Show what is searched for; no address: nothing. A camera that is open is closed.
   * @param {string} address
   * @param {{video?: boolean, alt?: string}} kind
   */
  preview(address, kind = {}) {
    this.#camera.stop();
    this.#shown = address !== "";
    if (this.#shown) this.#photo.show(address, kind);
    this.#showForm(false);
  }

  /**
   * Show what the camera sees.
   * @param {(frame: Blob) => Promise<void>} search see live-camera
   * @throws {Error} it was denied, or there is none
   */
  async live(search) {
    this.#shown = false;
    const opened = this.#camera.start(search);
    this.#showForm(false);
    try {
      await opened;
    } finally {
      this.#render();
    }
  }

  /** Close the camera, if it is open. */
  endLive() {
    this.#camera.stop();
  }

  /** Whether something is searched for already, with or without a photo. */
  set asked(asked) {
    this.#asked = asked;
    this.#render();
  }

  /** Draw what is on the photo: see photo-objects. */
  mark(objects, box, whole, croppable) {
    this.#photo.mark(objects, box, whole, croppable);
  }

  /** Show where in the video hits are seen: see photo-objects. */
  seen(hits) {
    this.#photo.seen(hits);
  }

  #showForm(linking) {
    this.#linking = linking;
    this.#render();
    if (linking) this.#address.focus();
  }

  #takeLink(event) {
    event.preventDefault();
    const address = webLink(this.#address.value.trim());
    this.#address.setAttribute("aria-invalid", String(!address));
    this.#form.querySelector(".error").textContent = address ? "" : t("linkWrong");
    if (!address) {
      this.#address.focus();
      return;
    }
    this.#address.value = "";
    announce(this, address);
  }

  #render() {
    const live = this.#camera.on;
    this.#photo.hidden = !this.#shown;
    this.#emblem.hidden = this.#shown || live;
    this.#words.textContent = t(this.#shown ? "chooseOther" : this.#asked ? "addPhoto" : this.#video ? "chooseBoth" : "choose");
    this.#open.hidden = live;
    for (const [button, picture, words] of [[this.#open, "camera", t("cameraOpen")], [this.#link, "link", t("linkOpen")]]) {
      button.title = words;
      button.replaceChildren(icon(picture), make("span", {}, words));
    }
    this.#link.setAttribute("aria-expanded", String(this.#linking));
    this.#form.hidden = !this.#linking;
    this.#address.placeholder = "https://";
    this.#form.replaceChildren(
      make("label", { for: "link", class: "visually-hidden" }, t("linkLabel")),
      this.#address,
      make("button", { type: "submit", class: "button primary" }, t("searchWords")),
      make("p", { class: "error", role: "alert" }),
    );
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
