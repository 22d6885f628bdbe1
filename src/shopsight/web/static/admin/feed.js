/** One feed before it is indexed: its first rows, what each column is, its pictures, and what is wrong. */

import { call } from "./api.js";
import { sendPictures } from "./feeds.js";
import { jobCard } from "./jobs.js";
import { banner, busy, button, card, figure, figures, field, heading, later, table, whole } from "./parts.js";
import { pictureChooser } from "./pictures.js";
import { icon, make } from "../shared/elements.js";
import { money } from "../shared/format.js";
import { hasWords, t } from "../shared/i18n.js";

const REQUIRED = ["id", "title", "image_link"];

/** The page of a feed. */
export function feedPage(signal, feedId) {
  const back = make("a", { class: "link back", href: "#/feeds" }, icon("back"), t("nav_feeds"));
  const look = () => later(both(), ([feed, preview]) => content(feed, preview), look);
  const both = async () => [await own(feedId, signal), await call(`v1/feeds/${feedId}/preview`, { signal })];
  const place = make("div", { class: "stack" });
  const refresh = async (feed) => {
    const preview = await call(`v1/feeds/${feedId}/preview`, { signal });
    place.replaceChildren(...parts(feed, preview));
  };
  const content = (feed, preview) => {
    place.replaceChildren(...parts(feed, preview));
    return place;
  };

  function parts(feed, preview) {
    const ready = !preview.failure && preview.products.length > 0;
    return [
      verdict(preview),
      pictureCard(feed, preview, () => refresh(feed)),
      preview.columns.length > 0 && columnsCard(feed, preview, refresh),
      preview.products.length > 0 && understood(preview),
      optionsCard(feed, refresh),
      startCard(feed, ready),
    ].filter(Boolean);
  }

  function pictureCard(feed, { pictures }, again) {
    if (feed.url || pictures.named === 0) return null;
    const all = pictures.missing === 0;
    const bar = make("progress", { hidden: true, max: "1", "aria-label": t("uploading") });
    const chooser = pictureChooser({
      chosen: () =>
        busy(chooser.element, async () => {
          const progress = (share) => {
            bar.hidden = false;
            bar.value = share;
          };
          try {
            await sendPictures(feedId, chooser, { progress, signal });
            await again();
          } finally {
            bar.hidden = true;
          }
        }),
    });
    const words = all ? t("picturesThere", { count: whole(pictures.named) }) : t("picturesMissing", { missing: whole(pictures.missing), count: whole(pictures.named) });
    const examples = !all && make("p", { class: "hint", dir: "auto" }, pictures.examples.join(" · "));
    return card("", banner(all ? "good" : "warn", make("p", {}, words), examples), make("div", { class: "stack tight spaced" }, chooser.element, bar));
  }

  function startCard(feed, ready) {
    const result = make("div", { class: "stack" });
    const check = button(t("checkAll"), () => busy(check, async () => result.replaceChildren(...checked(await call(`v1/feeds/${feedId}/check`, { signal })))), { symbol: "search" });
    const start = button(
      t("startIndexing"),
      () =>
        busy(start, async () => {
          const job = await call(`v1/feeds/${feedId}/jobs`, { method: "POST", signal });
          const shown = jobCard(job, { signal });
          result.replaceChildren(shown);
          shown.scrollIntoView({ behavior: "smooth", block: "center" });
        }),
      { kind: "primary", symbol: "play" },
    );
    start.disabled = !ready;
    return make("div", { class: "stack" }, make("div", { class: "row end" }, check, start), result);
  }

  return [make("div", {}, back, heading(feedId)), look()];
}

async function own(feedId, signal) {
  const { feeds } = await call("v1/feeds", { signal });
  const feed = feeds.find(({ id }) => id === feedId);
  if (!feed) throw new Error(t("noSuchFeed"));
  return feed;
}

/** What can be said of the feed as a whole. */
function verdict(preview) {
  const facts = make("p", {}, t("formatFound", { format: t(`format_${preview.format}`) }));
  if (preview.missing.length) {
    const names = preview.missing.map(fieldName).join(", ");
    return banner("warn", facts, make("p", {}, t("columnsMissing", { names })));
  }
  if (preview.failure) return banner("danger", facts, make("p", { dir: "auto" }, preview.failure));
  if (preview.problems.length) {
    return banner("warn", facts, make("p", {}, t("someRowsWrong", { count: preview.problems.length })), problemList(preview.problems.slice(0, 5)));
  }
  return banner("good", facts, make("p", {}, t("firstRowsGood")));
}

function problemList(problems) {
  const line = ({ line, product_id, reason }) => [line && t("lineNumber", { line }), product_id, reason].filter(Boolean).join(" · ");
  return make("ul", { class: "problems" }, ...problems.map((one) => make("li", { dir: "auto" }, line(one))));
}

/** The first rows, with a choice above each column. */
function columnsCard(feed, preview, refresh) {
  const fieldOf = Object.fromEntries(Object.entries(preview.mapping).map(([name, column]) => [column, name]));
  const columns = preview.columns.slice(0, 40);
  const choices = columns.map((column) => {
    const select = make("select", { class: "input small", "aria-label": t("columnIs", { column }) }, make("option", { value: "" }, t("asAttribute")));
    for (const name of preview.fields) select.append(make("option", { value: name }, fieldName(name)));
    select.value = fieldOf[column] ?? "";
    if (REQUIRED.includes(select.value)) select.classList.add("required");
    select.addEventListener("change", () =>
      busy(select, async () => {
        const mapping = changed(feed.mapping, column, select.value, fieldOf[column]);
        await refresh(await keep(feed, { mapping }));
      }),
    );
    return select;
  });
  const head = columns.map((column, place) => make("th", { scope: "col" }, make("span", { class: "column-name", dir: "auto" }, column), choices[place]));
  const rows = preview.rows.map((row) => make("tr", {}, ...columns.map((column) => make("td", { dir: "auto", title: row[column] ?? "" }, make("span", { class: "cut" }, row[column] ?? "")))));
  const frame = make(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": t("columnsTitle") },
    make("table", { class: "table preview" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)),
  );
  return card(t("columnsTitle"), make("p", { class: "hint under" }, t("columnsLead")), frame);
}

/** A mapping in which a column is another field, or an attribute. */
function changed(mapping, column, name, before) {
  const next = Object.fromEntries(Object.entries(mapping).filter(([key, from]) => from !== column && key !== name));
  if (name) next[name] = column;
  else if (before) {
    const plain = column.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
    next[`feed_${plain || "column"}`.slice(0, 63)] = column;
  }
  return next;
}

function understood({ products }) {
  const rows = products.map((one) => [
    one.id,
    one.title,
    one.price ? money(one.price) : "–",
    one.brand || "–",
    one.availability ? t(one.availability) : "–",
    one.product_type || "–",
  ]);
  const columns = ["id", "title", "price", "brand", "availability", "product_type"].map((name) => ({ title: fieldName(name), number: name === "price" }));
  return card(t("understoodTitle"), table(t("understoodTitle"), columns, rows));
}

function optionsCard(feed, refresh) {
  const currency = make("input", { class: "input currency", maxlength: "3", placeholder: "EUR", autocapitalize: "characters", value: feed.currency ?? "" });
  const sync = make("input", { type: "checkbox" });
  sync.checked = feed.sync;
  currency.addEventListener("change", () =>
    busy(currency, async () => refresh(await keep(feed, { currency: currency.value.trim().toUpperCase() || null }))),
  );
  sync.addEventListener("change", () => busy(sync, async () => refresh(await keep(feed, { sync: sync.checked }))));
  return card(
    t("options"),
    make("div", { class: "stack" }, field(t("currency"), currency, t("currencyHint")), make("label", { class: "check" }, sync, t("syncOption"))),
  );
}

function keep(feed, change) {
  const { format, mapping, sync, currency, url } = { ...feed, ...change };
  const json = { format, mapping, sync, currency, ...(url ? { url } : {}) };
  return call(`v1/feeds/${feed.id}`, { method: "PUT", json });
}

function checked({ feed, pictures }) {
  return [
    card(
      t("checkResult"),
      figures(
        figure(t("rows"), whole(feed.rows)),
        figure(t("productsGood"), whole(feed.products)),
        figure(t("rowsWrong"), whole(feed.errors)),
        figure(t("warnings"), whole(feed.warnings)),
        figure(t("picturesLacking"), whole(pictures.missing)),
      ),
      feed.failure && banner("danger", make("p", { dir: "auto" }, feed.failure)),
      feed.problems.length > 0 && problemList(feed.problems),
    ),
  ];
}

/** What a field is called in front of people. */
export function fieldName(name) {
  return hasWords(`field_${name}`) ? t(`field_${name}`) : name;
}
