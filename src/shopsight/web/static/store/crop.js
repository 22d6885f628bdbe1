/** A frame on the photo that can be drawn, moved and sized: by mouse, by finger, and by keyboard. */

import { make } from "../shared/elements.js";
import { percent } from "../shared/format.js";
import { t } from "../shared/i18n.js";

const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const LEAST = 0.05; // of the photo's width and height
const STEP = 0.02;
const SETTLED_MS = 350; // after the last key
const DRAWN_PX = 6; // less is a click
const START = { x1: 0.15, y1: 0.15, x2: 0.85, y2: 0.85 };

/** Announces the part of the photo with the event "crop" when a movement has ended. Lies on the photo, in its size. */
class PhotoCrop extends HTMLElement {
  #box = null;
  #drag = null;
  #timer = 0;
  #frame = make("div", { class: "frame", role: "group", tabindex: "0" });
  #said = make("span", { class: "visually-hidden", role: "status" });

  connectedCallback() {
    const handles = EDGES.map((edges) => make("i", { class: `handle ${edges}`, "data-edges": edges }));
    this.#frame.append(...handles);
    this.replaceChildren(this.#frame, this.#said);
    this.addEventListener("pointerdown", (event) => this.#begin(event));
    this.addEventListener("pointermove", (event) => this.#move(event));
    this.addEventListener("pointerup", (event) => this.#end(event));
    this.addEventListener("pointercancel", () => this.#cancel());
    this.#frame.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("language", () => this.#draw());
    this.#draw();
  }

  /** The part that is framed: fractions of the photo, or null for the usual middle. */
  set box(box) {
    if (this.#drag) return; // whoever drags knows better
    clearTimeout(this.#timer);
    this.#box = box ? { ...box } : { ...START };
    this.#draw();
  }

  focus() {
    this.#frame.focus();
  }

  #begin(event) {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    this.setPointerCapture(event.pointerId);
    const edges = event.target.dataset.edges ?? (event.target === this.#frame ? "move" : "draw");
    this.#drag = { edges, from: this.#point(event), before: { ...this.#box }, moved: false, x: event.clientX, y: event.clientY };
    this.#frame.focus({ preventScroll: true });
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag) return;
    drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > DRAWN_PX;
    if (!drag.moved) return;
    const at = this.#point(event);
    const [x, y] = [at.x - drag.from.x, at.y - drag.from.y];
    if (drag.edges === "draw") this.#box = spanned(drag.from, at);
    else if (drag.edges === "move") this.#box = moved(drag.before, x, y);
    else this.#box = resized(drag.before, drag.edges, x, y);
    this.#draw();
  }

  #end(event) {
    if (!this.#drag) return;
    this.#move(event);
    const { moved: changed } = this.#drag;
    this.#drag = null;
    if (changed) this.#announce();
  }

  #cancel() {
    if (!this.#drag) return;
    this.#box = this.#drag.before;
    this.#drag = null;
    this.#draw();
  }

  #key(event) {
    const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const direction = directions[event.key];
    if (!direction || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [x, y] = direction.map((steps) => steps * STEP);
    this.#box = event.shiftKey ? resized(this.#box, "se", x, y) : moved(this.#box, x, y);
    this.#draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#announce(), SETTLED_MS);
  }

  #announce() {
    this.#said.textContent = this.#size();
    this.dispatchEvent(new CustomEvent("crop", { bubbles: true, detail: rounded(this.#box) }));
  }

  #point({ clientX, clientY }) {
    const { left, top, width, height } = this.getBoundingClientRect();
    const within = (value) => Math.min(1, Math.max(0, value));
    return { x: within((clientX - left) / width), y: within((clientY - top) / height) };
  }

  #size() {
    const { x1, y1, x2, y2 } = this.#box;
    return t("cropSize", { width: percent(x2 - x1), height: percent(y2 - y1) });
  }

  #draw() {
    if (!this.#box) this.#box = { ...START };
    const { x1, y1, x2, y2 } = this.#box;
    const style = { left: x1, top: y1, width: x2 - x1, height: y2 - y1 };
    for (const [name, share] of Object.entries(style)) this.#frame.style[name] = `${share * 100}%`;
    this.#frame.setAttribute("aria-label", `${t("cropFrame")} ${this.#size()}`);
  }
}

function spanned(from, to) {
  const box = { x1: Math.min(from.x, to.x), y1: Math.min(from.y, to.y), x2: Math.max(from.x, to.x), y2: Math.max(from.y, to.y) };
  return atLeast(box);
}

function moved({ x1, y1, x2, y2 }, x, y) {
  const right = Math.min(1 - x2, Math.max(-x1, x));
  const down = Math.min(1 - y2, Math.max(-y1, y));
  return { x1: x1 + right, y1: y1 + down, x2: x2 + right, y2: y2 + down };
}

function resized(box, edges, x, y) {
  const next = { ...box };
  if (edges.includes("w")) next.x1 = Math.min(box.x2 - LEAST, Math.max(0, box.x1 + x));
  if (edges.includes("e")) next.x2 = Math.max(box.x1 + LEAST, Math.min(1, box.x2 + x));
  if (edges.includes("n")) next.y1 = Math.min(box.y2 - LEAST, Math.max(0, box.y1 + y));
  if (edges.includes("s")) next.y2 = Math.max(box.y1 + LEAST, Math.min(1, box.y2 + y));
  return next;
}

function atLeast(box) {
  const next = { ...box };
  for (const [low, high] of [["x1", "x2"], ["y1", "y2"]]) {
    next[high] = Math.min(1, Math.max(next[high], next[low] + LEAST));
    next[low] = Math.min(next[low], next[high] - LEAST);
  }
  return next;
}

function rounded(box) {
  return Object.fromEntries(Object.entries(box).map(([side, share]) => [side, Math.round(share * 10_000) / 10_000]));
}

customElements.define("photo-crop", PhotoCrop);
