/** What the shopper asks for: the one place where that is kept. Never changed, only replaced. */

/** Nothing is asked. */
export const NOTHING = Object.freeze({
  photo: null, // {blob: Promise<Blob>, live?: true} or {url} or {video: File}
  imageId: "", // what the server calls the photo, once it has seen it
  objects: [], // what is on the photo
  box: null, // the part of it that is meant; null: the main subject
  whole: false, // all of it is meant
  product: null, // a product in place of a photo
  text: "",
  ignore: [], // chips that were taken away
  chosen: {}, // by field, the values that hits may have
  focus: "balanced",
  sort: "relevance",
});

let current = NOTHING;

/** The question as it is now. */
export function question() {
  return current;
}

/** Ask something a little different. */
export function change(parts) {
  current = Object.freeze({ ...current, ...parts });
}

/**
 * Ask about another thing: a photo, a product, or (with neither) words alone. The focus stays.
 * @param {object} parts
 */
export function begin(parts) {
  current = Object.freeze({ ...NOTHING, focus: current.focus, ...parts });
}

/** Whether there is anything to search for. */
export function isAsked({ photo, product, text }) {
  return Boolean(photo || product || text);
}

/** Whether hits are compared with a picture. */
export function isVisual({ photo, product }) {
  return Boolean(photo || product);
}

/**
 * The question in the words of the API, but for the photo itself.
 * @returns {Object<string, unknown>}
 */
export function fieldsOf(asked) {
  const fields = { focus: asked.focus, sort: asked.sort };
  if (asked.text) fields.text = asked.text;
  if (asked.ignore.length > 0) fields.ignore = asked.ignore;
  if (asked.box) fields.box = asked.box;
  if (asked.whole) fields.regions = false;
  const filter = filterText(asked.chosen);
  if (filter) fields.filter = filter;
  return fields;
}

/**
 * What was chosen, as a filter: one of the values of each field.
 * @param {Object<string, Array<string|{low: number|null, high: number|null}>>} chosen
 */
export function filterText(chosen) {
  const terms = Object.entries(chosen)
    .filter(([, values]) => values.length > 0)
    .map(([field, values]) => (typeof values[0] === "string" ? oneOf(field, values) : within(field, values)));
  return terms.join(" AND ");
}

function oneOf(field, values) {
  return `\`${field}\` IN (${values.map(quoted).join(", ")})`;
}

/** Ranges include both their edges. */
function within(field, ranges) {
  const terms = ranges.map(({ low, high }) => {
    const edges = [low === null ? null : `\`${field}\` >= ${low}`, high === null ? null : `\`${field}\` <= ${high}`];
    return edges.filter(Boolean).join(" AND ") || `\`${field}\` IS NOT NULL`;
  });
  return `(${terms.map((term) => `(${term})`).join(" OR ")})`;
}

function quoted(text) {
  const escaped = text.replace(/["\\]/g, "\\$&").replace(/\p{Cc}/gu, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}
