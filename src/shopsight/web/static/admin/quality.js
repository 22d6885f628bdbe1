/** How well photos find their products, measured on labelled ones. */

import { call, upload } from "./api.js";
import { jobCard, running } from "./jobs.js";
import { banner, busy, button, card, figure, figures, heading, later, moment, note, table, whole } from "./parts.js";
import { pictureChooser } from "./pictures.js";
import { make } from "../shared/elements.js";
import { decimal, percent } from "../shared/format.js";
import { t } from "../shared/i18n.js";

const KIND = "evaluate";

/** The page. */
export function page(signal) {
  const place = make("div", { class: "stack" });
  const lists = make("div", { class: "stack" });
  const show = () => lists.replaceChildren(reports(signal));
  running([KIND], signal)
    .then((job) => job && place.replaceChildren(jobCard(job, { signal, ended: show })))
    .catch(() => {}); // the list says what is wrong
  show();
  return [heading(t("nav_quality"), t("qualityLead")), chooser(signal, place, show), place, lists];
}

function chooser(signal, place, ended) {
  const error = make("p", { class: "error", role: "alert" });
  const bar = make("progress", { hidden: true, max: "1", "aria-label": t("uploading") });
  const photos = pictureChooser({ tables: true, chosen: () => (error.textContent = "") });
  const start = button(
    t("measure"),
    () => {
      if (!photos.any) {
        error.textContent = t("photosMissing");
        return;
      }
      busy(start, async () => {
        try {
          bar.hidden = false;
          const archive = await photos.archive((share) => (bar.value = share / 2));
          const job = await upload("v1/evaluations", archive, { method: "POST", progress: (share) => (bar.value = 0.5 + share / 2), signal });
          place.replaceChildren(jobCard(job, { signal, ended }));
        } finally {
          bar.hidden = true;
        }
      });
    },
    { kind: "primary", symbol: "play" },
  );
  return card(t("labelledPhotos"), make("p", { class: "hint under" }, t("labelledHint")), make("div", { class: "stack" }, photos.element, bar, error, make("div", { class: "row end" }, start)));
}

function reports(signal) {
  return later(
    call("v1/jobs?limit=500", { signal }),
    ({ jobs }) => {
      const done = jobs.filter(({ kind, state }) => kind === KIND && state === "succeeded");
      if (done.length === 0) return note("check", t("noReports"), t("noReportsLead"));
      return [report(done[0]), done.length > 1 && card(t("earlierReports"), earlier(done.slice(1)))].filter(Boolean);
    },
    () => reports(signal),
  );
}

function report({ progress: found, finished_at: when }) {
  const failed = Object.entries(found.failed ?? {});
  return card(
    t("reportOf", { when: moment(when) }),
    figures(
      figure("recall@1", percent(found["recall@1"]), t("recall1Hint")),
      figure("recall@5", percent(found["recall@5"])),
      figure("recall@10", percent(found["recall@10"])),
      figure("MRR", decimal(found.mrr), t("mrrHint")),
      figure(t("photos"), whole(found.photos)),
      figure(t("median"), t("milliseconds", { count: Math.round(found.latency_ms.p50) })),
    ),
    make(
      "div",
      { class: "stack tight spaced" },
      found.unknown_products > 0 && banner("warn", make("p", {}, t("unknownProducts", { count: whole(found.unknown_products) }))),
      found.failed_count > 0 && banner("warn", make("p", {}, t("failedPhotos", { count: whole(found.failed_count) })), make("ul", { class: "problems" }, ...failed.slice(0, 8).map(([name, why]) => make("li", { dir: "auto" }, `${name} · ${why}`)))),
    ),
  );
}

function earlier(jobs) {
  const rows = jobs.slice(0, 20).map(({ finished_at: when, progress: found }) => [moment(when), whole(found.photos), percent(found["recall@1"]), percent(found["recall@5"]), percent(found["recall@10"]), decimal(found.mrr)]);
  const columns = [{ title: t("begun") }, { title: t("photos"), number: true }, ...["recall@1", "recall@5", "recall@10", "MRR"].map((title) => ({ title, number: true }))];
  return table(t("earlierReports"), columns, rows);
}
