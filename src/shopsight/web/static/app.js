/** The shopper's page: a photo comes in, from wherever, and products go out. */

import "./ask.js";
import "./focus.js";
import "./results.js";
import { explanation, focuses, PAGE_SIZE, sampleLinks, search, SearchError } from "./api.js";
import { t, translatePage } from "./i18n.js";
import { photoIn, prepare } from "./photo.js";

const MOST_SHOWN = 96;

const main = document.querySelector("main");
const drop = document.querySelector("photo-drop");
const focus = document.querySelector("focus-switch");
const results = document.querySelector("search-results");
const status = document.querySelector("#status");

let running = new AbortController();
let asked = null;

/** Take a photo to search with: a file, or the address of a picture. */
function ask(photo) {
  asked = photo;
  main.dataset.view = "asked";
  drop.preview(typeof photo === "string" ? photo : URL.createObjectURL(photo));
  scrollTo({ top: 0, behavior: "smooth" });
  answer(photo);
}

/** Search with a photo, with what is chosen beside it. A search that still runs is given up. */
async function answer(photo) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  results.loading();
  say(t("searching"));
  try {
    const sent = typeof photo === "string" ? { url: photo } : { blob: await prepare(photo) };
    if (signal.aborted) return;
    await show({ ...sent, focus: focus.value }, [], signal);
  } catch (error) {
    if (!signal.aborted) fail(error, () => answer(photo), typeof photo === "string");
  }
}

/** Get the next products and show them behind those there are. */
async function show(question, before, signal) {
  const answer = await search(question, before.length, signal);
  if (signal.aborted) return;
  const known = new Set(before.map((hit) => hit.product.id));
  const hits = [...before, ...answer.hits.filter((hit) => !known.has(hit.product.id))];
  if (hits.length === 0) {
    results.empty();
    say(t("nothingTitle"));
    return;
  }
  const more = answer.hits.length === PAGE_SIZE && hits.length < Math.min(answer.total, MOST_SHOWN);
  results.found(hits, more ? () => showMore(question, hits, signal) : null);
  say(t("found", { count: hits.length }));
}

async function showMore(question, hits, signal) {
  try {
    await show(question, hits, signal);
  } catch (error) {
    if (!signal.aborted) fail(error, () => showMore(question, hits, signal), Boolean(question.url));
  }
}

function fail(error, retry, fromLink) {
  if (!(error instanceof SearchError)) console.warn("The search failed:", error);
  const known = error instanceof SearchError ? error : new SearchError(0, "");
  const key = explanation(known, fromLink);
  const itsPhoto = known.status >= 400 && known.status < 500 && ![401, 403, 408].includes(known.status);
  results.failed(itsPhoto ? "photoTitle" : "errorTitle", key, itsPhoto ? null : retry);
  say(t(key));
}

/** Tell those who cannot see what happens. */
function say(text) {
  status.textContent = text;
}

function nothingUsable() {
  main.dataset.view = "asked";
  results.failed("errorTitle", "errorNoFile", null);
  say(t("errorNoFile"));
}

function listenForDrops() {
  let depth = 0; // every element that is crossed sends an enter and a leave
  const veil = (shown) => document.body.classList.toggle("dragging", shown);
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    veil(true);
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) veil(false);
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil(false);
    const photo = photoIn(event.dataTransfer);
    if (photo) ask(photo);
    else nothingUsable();
  });
}

function listenForPastes() {
  addEventListener("paste", (event) => {
    const photo = photoIn(event.clipboardData);
    if (!photo) return;
    event.preventDefault();
    ask(photo);
  });
}

translatePage();
document.addEventListener("photo", ({ detail }) => {
  if (detail) ask(detail);
  else fail(new SearchError(0, "network"), null, false);
});
document.addEventListener("refocus", () => {
  if (asked) answer(asked);
});
listenForDrops();
listenForPastes();
focuses().then((offered) => (focus.offered = offered));
document.querySelector("sample-photos").links = await sampleLinks();
