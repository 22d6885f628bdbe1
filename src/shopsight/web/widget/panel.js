/** The panel that a widget opens: a dialog with the photo, the words, and what was found. */

import { mayPass, report, search, SearchError, wordsFor } from "./api.js";
import { card } from "./card.js";
import { icon, make, shell } from "./dom.js";
import { fileIn, prepare, Unusable } from "./photo.js";
import { makeStage } from "./stage.js";
import { languageOf, speaker } from "./texts.js";

const PAGE = 12;
const MOST = 48;
const PHOTOS = "image/*,.heic,.heif,.avif";

/**
 * @param {{base: string, options: object, tell: Function}} widget `tell(name, detail)` announces an event and gives
 *   false if a listener has taken care of it
 */
export function makePanel({ base, options, tell }) {
  const language = languageOf(options);
  const t = speaker(language);
  const host = shell("panel", options);
  const input = make("input", { type: "file", accept: PHOTOS, hidden: true, change: chosen });
  const capture = make("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, change: chosen });
  const stage = makeStage(t, (part) => ask({ ...asked, ...part }));
  const words = make("input", { type: "text", maxlength: 1000, autocomplete: "off", enterkeyhint: "search" });
  const status = make("p", { class: "status", role: "status", tabindex: -1 });
  const hits = make("ol", { class: "hits", role: "list" });
  const answer = make("section", { class: "answer", "aria-label": t("results") }, status, hits);
  const buttons = {
    choose: button("primary", "image", "choose", () => input.click()),
    take: button("", "camera", "take", takePhoto),
    shoot: button("primary", "camera", "shoot", shoot),
    cancel: button("", null, "cancel", start),
    other: button("small", null, "other", start),
    more: button("more", null, "more", () => load(hits.children.length)),
    retry: button("", null, "retry", () => ask(asked)),
  };
  const tools = make("div", { class: "tools" }, stage.choices, buttons.other, buttons.shoot, buttons.cancel);
  const drop = make(
    "div",
    { class: "drop" },
    make("span", { class: "emblem" }, icon("camera")),
    make("p", {}, t("lead")),
    make("div", { class: "ways" }, buttons.choose, buttons.take),
    make("p", { class: "hint" }, t("hint")),
  );
  const form = make(
    "form",
    { class: "words", role: "search", submit: describe },
    make("p", { class: "or" }, t("or")),
    words,
    make("button", { type: "submit", class: "primary go", "aria-label": t("search"), title: t("search") }, icon("search")),
  );
  const dialog = make(
    "dialog",
    { "aria-labelledby": "title", lang: language === "zh" ? "zh-CN" : "en" },
    make(
      "header",
      {},
      make("h2", { id: "title" }, t("title")),
      make("button", { type: "button", class: "close", "aria-label": t("close"), title: t("close"), click: close }, icon("close")),
    ),
    make("div", { class: "body" }, make("section", { class: "ask" }, drop, stage.element, tools, form), answer),
    make("footer", {}, t("privacy")),
    make("div", { class: "veil", "aria-hidden": "true" }, t("drop")),
    input,
    capture,
  );

  let asked = {};
  let found = null;
  let over = false; // it was closed; another panel takes its place
  let running = new AbortController();

  dialog.addEventListener("close", closed);
  dialog.addEventListener("click", ({ target, detail }) => {
    if (target === dialog && detail) close(); // beside it: what is in it is another target
  });
  dialog.addEventListener("keydown", keepFocus);
  dialog.addEventListener("paste", pasted);
  for (const kind of ["dragover", "dragleave", "drop"]) dialog.addEventListener(kind, dragged);
  host.shadowRoot.append(dialog);

  function button(kind, drawing, key, act) {
    return make("button", { type: "button", class: kind, click: act }, drawing && icon(drawing), t(key));
  }

  /** The parts that a view shows: start, camera or asked. */
  function view(name) {
    dialog.dataset.view = name;
    drop.hidden = name !== "start";
    buttons.shoot.hidden = buttons.cancel.hidden = name !== "camera";
    buttons.other.hidden = name !== "asked";
    buttons.other.textContent = t(asked.photo ? "other" : "choose");
    form.hidden = name === "camera";
    const beside = name === "asked" && Boolean(asked.photo);
    words.placeholder = t(beside ? "exampleBeside" : "example");
    words.setAttribute("aria-label", t(beside ? "wordsBeside" : "words"));
  }

  function start() {
    forget();
    view("start");
    buttons.choose.focus();
  }

  function forget() {
    running.abort();
    [asked, found] = [{}, null];
    stage.clear();
    words.value = "";
    say();
    hits.replaceChildren();
    buttons.more.remove();
  }

  async function takePhoto() {
    if (!navigator.mediaDevices?.getUserMedia) {
      capture.click(); // an old browser, or a page without TLS: phones have a camera of their own for that
      return;
    }
    running.abort();
    say();
    try {
      await stage.openCamera();
    } catch (error) {
      fail(error);
      return;
    }
    if (!dialog.open) {
      stage.clear();
      return;
    }
    view("camera");
    buttons.shoot.focus();
  }

  async function shoot() {
    try {
      searchFor(await stage.shoot());
    } catch (error) {
      fail(error);
    }
  }

  function chosen({ target }) {
    const [file] = target.files;
    target.value = ""; // so that the same file can be chosen again
    if (file) take(file);
  }

  /** Search for a photo, whatever was searched for before. */
  async function take(file) {
    running.abort();
    const mine = (running = new AbortController());
    try {
      const photo = await prepare(file);
      if (!mine.signal.aborted) searchFor(photo);
    } catch (error) {
      if (mine.signal.aborted) return;
      forget();
      view("start");
      fail(error);
    }
  }

  function searchFor({ blob, canvas }) {
    stage.show(canvas);
    const text = asked.photo ? "" : words.value.trim(); // words that wait are meant for this photo
    words.value = text;
    ask({ photo: blob, text });
    status.focus();
  }

  function describe(event) {
    event.preventDefault();
    const text = words.value.trim();
    if (text || asked.photo) ask({ ...asked, text });
    else words.focus();
  }

  /** Ask, and show the answer in place of the one before. */
  function ask(question) {
    asked = question;
    found = null;
    view("asked");
    hits.replaceChildren(...Array.from({ length: 8 }, () => make("li", { class: "ghost", "aria-hidden": "true" })));
    return load(0);
  }

  async function load(offset) {
    running.abort();
    const { signal } = (running = new AbortController());
    const more = { limit: PAGE, offset };
    if (options.filter) more.filter = options.filter;
    buttons.more.remove();
    say(t("searching"));
    answer.setAttribute("aria-busy", "true");
    try {
      const got = await search(base, asked, more, signal);
      if (!signal.aborted) show(got, offset);
    } catch (error) {
      if (signal.aborted) return;
      if (offset === 0) hits.replaceChildren();
      fail(error);
    } finally {
      if (!signal.aborted) answer.removeAttribute("aria-busy");
    }
  }

  function show(got, offset) {
    if (got.image_id) asked = { ...asked, imageId: got.image_id };
    if (offset === 0) {
      hits.replaceChildren();
      // What is on the photo is known from the search for all of it.
      const objects = asked.box || asked.whole ? asked.objects : got.objects;
      asked = { ...asked, objects: objects ?? [] };
      stage.mark(asked.objects, asked.box, asked.whole);
    }
    found = got;
    const first = hits.children.length;
    const how = { t, language, base, badge: !asked.text };
    got.hits.forEach((hit, index) => {
      const position = offset + index + 1;
      hits.append(card(hit, how, (event, link) => follow(event, { hit, position, link })));
    });
    const count = hits.children.length;
    const outcome = count === 0 ? "nothing" : got.no_match ? "noMatch" : asked.photo ? "found" : "foundWords";
    say(t(outcome, { count }), outcome);
    if (got.hits.length === PAGE && count < Math.min(got.total, MOST)) answer.append(buttons.more);
    if (offset) hits.children[first]?.querySelector("a")?.focus();
    const products = got.hits.map(({ product }) => product);
    tell("results", { queryId: got.query_id, total: got.total, noMatch: got.no_match, offset, products });
  }

  function follow(event, { hit, position, link }) {
    if (event.type === "auxclick" && event.button !== 1) return;
    const queryId = found.query_id;
    report(base, { type: "product_click", product_id: hit.product.id, query_id: queryId, position });
    const elsewhere = event.type === "auxclick" || event.ctrlKey || event.metaKey || event.shiftKey;
    const goes = tell("select", { queryId, position, product: hit.product, link, elsewhere });
    if (goes || elsewhere) return;
    event.preventDefault();
    close();
  }

  function fail(error) {
    if (!(error instanceof SearchError || error instanceof Unusable)) console.warn("Shopsight:", error);
    const key = wordsFor(error, Boolean(asked.photo));
    say(t(key), "failed");
    if (mayPass(key) && dialog.dataset.view === "asked") status.append(buttons.retry);
  }

  function say(text = "", kind = "") {
    status.dataset.kind = kind;
    status.replaceChildren(...(kind === "failed" ? [icon("alert")] : []), make("span", {}, text));
    status.hidden = text === "";
  }

  /** The dialog is modal; this keeps Tab from leaving it for the browser's own controls, too. */
  function keepFocus(event) {
    if (event.key !== "Tab") return;
    const all = [...dialog.querySelectorAll("button, a[href], input:not([type=file])")];
    const reachable = all.filter((one) => one.checkVisibility());
    const edge = event.shiftKey ? reachable[0] : reachable.at(-1);
    if (host.shadowRoot.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? reachable.at(-1) : reachable[0]).focus();
  }

  function pasted(event) {
    const file = fileIn(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    take(file);
  }

  function dragged(event) {
    event.preventDefault();
    dialog.classList.toggle("dragging", event.type === "dragover");
    const file = event.type === "drop" && fileIn(event.dataTransfer);
    if (file) take(file);
  }

  function close() {
    dialog.close();
  }

  function closed() {
    if (over) return;
    over = true;
    forget();
    host.remove();
    tell("close", {});
  }

  return {
    close,

    /** Whether it is of no use: the page took it away, as some do when they change, or it was closed a moment ago. */
    isLost() {
      const lost = dialog.open !== host.isConnected;
      if (lost) closed();
      return lost;
    },

    /**
     * Open the panel.
     * @param {{photo?: Blob, text?: string}} question to be answered at once
     */
    open({ photo, text = "" } = {}) {
      if (!dialog.open) {
        document.body.append(host);
        dialog.showModal();
        start();
        tell("open", {});
      }
      words.value = text;
      if (photo) take(photo);
      else if (text.trim()) ask({ text: text.trim() });
    },
  };
}
