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
  return send("v1/search", message, signal);
}

async function send(path, message, signal) {
  let response;
  try {
    response = await fetch(at(path), { method: "POST", ...message, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new SearchError(0, "network");
  }
  if (!response.ok) throw new SearchError(response.status, await reasonOf(response));
  return response.json();
}

/**
 * One product with all its fields.
 * @param {string} id
 * @param {AbortSignal} signal
 */
export async function productOf(id, signal) {
  return get(`v1/products/${encodeURIComponent(id)}`, signal);
}

/** A page of the reviews of a product, or null where they cannot be had. */
export async function reviewsOf(id, { limit, offset = 0 }, signal) {
  try {
    return await get(`v1/products/${encodeURIComponent(id)}/reviews?limit=${limit}&offset=${offset}`, signal);
  } catch {
    return null; // the product can do without
  }
}

/**
 * What the server recognises on a photo that it has seen, or null where it does not.
 * @param {"recognize"|"brand"|"classify"} what
 * @param {{image_id: string, box?: object}} photo
 */
export async function recognise(what, photo) {
  try {
    return await send(`v1/${what}`, asJson(photo));
  } catch {
    return null; // the search itself has been answered
  }
}

async function get(path, signal) {
  let response;
  try {
    response = await fetch(at(path), { signal });
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
