/** Talks to the server. */

export const PAGE_SIZE = 24;

/** Why a search failed: `reason` is the server's stable code, or "network". */
export class SearchError extends Error {
  constructor(status, reason) {
    super(reason);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * Products that look like a photo.
 * @param {{blob?: Blob, url?: string, focus: string}} photo
 * @param {number} offset
 * @param {AbortSignal} signal
 */
export async function search(photo, offset, signal) {
  const form = new FormData();
  if (photo.blob) form.set("image", photo.blob, "photo");
  else form.set("image_url", photo.url);
  if (photo.focus !== "balanced") form.set("focus", photo.focus);
  form.set("limit", String(PAGE_SIZE));
  form.set("offset", String(offset));
  let response;
  try {
    response = await fetch("v1/search", { method: "POST", body: form, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new SearchError(0, "network");
  }
  if (!response.ok) throw new SearchError(response.status, await reasonOf(response));
  return response.json();
}

async function reasonOf(response) {
  try {
    return String((await response.json()).reason);
  } catch {
    return ""; // a proxy answered, not Shopsight
  }
}

/** What searches can focus on; nothing where the server does not tell. */
export async function focuses() {
  try {
    const response = await fetch("v1/search/options");
    return response.ok ? (await response.json()).focuses : [];
  } catch {
    return [];
  }
}

/** Addresses of the sample photos; none in a real shop. */
export async function sampleLinks() {
  try {
    const response = await fetch("samples");
    return response.ok ? (await response.json()).samples : [];
  } catch {
    return [];
  }
}

const DAMAGED = ["truncated", "damaged", "corrupt", "broken"];
const NOT_A_PHOTO = ["not_an_image", "html", "svg", "empty", "unsupported"];

/** The key of the words that explain a failure to a shopper. */
export function explanation(error, fromLink) {
  const { status, reason } = error;
  if (reason === "network") return "errorNetwork";
  if (status === 401 || status === 403) return "errorKey";
  if (status === 413 || reason === "too_many_pixels" || reason === "too_many_bytes") return "errorLarge";
  if (status === 408 || status === 504) return "errorTimeout";
  if (reason === "overloaded") return "errorBusy";
  if (status >= 500) return "errorServer";
  if (reason === "too_small") return "errorSmall";
  if (NOT_A_PHOTO.includes(reason)) return fromLink ? "errorLink" : "errorNotPhoto";
  if (DAMAGED.includes(reason)) return "errorDamaged";
  return fromLink ? "errorLink" : "errorPhoto";
}
