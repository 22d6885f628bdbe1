/** The photo as it is searched, with the things on it to choose from; or what the camera sees. */

import { icon, make } from "./dom.js";
import { snapshot, Unusable } from "./photo.js";

/**
 * @param {Function} t gives texts
 * @param {(part: {box: object|null, whole: boolean}) => void} meant told which part of the photo is meant
 */
export function makeStage(t, meant) {
  const frame = make("div", { class: "frame" });
  const choices = make("div", { class: "choices", role: "group", "aria-label": t("objects") });
  let stream = null;

  function stopCamera() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
  }

  return {
    element: make("div", { class: "stage", hidden: true }, frame),
    choices,

    /** Show a photo that nothing is known of yet. */
    show(canvas) {
      stopCamera();
      choices.replaceChildren();
      if (canvas) {
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", t("photo"));
      }
      frame.replaceChildren(canvas ?? make("p", { class: "unseen" }, icon("image"), t("noPreview")));
      this.element.hidden = false;
    },

    /** Show nothing. */
    clear() {
      stopCamera();
      frame.replaceChildren();
      choices.replaceChildren();
      this.element.hidden = true;
    },

    /**
     * Draw what is on the photo.
     * @param {Array<{box: object, searched: boolean}>} objects
     * @param {object|null} box the one that was chosen
     * @param {boolean} whole whether all of the photo is searched for
     */
    mark(objects, box, whole) {
      const focused = frame.getRootNode().activeElement?.dataset?.name;
      frame.querySelectorAll("button").forEach((one) => one.remove());
      choices.replaceChildren();
      if (!frame.querySelector("canvas") || objects.length === 0) return;
      objects.forEach((object, index) => {
        const chosen = !whole && (box ? same(object.box, box) : object.searched);
        frame.append(objectButton(object.box, index, objects.length, chosen));
      });
      const all = { type: "button", class: "small", "aria-pressed": String(whole), "data-name": "whole" };
      choices.append(make("button", { ...all, click: () => meant({ box: null, whole: !whole }) }, t("whole")));
      if (focused) (frame.querySelector(`[data-name="${focused}"]`) ?? choices.firstChild).focus();
    },

    /**
     * Show what the camera sees.
     * @throws {Unusable} it may not be used, or there is none
     */
    async openCamera() {
      try {
        const video = { facingMode: "environment", width: { ideal: 1280 } };
        stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      } catch (error) {
        throw new Unusable(error.name === "NotAllowedError" ? "denied" : "noCamera");
      }
      const video = make("video", { muted: true, playsinline: true, autoplay: true, "aria-label": t("viewfinder") });
      video.muted = true;
      video.srcObject = stream;
      choices.replaceChildren();
      frame.replaceChildren(video);
      this.element.hidden = false;
      await video.play().catch(() => {}); // closed meanwhile
    },

    /** The picture that the camera sees now. */
    async shoot() {
      const video = frame.querySelector("video");
      if (!video?.videoWidth) throw new Unusable("noCamera");
      return snapshot(video);
    },
  };

  function objectButton(box, index, count, chosen) {
    const name = t("object", { number: index + 1, count });
    const button = make("button", {
      type: "button",
      class: "object",
      title: name,
      "aria-label": name,
      "aria-pressed": String(chosen),
      "data-name": `object-${index}`,
      click: () => meant({ box, whole: false }),
    });
    const [width, height] = [box.x2 - box.x1, box.y2 - box.y1];
    const places = { left: box.x1, top: box.y1, width, height };
    for (const [side, share] of Object.entries(places)) button.style[side] = `${share * 100}%`;
    // Small things lie above large ones, or they could not be reached.
    button.style.zIndex = String(100 - Math.round(width * height * 99));
    return button;
  }
}

function same(one, other) {
  return ["x1", "y1", "x2", "y2"].every((side) => one[side] === other[side]);
}
