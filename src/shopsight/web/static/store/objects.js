/** The photo as it is searched: what is on it can be chosen, or all of it. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

/**
 * Announces with the event "object" what is meant: `{box, whole}`; and with "unphoto" that the photo is no longer.
 */
class PhotoObjects extends HTMLElement {
  #shown = null;
  #objects = [];
  #box = null;
  #whole = false;
  #stage = make("div", { class: "stage" });
  #controls = make("div", { class: "controls" });

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
  }

  /**
   * Show a photo or a video; nothing is known of it yet.
   * @param {string} address
   * @param {{video?: boolean, alt?: string}} kind
   */
  show(address, { video = false, alt = "" } = {}) {
    if (this.#shown?.address.startsWith("blob:")) URL.revokeObjectURL(this.#shown.address);
    this.#shown = { address, video, alt };
    const media = video
      ? make("video", { src: address, controls: true, muted: true, playsinline: true })
      : make("img", { src: address });
    media.addEventListener("error", () => {
      const words = make("figcaption", {}, t("noPreview"));
      this.#stage.replaceChildren(make("div", { class: "unseen" }, icon("image"), words));
    });
    this.#stage.replaceChildren(media);
    this.replaceChildren(make("figure", { class: "preview" }, this.#stage), this.#controls);
    this.mark([], null, false);
  }

  /**
   * Draw what is on the photo.
   * @param {Array<{box: object, searched: boolean}>} objects
   * @param {object|null} box the one that was chosen
   * @param {boolean} whole whether all of the photo is searched for
   */
  mark(objects, box, whole) {
    [this.#objects, this.#box, this.#whole] = [objects, box, whole];
    this.#render();
  }

  #render() {
    if (!this.#shown) return;
    const focused = this.contains(document.activeElement) ? document.activeElement.dataset.name : undefined;
    const media = this.#stage.querySelector("img, video");
    const words = this.#shown.alt || t(this.#shown.video ? "yourVideo" : "yourPhoto");
    media?.setAttribute(this.#shown.video ? "aria-label" : "alt", words);
    this.#stage.querySelectorAll(".object").forEach((one) => one.remove());
    const boxes = media ? this.#objects.map((object, index) => this.#object(object, index)) : [];
    this.#stage.append(...boxes);
    this.classList.toggle("several", boxes.length > 1);
    this.#controls.replaceChildren(...[boxes.length > 0 && this.#wholeButton(), this.#removeButton()].filter(Boolean));
    if (focused) this.querySelector(`[data-name="${focused}"]`)?.focus();
  }

  #object({ box, searched }, index) {
    const chosen = this.#whole ? false : this.#box ? same(box, this.#box) : searched;
    const name = t("object", { number: index + 1, count: this.#objects.length });
    const button = make("button", {
      type: "button",
      class: "object",
      "data-name": `object-${index}`,
      "aria-label": name,
      "aria-pressed": String(chosen),
      title: name,
      click: () => this.#choose({ box, whole: false }),
    });
    Object.assign(button.style, {
      left: `${box.x1 * 100}%`,
      top: `${box.y1 * 100}%`,
      width: `${(box.x2 - box.x1) * 100}%`,
      height: `${(box.y2 - box.y1) * 100}%`,
      // Small things lie above large ones, or they could not be reached.
      zIndex: String(100 - Math.round((box.x2 - box.x1) * (box.y2 - box.y1) * 99)),
    });
    return button;
  }

  #wholeButton() {
    return make(
      "button",
      {
        type: "button",
        class: "button small whole",
        "data-name": "whole",
        "aria-pressed": String(this.#whole),
        click: () => this.#choose({ box: null, whole: !this.#whole }),
      },
      t("wholePhoto"),
    );
  }

  #removeButton() {
    const act = () => this.dispatchEvent(new CustomEvent("unphoto", { bubbles: true }));
    const name = t("removePhoto");
    return make(
      "button",
      { type: "button", class: "button small square remove", "data-name": "remove", "aria-label": name, title: name, click: act },
      icon("close"),
    );
  }

  #choose(meant) {
    this.dispatchEvent(new CustomEvent("object", { bubbles: true, detail: meant }));
  }
}

function same(one, other) {
  return ["x1", "y1", "x2", "y2"].every((side) => one[side] === other[side]);
}

customElements.define("photo-objects", PhotoObjects);
