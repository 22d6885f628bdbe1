/** Feeds: bring one in, look at it, index it. */

import { call, upload } from "./api.js";
import { feedPage } from "./feed.js";
import { jobCard, jobTable, running } from "./jobs.js";
import { busy, button, card, confirm, field, heading, later, moment, table } from "./parts.js";
import { labelled, pictureChooser } from "./pictures.js";
import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";

const ACCEPTED = ".csv,.tsv,.txt,.xml,.rss,.json,.jsonl,.ndjson,.parquet,.gz";

/** The page. */
export function page(signal, feedId = "") {
  if (feedId) return feedPage(signal, feedId);
  return [heading(t("feedsTitle"), t("feedsLead")), current(signal), bringIn(signal), kept(signal), past(signal)];
}

function current(signal) {
  const place = make("div", { class: "stack" });
  running(["index"], signal)
    .then((job) => job && place.replaceChildren(jobCard(job, { signal, ended: () => {} })))
    .catch(() => {}); // the lists below say what is wrong
  return place;
}

function bringIn(signal) {
  const error = make("p", { class: "error", role: "alert" });
  const bar = make("progress", { hidden: true, max: "1", "aria-label": t("uploading") });
  const next = button(t("next"), () => go(), { kind: "primary" });
  const address = make("input", { class: "input", type: "url", placeholder: "https://shop.example/feed.xml", inputmode: "url", maxlength: "4000" });
  const chosen = make("p", { class: "drop-name", dir: "auto", role: "status" });
  let file = null;
  const take = (one) => {
    file = one;
    chosen.textContent = one.name;
    error.textContent = "";
  };
  const input = make("input", { type: "file", class: "visually-hidden", accept: ACCEPTED, "data-kind": "feed" });
  input.addEventListener("change", () => input.files.length && take(input.files[0]));
  const drop = make(
    "div",
    { class: "drop" },
    icon("upload"),
    make("p", {}, t("dropFeed")),
    labelled(input, "upload", t("chooseFile")),
    chosen,
    make("p", { class: "hint" }, t("feedFormats")),
  );
  listen(drop, take);
  const pictures = pictureChooser();
  const byFile = make("div", { class: "stack" }, drop, make("div", { class: "field" }, make("span", { class: "label" }, t("picturesOfFeed")), make("p", { class: "hint" }, t("picturesHint")), pictures.element));
  const byAddress = make("div", { class: "stack", hidden: true }, field(t("feedAddress"), address, t("feedAddressHint")));
  const choice = ways((way) => {
    byFile.hidden = way !== "file";
    byAddress.hidden = way !== "address";
    error.textContent = "";
  });

  async function go() {
    error.textContent = "";
    if (!byAddress.hidden) {
      if (!address.value.trim() || !address.checkValidity()) return wrong(t("addressMissing"), address);
    } else if (!file) return wrong(t("fileMissing"), input);
    await busy(next, async () => {
      try {
        const id = byAddress.hidden ? await sendFile() : await keepAddress();
        location.hash = `#/feeds/${id}`;
      } catch (failure) {
        if (failure.name !== "AbortError") error.textContent = failure.words ?? failure.message;
      } finally {
        bar.hidden = true;
      }
    });
  }

  function wrong(words, control) {
    error.textContent = words;
    control.focus();
  }

  async function keepAddress() {
    const url = address.value.trim();
    const id = slug(new URL(url).hostname);
    await call(`v1/feeds/${id}`, { method: "PUT", json: { url }, signal });
    return id;
  }

  async function sendFile() {
    const id = slug(file.name.replace(/\.[a-z]+(\.gz)?$/i, ""));
    const progress = (share) => {
      bar.hidden = false;
      bar.value = share;
    };
    await upload(`v1/feeds/${id}/file?name=${encodeURIComponent(file.name.slice(0, 200))}`, file, { progress, signal });
    if (pictures.any) await sendPictures(id, pictures, { progress, signal });
    return id;
  }

  return card(t("bringIn"), make("div", { class: "stack" }, choice, byFile, byAddress, bar, error, make("div", { class: "row end" }, next)));
}

function ways(choose) {
  const group = make("div", { class: "segments", role: "group", "aria-label": t("feedFrom") });
  const press = (way) => {
    for (const one of group.children) one.setAttribute("aria-pressed", String(one.dataset.way === way));
    choose(way);
  };
  for (const way of ["file", "address"]) {
    group.append(make("button", { type: "button", "data-way": way, "aria-pressed": String(way === "file"), click: () => press(way) }, t(`from_${way}`)));
  }
  return group;
}

function listen(drop, take) {
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}

/** Send the pictures that were chosen; tells of those that were not kept. */
export async function sendPictures(id, pictures, { progress, signal }) {
  const archive = await pictures.archive((share) => progress(share / 2));
  const sent = await upload(`v1/feeds/${id}/pictures`, archive, { progress: (share) => progress(0.5 + share / 2), signal });
  toast(t(sent.left_out ? "picturesSentSome" : "picturesSent", { kept: sent.kept, left: sent.left_out }));
  return sent;
}

function kept(signal) {
  const again = () => kept(signal);
  return later(
    call("v1/feeds", { signal }),
    ({ feeds }) => {
      if (feeds.length === 0) return null;
      const rows = feeds.map((feed) => [
        make("a", { href: `#/feeds/${feed.id}` }, feed.id),
        feed.url || feed.file,
        moment(feed.updated_at),
        actions(feed),
      ]);
      const columns = [{ title: t("feed") }, { title: t("source") }, { title: t("changed") }, { title: "" }];
      return card(t("keptFeeds"), table(t("keptFeeds"), columns, rows));
    },
    again,
  );

  function actions(feed) {
    const start = button(t("indexNow"), () => busy(start, async () => (await call(`v1/feeds/${feed.id}/jobs`, { method: "POST", signal }), dispatchEvent(new Event("hashchange")))), { kind: "small" });
    const forget = button(t("forget"), () => confirm(t("forgetTitle", { name: feed.id }), t("forgetText"), t("forget"), async () => (await call(`v1/feeds/${feed.id}`, { method: "DELETE", signal }), dispatchEvent(new Event("hashchange")))), { kind: "small ghost" });
    return make("div", { class: "row end" }, start, forget);
  }
}

function past(signal) {
  return later(jobTable(["index"], signal), (found) => found && card(t("pastJobs"), found), () => past(signal));
}

/** A name for addresses: small letters, digits and dashes. */
function slug(text) {
  const plain = text.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  return plain.slice(0, 64).replace(/-+$/, "") || "feed";
}

