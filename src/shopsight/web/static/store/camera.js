/** The live camera: what it sees is searched for whenever the picture is still and sharp. */

import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import { FrameJudge } from "./frames.js";

const LOOK_MS = 80; // between two looks at the picture
const SEARCH_MS = 500; // between two searches: at most two a second
const PAUSE_MS = 2000; // after a search that failed
const LONGEST_SIDE = 640; // of a frame that is sent
const QUALITY = 0.85;

/** Whether this browser can open a camera on this page. */
export function hasCamera() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

/**
 * Announces with the event "shot" a photo that was taken, and with "cameraoff" that it ended.
 */
class LiveCamera extends HTMLElement {
  #video = make("video", { muted: true, playsinline: true, autoplay: true });
  #canvas = document.createElement("canvas");
  #judge = new FrameJudge();
  #stream = null;
  #timer = 0;
  #facing = "environment";
  #wanted = false;
  #searched = 0;
  #busy = false;
  #search = null;
  #hint = make("p", { class: "hint", role: "status" });

  connectedCallback() {
    this.#video.muted = true; // the attribute alone does not count for elements made by scripts
    document.addEventListener("visibilitychange", () => this.#visibility());
    document.addEventListener("language", () => this.#wanted && this.#render());
    addEventListener("pagehide", () => this.stop());
  }

  /** Whether the camera is open, or about to be. */
  get on() {
    return this.#wanted;
  }

  /**
   * Open the camera.
   * @param {(frame: Blob) => Promise<void>} search answers a frame; the next one waits for it, a little longer if it fails
   * @throws {Error} it was denied, or there is none
   */
  async start(search) {
    this.#search = search;
    this.#wanted = true;
    this.#render();
    await this.#open();
  }

  /** Close it. */
  stop() {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#release();
    this.hidden = true;
    this.dispatchEvent(new CustomEvent("cameraoff", { bubbles: true }));
  }

  async #open() {
    const size = { width: { ideal: 1280 }, height: { ideal: 720 } };
    const video = { facingMode: { ideal: this.#facing }, ...size };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      this.#wanted = false;
      this.hidden = true;
      throw error;
    }
    this.#release();
    if (!this.#wanted || document.hidden) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.#stream = stream;
    // Unplugged, or taken away by another program.
    stream.getVideoTracks()[0].addEventListener("ended", () => this.#stream === stream && this.stop());
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => {});
    this.#judge.forget();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #release() {
    clearInterval(this.#timer);
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  #visibility() {
    if (!this.#wanted) return;
    if (document.hidden) this.#release();
    else this.#open().catch(() => this.stop());
  }

  async #look() {
    const video = this.#video;
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.videoWidth === 0) return;
    const { good, sharp } = this.#judge.look(video);
    if (!this.#busy) this.#say(good || this.#searched > 0 ? "cameraLive" : sharp ? "cameraStill" : "cameraSharp");
    const now = performance.now();
    if (!good || this.#busy || now - this.#searched < SEARCH_MS) return;
    this.#busy = true;
    this.#searched = now;
    this.#judge.remember();
    try {
      const frame = await this.#frame();
      if (frame && this.#stream) await this.#search(frame);
    } catch {
      this.#judge.forget(); // the same scene may be searched for again, a little later
      this.#searched = now + PAUSE_MS;
    } finally {
      this.#busy = false;
    }
  }

  /** What is seen, as a file. One canvas serves all frames. */
  #frame(longest = LONGEST_SIDE) {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const scale = Math.min(1, longest / Math.max(width, height));
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.getContext("2d").drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  async #shoot() {
    const photo = await this.#frame(1024);
    if (!photo) return;
    this.stop();
    this.dispatchEvent(new CustomEvent("shot", { bubbles: true, detail: photo }));
  }

  async #turn() {
    this.#facing = this.#facing === "environment" ? "user" : "environment";
    await this.#open().catch(() => this.stop());
  }

  #say(key) {
    const words = t(key);
    if (this.#hint.textContent !== words) this.#hint.textContent = words;
  }

  #render() {
    this.hidden = false;
    this.#video.setAttribute("aria-label", t("cameraPicture"));
    this.#say("cameraStill");
    const turn = t("cameraTurn");
    this.replaceChildren(
      make("div", { class: "viewfinder" }, this.#video),
      this.#hint,
      make(
        "div",
        { class: "ways" },
        make("button", { type: "button", class: "button primary", click: () => this.#shoot() }, icon("camera"), t("cameraShoot")),
        make("button", { type: "button", class: "button square", "aria-label": turn, title: turn, click: () => this.#turn() }, icon("refresh")),
        make("button", { type: "button", class: "button", click: () => this.stop() }, t("cameraStop")),
      ),
    );
  }
}

customElements.define("live-camera", LiveCamera);
