/** Answers the question that is asked, and shows the answer: searching, found, nothing, failed. */

import { t } from "../shared/i18n.js";
import { ROOT } from "../shared/place.js";
import { PAGE_SIZE, search, SearchError } from "./api.js";
import { explanation, isThePhotos } from "./errors.js";
import { change, isAsked, isVisual, question } from "./question.js";
import { forgetScrolling, showView, view } from "./views.js";

const MOST_SHOWN = 96;
const LIVE_HITS = 12;

const main = document.querySelector("main");
const drop = document.querySelector("photo-drop");
const words = document.querySelector("search-words");
const chips = document.querySelector("word-chips");
const facets = document.querySelector("facet-panel");
const results = document.querySelector("search-results");
const page = document.querySelector("product-page");
const recognised = document.querySelector("recognised-things");
const visit = document.querySelector("visit-history");
const status = document.querySelector("#status");

let running = new AbortController();
let fields = []; // those that can be facets here
let understood = []; // the chips of the last answer
let offline = false; // the last search found no server

/** Name the fields that hits can be narrowed by. */
export function narrowBy(names) {
  fields = names;
}

/** The chips of the last answer. */
export function lastChips() {
  return understood;
}

/** Give up the search that runs. @returns {AbortSignal} for what comes in its place */
export function begun() {
  running.abort();
  running = new AbortController();
  return running.signal;
}

/** Show the start or the answer; from a product's page on, under an address of its own. */
export function showSearch(name) {
  page.leave();
  showView(name, view() === "product" ? ROOT : null);
  document.title = t("pageTitle");
}

/** Answer the question as it is now. A search that still runs is given up. */
export async function answer() {
  const signal = begun();
  const asked = question();
  const changeable = isVisual(asked) && !asked.photo?.video;
  words.beside = changeable;
  drop.asked = isAsked(asked);
  if (!asked.photo) recognised.clear();
  if (!isAsked(asked)) {
    nothingAsked();
    return;
  }
  forgetScrolling();
  showSearch("asked");
  main.classList.toggle("visual", changeable);
  drop.mark(asked.objects, asked.box, asked.whole, Boolean(asked.imageId));
  results.loading();
  say(t("searching"));
  try {
    await show([], signal);
  } catch (error) {
    if (!signal.aborted) fail(error, answer);
  }
}

/** Answer a frame of the camera, in place: what was found before stays until there is something else. */
export async function answerFrame(signal) {
  const asked = question();
  const found = await search(asked, { limit: LIVE_HITS }, signal);
  if (signal.aborted || question() !== asked) return;
  showSearch("asked");
  main.classList.remove("visual");
  chips.chips = [];
  recognised.clear();
  facets.hide();
  change({ imageId: found.image_id });
  if (found.hits.length > 0) results.found(found.hits, about(question(), found), null);
}

/** Say that what was given cannot be used. */
export function nothingUsable(key) {
  showSearch("asked");
  results.failed("errorTitle", key, null);
  say(t(key));
}

/** When the network is back, ask again what could not be asked. */
export function backOnline() {
  if (offline && isAsked(question())) answer();
}

function nothingAsked() {
  showSearch("start");
  results.clear();
  facets.hide();
  chips.chips = [];
  say("");
}

/** Get the next products and show them behind those there are. */
async function show(before, signal) {
  const first = before.length === 0;
  const page = { limit: PAGE_SIZE, offset: before.length, facets: first && !question().photo?.video ? fields : [] };
  const found = await search(question(), page, signal);
  if (signal.aborted) return;
  offline = false;
  learn(found);
  const known = new Set(before.map((hit) => hit.product.id));
  const hits = [...before, ...found.hits.filter((hit) => !known.has(hit.product.id))];
  const asked = question();
  if (first) showBeside(found);
  if (hits.length === 0) {
    const narrow = asked.text || Object.keys(asked.chosen).length > 0;
    results.empty(narrow ? "nothingNarrow" : "nothing");
    say(t("nothingTitle"));
    return;
  }
  const more = found.hits.length === PAGE_SIZE && hits.length < Math.min(found.total, MOST_SHOWN);
  results.found(hits, about(asked, found), more ? () => showMore(hits, signal) : null);
  const ordered = asked.sort === "relevance" && isVisual(asked);
  say((found.no_match ? `${t(noMatch(asked))} ` : "") + t(ordered ? "found" : "foundPlain", { count: hits.length }));
}

async function showMore(hits, signal) {
  try {
    await show(hits, signal);
  } catch (error) {
    if (!signal.aborted) fail(error, () => showMore(hits, signal));
  }
}

/** Remember what the answer tells of the photo. */
function learn(found) {
  const asked = question();
  if (found.image_id) change({ imageId: found.image_id });
  if (found.objects?.length > 0 && !asked.box && !asked.whole) change({ objects: found.objects });
}

function showBeside(found) {
  const asked = question();
  understood = found.chips ?? [];
  chips.chips = understood;
  drop.mark(asked.objects, asked.box, asked.whole, Boolean(asked.imageId));
  if (asked.photo?.video) {
    drop.seen(found.hits);
    facets.hide();
  } else {
    facets.show(found.facets ?? [], asked, currencyOf(found.hits));
  }
  if (asked.photo && asked.imageId && !asked.text) {
    const sorted = found.hits.some(({ product }) => product.product_type || product.google_product_category);
    recognised.ask(asked.imageId, asked.box, sorted);
  }
  remember(asked);
}

/** Keep what was asked in the history of this visit. */
async function remember({ text, photo, product }) {
  if (photo?.blob) visit.add({ text, photo: await photo.blob });
  else if (product) visit.add({ text, product });
  else if (!photo) visit.add({ text });
}

/** The currency of all prices, or none if there are several. */
function currencyOf(hits) {
  const all = new Set(hits.map(({ product }) => (product.sale_price ?? product.price)?.currency).filter(Boolean));
  return all.size === 1 ? [...all][0] : "";
}

function about(asked, found) {
  const heading = () => {
    if (found.no_match) return t(noMatch(asked));
    if (asked.product && !asked.text) return t("resultsAlike", { title: asked.product.title });
    if (asked.photo?.video) return t("resultsVideo");
    if (asked.photo?.live) return t("resultsLive");
    if (isVisual(asked)) return t(asked.text ? "resultsBoth" : "results");
    return t("resultsWords");
  };
  return {
    heading,
    honest: Boolean(found.no_match),
    visual: isVisual(asked),
    changed: asked.text !== "",
    explainable: Boolean(asked.imageId) && !asked.photo?.live,
    queryId: found.query_id,
  };
}

/** How to say that the thing is not there; with filters, it may well be elsewhere in the shop. */
function noMatch({ chosen }) {
  return Object.keys(chosen).length > 0 ? "noMatchHere" : "noMatch";
}

function fail(error, retry) {
  if (!(error instanceof SearchError)) console.warn("The search failed:", error);
  const known = error instanceof SearchError ? error : new SearchError(0, "");
  const asked = question();
  const key = explanation(known, asked);
  offline = known.reason === "network";
  const itsPhoto = isThePhotos(known, asked);
  const title = itsPhoto ? (asked.photo.video ? "videoTitle" : "photoTitle") : "errorTitle";
  results.failed(title, key, itsPhoto || key === "errorQuestion" ? null : retry);
  say(t(key));
}

/** Tell those who cannot see what happens. */
function say(text) {
  status.textContent = text;
}
