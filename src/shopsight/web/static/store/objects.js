/** The photo as it is searched: what is on it can be chosen, or all of it. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import "./crop.js";
import { timeline } from "./timeline.js";

/**
 * Announces with the event "object" what is meant: `{box, whole}`; and with "unphoto" that the photo is no longer.
 */
class PhotoObjects extends HTMLElement {
  #shown = null;
  #objects = [];
  #box = null;
  #whole = false;
  #croppable = false;
  #cropping = false;
  #hits = [];
  #crop = make("photo-crop");
  #stage = make("div", { class: "stage" });
  #controls = make("div", { class: "controls" });

  connectedCallback() {
    document.addEventListener("language", () => this.#render());
    this.addEventListener("crop", ({ detail }) => this.#choose({ box: detail, whole: false }));
  }

  /**
   * Show a photo or a video; nothing is known of it yet.
   * @param {string} address
   * @param {{video?: boolean, alt?: string}} kind
   */
  show(address, { video = false, alt = "" } = {}) {
    if (this.#shown?.address.startsWith("blob:")) URL.revokeObjectURL(this.#shown.address);
    this.#shown = { address, video, alt };
    this.#cropping = false;
    this.#hits = [];
    const media = video
      ? make("video", { src: address, controls: true, muted: true, playsinline: true })
      : make("img", { src: address });
    media.addEventListener("error", () => {
      const words = make("figcaption", {}, t("noPreview"));
      this.#stage.replaceChildren(make("div", { class: "unseen" }, icon("image"), words));
      this.#render();
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
   * @param {boolean} croppable whether the server has seen the photo, so that parts of it can be searched for
   */
  mark(objects, box, whole, croppable = false) {
    [this.#objects, this.#box, this.#whole, this.#croppable] = [objects, box, whole, croppable];
    this.#render();
  }

  #render() {
    if (!this.#shown) return;
    const focused = this.contains(document.activeElement) ? document.activeElement.dataset.name : undefined;
    const media = this.#stage.querySelector("img, video");
    const words = this.#shown.alt || t(this.#shown.video ? "yourVideo" : "yourPhoto");
    media?.setAttribute(this.#shown.video ? "aria-label" : "alt", words);
    this.#stage.querySelectorAll(".object").forEach((one) => one.remove());
    const boxes = media && !this.#cropping ? this.#objects.map((object, index) => this.#object(object, index)) : [];
    this.#stage.append(...boxes);
    if (!this.#cropping) this.#crop.remove();
    else if (!this.#crop.isConnected) this.#stage.append(this.#crop); // once: moving it would lose the focus
    if (this.#cropping) this.#crop.box = this.#box ?? this.#objects.find(({ searched }) => searched && !this.#whole)?.box ?? null;
    // Only what the server has seen can be searched in part; words are no help with it, but a photo is.
    const parts = this.#croppable && media && !this.#shown.video;
    this.#controls.replaceChildren(
      ...[parts && this.#objects.length > 0 && this.#wholeButton(), parts && this.#cropButton(), this.#removeButton()].filter(Boolean),
    );
    this.querySelector(".timeline")?.remove();
    if (this.#hits.length > 0 && media && this.#shown.video) this.#controls.before(timeline(media, this.#hits));
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
        click: () => {
          this.#cropping = false;
          this.#choose({ box: null, whole: !this.#whole });
        },
      },
      t("wholePhoto"),
    );
  }

  /** Show where in the video these hits are seen. */
  seen(hits) {
    this.#hits = hits;
    this.#render();
  }

  #cropButton() {
    const act = () => {
      this.#cropping = !this.#cropping;
      this.#render();
      if (this.#cropping) this.#crop.focus();
    };
    const pressed = String(this.#cropping);
    return make("button", { type: "button", class: "button small", "data-name": "crop", "aria-pressed": pressed, click: act }, icon("crop"), t("crop"));
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
