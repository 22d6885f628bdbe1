/** How the search is used. */

import { call } from "./api.js";
import { shareChart, timeChart } from "./charts.js";
import { banner, card, figure, figures, heading, later, moment, note, table, whole } from "./parts.js";
import { make } from "../shared/elements.js";
import { percent } from "../shared/format.js";
import { locale, t } from "../shared/i18n.js";

const DAYS = [7, 30, 90];
const POSITIONS = 10;
let days = 30;

/** The page. */
export function page(signal) {
  const place = make("div", { class: "stack" });
  const choice = make("div", { class: "segments", role: "group", "aria-label": t("period") });
  const show = () => {
    for (const one of choice.children) one.setAttribute("aria-pressed", String(Number(one.dataset.days) === days));
    place.replaceChildren(later(call(`v1/usage?days=${days}`, { signal }), content, () => (show(), document.createTextNode(""))));
  };
  for (const count of DAYS) {
    choice.append(make("button", { type: "button", "data-days": String(count), click: () => ((days = count), show()) }, t("lastDays", { count })));
  }
  show();
  return [heading(t("nav_usage"), t("usageLead"), choice), place];
}

function content(usage) {
  const share = (count) => (usage.searches ? percent(count / usage.searches) : "–");
  const day = new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", timeZone: "UTC" });
  const labels = usage.by_day.map(({ start }) => day.format(start * 1000));
  const series = ["searches", "no_match", "clicks"].map((name) => ({ name: t(`usage_${name}`), values: usage.by_day.map((one) => one[name]) }));
  return [
    !usage.recorded && banner("warn", make("p", {}, t("notRecorded"))),
    figures(
      figure(t("usage_searches"), whole(usage.searches)),
      figure(t("noMatchRate"), share(usage.no_match)),
      figure(t("clickRate"), share(usage.clicked)),
      figure(t("event_add_to_cart"), whole(usage.events.add_to_cart ?? 0)),
      figure(t("event_purchase"), whole(usage.events.purchase ?? 0)),
    ),
    usage.searches === 0 && Object.keys(usage.events).length === 0
      ? note("chart", t("noUsage"), t("noUsageLead"))
      : [
          card("", timeChart(t("searchesByDay"), series, { labels, format: whole, columns: true, whole: true })),
          make(
            "div",
            { class: "halves" },
            make("div", { class: "stack" }, card(t("clicksByPosition"), positions(usage)), card(t("popularProducts"), popular(usage))),
            make("div", { class: "stack" }, card(t("searchKinds"), kinds(usage)), card(t("fruitlessWords"), words(usage, usage.texts_without_match)), card(t("frequentWords"), words(usage, usage.texts))),
          ),
        ],
    make("p", { class: "hint" }, t("usageKept", { count: usage.kept_days })),
  ].flat();
}

function positions({ clicks_by_position: clicks }) {
  const all = Object.values(clicks).reduce((sum, one) => sum + one, 0);
  if (all === 0) return make("p", { class: "soft" }, t("noClicks"));
  const rows = Object.entries(clicks).slice(0, POSITIONS).map(([position, count]) => ({ name: t("positionNumber", { position }), value: count, shown: `${whole(count)} · ${percent(count / all)}` }));
  return shareChart(t("clicksByPosition"), rows);
}

function kinds({ kinds: counts, searches }) {
  const rows = Object.entries(counts).sort((a, b) => b[1] - a[1]).map(([name, count]) => ({ name: t(`search_${name}`), value: count, shown: `${whole(count)} · ${percent(count / searches)}` }));
  return rows.length ? shareChart(t("searchKinds"), rows) : make("p", { class: "soft" }, t("nothingYet"));
}

function popular({ popular: products }) {
  if (products.length === 0) return make("p", { class: "soft" }, t("noEvents"));
  const rows = products.slice(0, 10).map((one) => [make("span", { class: "cut", title: one.title }, one.title || one.product_id), whole(one.clicks), whole(one.carts), whole(one.purchases)]);
  const columns = [{ title: t("field_title") }, { title: t("clicks"), number: true }, { title: t("carts"), number: true }, { title: t("purchases"), number: true }];
  return table(t("popularProducts"), columns, rows);
}

function words({ texts_kept: kept }, texts) {
  if (!kept) return make("p", { class: "soft" }, t("wordsNotKept"));
  if (texts.length === 0) return make("p", { class: "soft" }, t("nothingYet"));
  const rows = texts.slice(0, 10).map((one) => [make("span", { class: "cut", title: one.text }, one.text), whole(one.searches), moment(one.last_at * 1000)]);
  return table(t("words"), [{ title: t("words") }, { title: t("usage_searches"), number: true }, { title: t("last") }], rows);
}
