/** The shopper's page: a photo or words come in, from wherever, and products go out. */

import "./texts.js"; // first: whatever shows words needs them
import "../shared/switches.js";
import "./ask.js";
import "./chips.js";
import "./focus.js";
import "./results.js";
import "./why.js";
import "./words.js";
import { options, PAGE_SIZE, sampleLinks, search, SearchError } from "./api.js";
import { explanation, isThePhotos } from "./errors.js";
import { FACETS } from "./facets.js";
import { t, translatePage } from "../shared/i18n.js";
import { listenForDrops, listenForPastes } from "./intake.js";
import { prepare } from "./photo.js";
import { begin, change, isAsked, isVisual, question } from "./question.js";

const MOST_SHOWN = 96;

const main = document.querySelector("main");
const drop = document.querySelector("photo-drop");
const words = document.querySelector("search-words");
const chips = document.querySelector("word-chips");
const focus = document.querySelector("focus-switch");
const facets = document.querySelector("facet-panel");
const results = document.querySelector("search-results");
const why = document.querySelector("why-dialog");
const status = document.querySelector("#status");

let running = new AbortController();
let fields = []; // those that can be facets here
let understood = []; // the chips of the last answer

/** Take a photo or a video to search with: a file, or the address of a picture. */
function takePhoto(source) {
  // Words that wait in the field are meant for this photo; those searched for already were not.
  const text = words.typed === question().text ? "" : words.typed;
  const video = typeof source !== "string" && source.type.startsWith("video/");
  if (typeof source === "string") begin({ photo: { url: source }, text });
  else if (video) begin({ photo: { video: source } });
  else begin({ photo: { blob: prepare(source) }, text });
  showAsked(typeof source === "string" ? source : URL.createObjectURL(source), { video });
  scrollTo({ top: 0, behavior: "smooth" });
  answer();
}

/** Search with words: beside what is shown, or alone. */
function takeWords(text) {
  if (question().photo?.video) begin({ text });
  else change({ text, ignore: [] });
  if (!question().photo && !question().product) showAsked("");
  answer();
}

function takeProduct({ hit, title }) {
  begin({ product: { id: hit.product.id, title } });
  showAsked(hit.image_url, { alt: title });
  scrollTo({ top: 0, behavior: "smooth" });
  answer();
}

/** Go on without the photo. */
function dropPhoto() {
  begin({ text: question().text });
  showAsked("");
  document.querySelector("#photo").focus();
  answer();
}

function showAsked(address, kind) {
  drop.preview(address, kind);
  words.typed = question().text;
}

/** Answer the question as it is now. A search that still runs is given up. */
async function answer() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const asked = question();
  const changeable = isVisual(asked) && !asked.photo?.video;
  words.beside = changeable;
  drop.asked = isAsked(asked);
  if (!isAsked(asked)) {
    nothingAsked();
    return;
  }
  main.dataset.view = "asked";
  main.classList.toggle("visual", changeable);
  drop.mark(asked.objects, asked.box, asked.whole);
  results.loading();
  say(t("searching"));
  try {
    await show([], signal);
  } catch (error) {
    if (!signal.aborted) fail(error, answer);
  }
}

function nothingAsked() {
  main.dataset.view = "start";
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
  learn(found);
  const known = new Set(before.map((hit) => hit.product.id));
  const hits = [...before, ...found.hits.filter((hit) => !known.has(hit.product.id))];
  if (first) showBeside(found);
  const asked = question();
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
  drop.mark(asked.objects, asked.box, asked.whole);
  if (asked.photo?.video) facets.hide();
  else facets.show(found.facets ?? [], asked, currencyOf(found.hits));
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
    if (isVisual(asked)) return t(asked.text ? "resultsBoth" : "results");
    return t("resultsWords");
  };
  const explainable = Boolean(question().imageId);
  return { heading, honest: Boolean(found.no_match), visual: isVisual(asked), changed: asked.text !== "", explainable };
}

/** How to say that the thing is not there; with filters, it may well be elsewhere in the shop. */
function noMatch({ chosen }) {
  return Object.keys(chosen).length > 0 ? "noMatchHere" : "noMatch";
}

/** Explain one hit: the search again, for its place alone. */
function explain({ hit, rank, title }) {
  const asked = question();
  const load = async (signal) => {
    const found = await search(asked, { limit: 1, offset: rank, explain: true }, signal);
    return found.hits.find(({ product }) => product.id === hit.product.id);
  };
  why.open(title, load, understood);
}

function fail(error, retry) {
  if (!(error instanceof SearchError)) console.warn("The search failed:", error);
  const known = error instanceof SearchError ? error : new SearchError(0, "");
  const asked = question();
  const key = explanation(known, asked);
  const itsPhoto = isThePhotos(known, asked);
  const title = itsPhoto ? (asked.photo.video ? "videoTitle" : "photoTitle") : "errorTitle";
  results.failed(title, key, itsPhoto || key === "errorQuestion" ? null : retry);
  say(t(key));
}

/** Tell those who cannot see what happens. */
function say(text) {
  status.textContent = text;
}

function nothingUsable(key) {
  main.dataset.view = "asked";
  results.failed("errorTitle", key, null);
  say(t(key));
}

/** Change the question when an event says so, and answer it. */
function on(event, act) {
  document.addEventListener(event, ({ detail }) => {
    act(detail);
    if (isAsked(question())) answer();
  });
}

translatePage();
document.title = t("pageTitle");
document.addEventListener("language", () => (document.title = t("pageTitle")));
document.addEventListener("photo", ({ detail }) => (detail ? takePhoto(detail) : nothingUsable("errorNetwork")));
document.addEventListener("unphoto", dropPhoto);
document.addEventListener("words", ({ detail }) => takeWords(detail));
document.addEventListener("alike", ({ detail }) => takeProduct(detail));
document.addEventListener("why", ({ detail }) => explain(detail));
on("unchip", (id) => change({ ignore: [...question().ignore, id] }));
on("object", (meant) => change(meant));
on("narrow", (chosen) => change(chosen));
on("refocus", () => change({ focus: focus.value }));
listenForDrops((photo) => (photo ? takePhoto(photo) : nothingUsable("errorNoFile")));
listenForPastes(takePhoto);
options().then(({ focuses, fields: known, video }) => {
  focus.offered = focuses;
  drop.takesVideo = Boolean(video);
  fields = FACETS.filter((name) => (name === "price" ? known?.[name] === "number" : known?.[name]?.startsWith("string")));
});
document.querySelector("sample-photos").links = await sampleLinks();
