/** Where in a video products are seen: marks on a line, each leads to its second. */

import { make } from "../shared/elements.js";
import { clock } from "../shared/format.js";
import { t } from "../shared/i18n.js";
import { titleOf } from "./facts.js";

/**
 * The timeline of a video.
 * @param {HTMLVideoElement} video
 * @param {object[]} hits with `seen_at_s`, the best first
 */
export function timeline(video, hits) {
  const seen = hits.filter(({ seen_at_s: second }) => second != null);
  const end = Math.max(video.duration || 0, ...seen.map(({ seen_at_s: second }) => second), 0.1);
  const marks = atDistance(seen, end / 14).map((hit) => {
    const { seen_at_s: second, product, image_url: image, thumbnail } = hit;
    const name = t("seenTitle", { title: titleOf(product), time: clock(second) });
    const seek = () => {
      video.currentTime = second;
      video.pause();
    };
    const picture = make("img", { src: thumbnail?.url.replace(/width=\d+/, "width=160") ?? image, alt: "", width: "32", height: "32" });
    const mark = make("button", { type: "button", "aria-label": name, title: name, click: seek }, picture);
    mark.style.setProperty("--at", String(second / end));
    return make("li", {}, mark);
  });
  return make("ol", { class: "timeline", role: "list", "aria-label": t("timeline") }, ...marks);
}

/** The best hits that do not cover each other, in the order of their seconds. */
function atDistance(hits, least) {
  const kept = [];
  for (const hit of hits) {
    if (kept.every((other) => Math.abs(other.seen_at_s - hit.seen_at_s) >= least)) kept.push(hit);
  }
  return kept.toSorted((one, other) => one.seen_at_s - other.seen_at_s);
}
