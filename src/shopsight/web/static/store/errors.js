/** What a failure is called in front of a shopper. */

const DAMAGED = ["truncated", "damaged", "corrupt", "broken"];
const NOT_A_PHOTO = ["not_an_image", "not_a_video", "html", "svg", "empty", "unsupported"];
const LONG = ["too_long", "too_slow", "too_many_frames", "too_many_bytes", "too_many_pixels"];
const NOT_THE_PHOTO = ["query", "filter", "validation", "not_found"];

/** The key of the words that explain it. */
export function explanation(error, asked) {
  const { status, reason } = error;
  const { photo } = asked;
  if (reason === "network") return "errorNetwork";
  if (status === 401 || status === 403) return "errorKey";
  if (photo?.video && (status === 413 || LONG.includes(reason))) return "errorVideoLong";
  if (status === 413 || reason === "too_many_pixels" || reason === "too_many_bytes") return "errorLarge";
  if (status === 408 || status === 504) return "errorTimeout";
  if (reason === "overloaded") return "errorBusy";
  if (status >= 500) return "errorServer";
  if (asked.product && status === 404) return "errorGone";
  if (!photo || NOT_THE_PHOTO.includes(reason)) return "errorQuestion";
  if (photo.video) return NOT_A_PHOTO.includes(reason) ? "errorNotPhoto" : "errorVideo";
  if (reason === "too_small") return "errorSmall";
  if (NOT_A_PHOTO.includes(reason)) return photo.url ? "errorLink" : "errorNotPhoto";
  if (DAMAGED.includes(reason)) return "errorDamaged";
  return photo.url ? "errorLink" : "errorPhoto";
}

/** Whether the photo is at fault, so that trying again would not help. */
export function isThePhotos({ status, reason }, { photo }) {
  const refused = status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
  return Boolean(photo) && refused && !NOT_THE_PHOTO.includes(reason);
}
