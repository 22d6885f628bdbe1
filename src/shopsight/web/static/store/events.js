/** Tells the shop what was looked at, so that it can judge its search. Nothing about the shopper is sent. */

import { at } from "../shared/place.js";

/**
 * Report an event; a shop that does not listen is not an error.
 * @param {"product_view"|"product_click"} type
 * @param {string} productId
 * @param {{queryId?: string, position?: number}} from the search it came from, and its place there, from 1
 */
export function tell(type, productId, { queryId, position } = {}) {
  const event = { type, product_id: productId };
  if (queryId) Object.assign(event, { query_id: queryId, position });
  const body = new Blob([JSON.stringify({ events: [event] })], { type: "application/json" });
  navigator.sendBeacon?.(at("v1/events"), body);
}
