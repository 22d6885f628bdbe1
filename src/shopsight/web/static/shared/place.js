/** Where this server is, whatever the address of the page. */

/** The address under which the server is mounted; ends with a slash. */
export const ROOT = new URL("../".repeat(import.meta.url.includes("/static/v-") ? 3 : 2), import.meta.url).href;

/** An address on this server, such as `at("v1/search")`. */
export function at(path) {
  return ROOT + path;
}
