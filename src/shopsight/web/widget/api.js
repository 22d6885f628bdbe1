/** Talks to the Shopsight server. Nothing is sent that would need the browser to ask for leave first. */

import { Unusable } from "./photo.js";

const PATIENCE_MS = 40_000;

const DAMAGED = ["truncated", "corrupt"];
const WRONG = ["not_an_image", "html", "svg", "empty", "unsupported"];
const LARGE = ["too_many_pixels", "too_many_bytes", "too_large"];

/** Why a search failed. */
export class SearchError extends Error {
  constructor(status, reason = "") {
    super(`${status} ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

/**
 * Products that answer a question.
 * @param {string} base address of the server, with a slash at its end
 * @param {{photo?: Blob, imageId?: string, box?: object, whole?: boolean, text?: string}} asked
 * @param {Object<string, unknown>} more further fields
 * @param {AbortSignal} signal
 */
export async function search(base, asked, more, signal) {
  const fields = { ...more };
  if (asked.text) fields.text = asked.text;
  if (asked.box) fields.box = JSON.stringify(asked.box);
  if (asked.whole) fields.regions = false;
  if (asked.imageId) {
    try {
      return await post(base, { ...fields, image_id: asked.imageId }, signal);
    } catch (error) {
      if (error.status !== 404) throw error; // otherwise the server has forgotten the photo by now
    }
  }
  return post(base, asked.photo ? { ...fields, image: asked.photo } : fields, signal);
}

async function post(base, fields, signal) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Blob) body.set(name, value, "photo");
    else body.set(name, value);
  }
  const waited = new AbortController();
  const timer = setTimeout(() => waited.abort(), PATIENCE_MS);
  const stop = () => waited.abort();
  signal.addEventListener("abort", stop);
  try {
    const response = await fetch(`${base}v1/search`, {
      method: "POST",
      body,
      credentials: "omit",
      signal: waited.signal,
    });
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new SearchError(response.status, answer?.reason);
    if (!answer) throw new SearchError(502);
    return answer;
  } catch (error) {
    if (error instanceof SearchError || signal.aborted) throw error;
    throw new SearchError(waited.signal.aborted ? 504 : 0);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** Tell the server that a hit was chosen; it gets there even though the page is left. */
export function report(base, event) {
  fetch(`${base}v1/events`, {
    method: "POST",
    body: JSON.stringify({ events: [event] }), // as text: JSON would need leave
    credentials: "omit",
    keepalive: true,
  }).catch(() => {}); // the shopper has better things to do
}

/**
 * The key of the text that says what went wrong.
 * @param {unknown} error
 * @param {boolean} photo whether there is one
 */
export function wordsFor(error, photo) {
  if (error instanceof Unusable) return error.message;
  const { status, reason } = error;
  if (!status) return "offline";
  if (status === 401 || status === 403) return "closed";
  if (status === 413 || LARGE.includes(reason)) return "large";
  if (status === 408 || status === 504) return "timeout";
  if (status === 429 || reason === "overloaded") return "busy";
  if (status >= 500) return "server";
  if (!photo || ["query", "filter", "validation", "not_found"].includes(reason)) return "question";
  if (reason === "too_small") return "small";
  if (WRONG.includes(reason)) return "wrong";
  return DAMAGED.includes(reason) || status === 422 ? "damaged" : "server";
}

/** Whether trying the same again may help. */
export function mayPass(key) {
  return ["offline", "busy", "server", "timeout"].includes(key);
}
