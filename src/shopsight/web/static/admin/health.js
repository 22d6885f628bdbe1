/** How the server is and did in the last hour. */

import { call } from "./api.js";
import { timeChart } from "./charts.js";
import { banner, bytes, card, figure, figures, heading, later, moment, note, whole } from "./parts.js";
import { make } from "../shared/elements.js";
import { percent } from "../shared/format.js";
import { locale, t } from "../shared/i18n.js";

const AGAIN_MS = 15_000;

/** The page. */
export function page(signal) {
  const place = make("div", { class: "stack" });
  const look = () => call("v1/health", { signal });
  const show = (health) => place.replaceChildren(...content(health));
  const timer = setInterval(() => document.hidden || look().then(show).catch(() => {}), AGAIN_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  const first = () => later(look(), (health) => (show(health), place), first);
  return [heading(t("nav_health"), t("healthLead")), first()];
}

function content({ version, ready, trouble, started_at: started, memory_bytes: memory, samples }) {
  const time = new Intl.DateTimeFormat(locale(), { timeStyle: "short" });
  const labels = samples.map(({ at }) => time.format(at * 1000));
  const of = (name) => samples.map((one) => one[name]);
  const searches = of("searches").reduce((sum, one) => sum + one, 0);
  const errors = of("errors").reduce((sum, one) => sum + one, 0);
  return [
    trouble && banner("danger", make("p", { dir: "auto" }, trouble)),
    figures(
      figure(t("state"), make("span", { class: `badge ${ready ? "good" : "warn"}` }, t(ready ? "ready" : "notReady"))),
      figure(t("runsSince"), moment(started)),
      figure(t("memory"), bytes(memory)),
      figure(t("searchesHour"), whole(searches)),
      figure(t("errorsHour"), whole(errors)),
      figure(t("version"), version),
    ),
    samples.length < 2
      ? note("clock", t("noSamples"), t("noSamplesLead"))
      : make(
          "div",
          { class: "halves" },
          card("", timeChart(t("latency"), [{ name: t("median"), values: of("p50_ms") }, { name: t("slowest"), values: of("p95_ms") }], { labels, format: milliseconds })),
          card("", timeChart(t("memory"), [{ name: t("memory"), values: of("memory_bytes") }], { labels, format: bytes })),
          card("", timeChart(t("usage_searches"), [{ name: t("usage_searches"), values: of("searches") }], { labels, format: whole, whole: true, columns: true })),
          card("", timeChart(t("processor"), [{ name: t("processor"), values: of("processor") }], { labels, format: percent })),
        ),
  ].filter(Boolean);
}

function milliseconds(value) {
  return new Intl.NumberFormat(locale(), { style: "unit", unit: "millisecond", unitDisplay: "short", maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}
