/** Talks to the server. */

import { at } from "../shared/place.js";
import { fieldsOf } from "./question.js";

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
 * Products that answer a question.
 * @param {object} asked see question.js
 * @param {Object<string, unknown>} page limit, offset, and what else this request is about
 * @param {AbortSignal} signal
 */
export async function search(asked, page, signal) {
  const fields = { ...fieldsOf(asked), ...page };
  if (asked.product) return post(asJson({ ...fields, product_id: asked.product.id }), signal);
  if (asked.imageId) {
    try {
      return await post(asJson({ ...fields, image_id: asked.imageId }), signal);
    } catch (error) {
      if (error.status !== 404) throw error; // otherwise the server has forgotten the photo by now
    }
  }
  if (asked.photo?.video) return post(asForm({ ...fields, video: asked.photo.video }), signal);
  if (asked.photo?.blob) return post(asForm({ ...fields, image: await asked.photo.blob }), signal);
  if (asked.photo?.url) return post(asJson({ ...fields, image_url: asked.photo.url }), signal);
  return post(asJson(fields), signal);
}

function asJson(fields) {
  return { body: JSON.stringify(fields), headers: { "Content-Type": "application/json" } };
}

function asForm(fields) {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Blob) body.set(name, value, "photo");
    else body.set(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return { body };
}

async function post(message, signal) {
  let response;
  try {
    response = await fetch(at("v1/search"), { method: "POST", ...message, signal });
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

/** What searches can be asked for; nothing where the server does not tell. */
export async function options() {
  try {
    const response = await fetch(at("v1/search/options"));
    if (response.ok) return await response.json();
  } catch {
    // the search itself will say what is wrong
  }
  return { focuses: [], fields: {}, video: false };
}

/** Addresses of the sample photos; none in a real shop. */
export async function sampleLinks() {
  try {
    const response = await fetch(at("samples"));
    return response.ok ? (await response.json()).samples : [];
  } catch {
    return [];
  }
}
