/** Photos that are dropped on the page, or pasted into it. */

import { photoIn } from "./photo.js";

/** @param {(photo: File|string|null) => void} take null: what was dropped is no photo */
export function listenForDrops(take) {
  let depth = 0; // every element that is crossed sends an enter and a leave
  const veil = (shown) => document.body.classList.toggle("dragging", shown);
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    veil(true);
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) veil(false);
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil(false);
    take(photoIn(event.dataTransfer));
  });
}

/** @param {(photo: File|string) => void} take */
export function listenForPastes(take) {
  addEventListener("paste", (event) => {
    const into = event.target instanceof HTMLInputElement;
    const photo = photoIn(event.clipboardData);
    if (!photo || (into && typeof photo === "string")) return; // a link among the words stays there
    event.preventDefault();
    take(photo);
  });
}
