/** The shopper's page: a photo or words come in, from wherever, and products go out. */

import "./texts.js"; // first: whatever shows words needs them
import "../shared/switches.js";
import "./ask.js";
import "./chips.js";
import "./focus.js";
import "./product.js";
import "./recognised.js";
import "./results.js";
import "./visit.js";
import "./why.js";
import "./words.js";
import { t, translatePage } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";
import { answer, answerFrame, backOnline, begun, lastChips, narrowBy, nothingUsable, showSearch } from "./answer.js";
import { options, sampleLinks, search } from "./api.js";
import { tell } from "./events.js";
import { FACETS } from "./facets.js";
import { listenForDrops, listenForPastes } from "./intake.js";
import { prepare } from "./photo.js";
import { sized } from "./pictures.js";
import { begin, change, isAsked, question } from "./question.js";
import { addressedProduct, productAddress, showView, view } from "./views.js";

const drop = document.querySelector("photo-drop");
const words = document.querySelector("search-words");
const focus = document.querySelector("focus-switch");
const page = document.querySelector("product-page");
const why = document.querySelector("why-dialog");

/** Take a photo or a video to search with: a file, or the address of a picture. */
function takePhoto(source) {
  // Words that wait in the field are meant for this photo; those searched for already were not.
  const text = words.typed === question().text ? "" : words.typed;
  const video = typeof source !== "string" && source.type.startsWith("video/");
  if (typeof source === "string") begin({ photo: { url: source }, text });
  else if (video) begin({ photo: { video: source } });
  else begin({ photo: { blob: prepare(source) }, text });
  showAsked(typeof source === "string" ? source : URL.createObjectURL(source), { video });
  fromTheTop();
}

/** Search with words: beside what is shown, or alone. */
function takeWords(text) {
  const { photo } = question();
  if (photo?.video || photo?.live) begin({ text });
  else change({ text, ignore: [] });
  if (!question().photo && !question().product) showAsked("");
  answer();
}

/** Search for what is like a product. */
function takeProduct({ hit, title, text = "" }) {
  const picture = hit.thumbnail ? sized(hit.thumbnail, 640) : hit.image_url;
  begin({ product: { id: hit.product.id, title, picture }, text });
  showAsked(picture, { alt: title });
  fromTheTop();
}

/** Search again for something of this visit. */
function searchAgain({ text, photo, product }) {
  if (product) {
    takeProduct({ hit: { product, image_url: product.picture }, title: product.title, text });
    return;
  }
  begin(photo ? { photo: { blob: Promise.resolve(photo) }, text } : { text });
  showAsked(photo ? URL.createObjectURL(photo) : "");
  fromTheTop();
}

/** Go on without the photo. */
function dropPhoto() {
  begin({ text: question().text });
  showAsked("");
  document.querySelector("#photo").focus();
  answer();
}

/** Open the camera; what it sees is searched for, again and again. */
async function openCamera() {
  if (view() === "product") showSearch("asked");
  const signal = begun();
  begin({});
  words.typed = "";
  try {
    await drop.live((frame) => {
      begin({ photo: { blob: Promise.resolve(frame), live: true } });
      return answerFrame(signal);
    });
  } catch (error) {
    toast(t(["NotAllowedError", "SecurityError"].includes(error.name) ? "cameraDenied" : "cameraMissing"));
    showAsked("");
    answer();
  }
}

/** Without the camera, what it saw last is no longer asked for. */
function cameraEnded() {
  begun();
  if (!question().photo?.live) return;
  begin({});
  answer();
}

function showAsked(address, kind) {
  drop.preview(address, kind);
  words.typed = question().text;
}

function fromTheTop() {
  answer();
  scrollTo({ top: 0, behavior: "smooth" });
}

/** Show a product, one of the hits or any other. */
function showProduct({ hit: { product }, queryId, rank }) {
  const from = queryId ? { queryId, position: rank + 1 } : {};
  if (queryId) tell("product_click", product.id, from);
  tell("product_view", product.id, from);
  drop.endLive();
  showView("product", productAddress(product.id));
  page.show(product.id, { product, answered: isAsked(question()) });
}

/** Show what the address names: after loading the page, and when going back and forward. */
function followAddress() {
  const id = addressedProduct();
  if (id === null) {
    page.leave();
    showView(isAsked(question()) ? "asked" : "start");
    document.title = t("pageTitle");
    return;
  }
  tell("product_view", id);
  drop.endLive();
  showView("product");
  page.show(id, { answered: isAsked(question()) });
}

/** Leave a product's page for where the shopper came from. */
function goBack() {
  if (history.state?.opened) history.back();
  else showSearch(isAsked(question()) ? "asked" : "start");
}

/** Explain one hit: the search again, for its place alone. */
function explain({ hit, rank, title }) {
  const asked = question();
  const load = async (signal) => {
    const found = await search(asked, { limit: 1, offset: rank, explain: true }, signal);
    return found.hits.find(({ product }) => product.id === hit.product.id);
  };
  why.open(title, load, lastChips());
}

/** Act when an event says so. */
function on(event, act) {
  document.addEventListener(event, ({ detail }) => act(detail));
}

/** Change the question when an event says so, and answer it. */
function onChange(event, parts) {
  on(event, (detail) => {
    change(parts(detail));
    if (isAsked(question())) answer();
  });
}

translatePage();
document.addEventListener("language", () => view() === "product" || (document.title = t("pageTitle")));
on("photo", (photo) => (photo ? takePhoto(photo) : nothingUsable("errorNetwork")));
on("shot", takePhoto);
on("unphoto", dropPhoto);
on("camera", openCamera);
on("cameraoff", cameraEnded);
on("words", takeWords);
on("alike", takeProduct);
on("again", searchAgain);
on("product", showProduct);
on("back", goBack);
on("why", explain);
onChange("unchip", (id) => ({ ignore: [...question().ignore, id] }));
onChange("object", (meant) => meant);
onChange("narrow", (chosen) => chosen);
onChange("refocus", () => ({ focus: focus.value }));
addEventListener("popstate", followAddress);
addEventListener("online", backOnline);
addEventListener("offline", () => toast(t("offline")));
followAddress();
listenForDrops((photo) => (photo ? takePhoto(photo) : nothingUsable("errorNoFile")));
listenForPastes(takePhoto);
options().then(({ focuses, fields: known, video }) => {
  focus.offered = focuses;
  drop.takesVideo = Boolean(video);
  narrowBy(FACETS.filter((name) => (name === "price" ? known?.[name] === "number" : known?.[name]?.startsWith("string"))));
});
document.querySelector("sample-photos").links = await sampleLinks();
