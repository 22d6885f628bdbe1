/** Jobs: how each is getting on. */

import { call } from "./api.js";
import { busy, button, complain, moment, table, whole } from "./parts.js";
import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import { at } from "../shared/place.js";

const LOOK_EVERY_MS = 1000;
const STATES = { queued: "", running: "info", cancelling: "warn", succeeded: "good", failed: "danger", cancelled: "warn" };
const COUNTERS = [
  "rows_read", "products_created", "products_updated", "products_unchanged", "products_removed",
  "images_encoded", "images_read", "images_unchanged", "images_failed", "rows_skipped", "warnings",
];
const TROUBLE = ["rows_skipped", "warnings", "images_failed"];

/** The state of a job as a badge. */
export function state(job) {
  return make("span", { class: `badge ${STATES[job.state]}` }, t(`job_${job.state}`));
}

/** What a job is about. */
export function about(job) {
  return `${t(`kind_${job.kind}`)}${job.request.name ? ` · ${job.request.name}` : ""}`;
}

/**
 * A job as it goes on, until it has ended.
 * @param {object} job
 * @param {{signal: AbortSignal, ended?: (job: object) => void}} options `ended` is called once, if it ends meanwhile
 */
export function jobCard(job, { signal, ended = () => {} }) {
  const place = make("section", { class: "card job", "aria-live": "polite" });
  const render = (now) => place.replaceChildren(...content(now, render, signal));
  render(job);
  if (!job.finished_at) follow(job, { signal, render, ended });
  return place;
}

async function follow(job, { signal, render, ended }) {
  while (!signal.aborted && !job.finished_at) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    if (signal.aborted) return;
    try {
      job = await call(`v1/jobs/${job.id}`, { signal });
      render(job);
    } catch (error) {
      // A server that restarts is back soon, and so is the job.
      if (error.name === "AbortError" || error.status === 404) return;
    }
  }
  if (!signal.aborted) ended(job);
}

function content(job, render, signal) {
  const counters = COUNTERS.filter((name) => job.progress[name] > 0);
  const { done, total } = job.progress;
  const running = !job.finished_at;
  const bar = running && make("progress", { "aria-label": about(job), ...(total ? { value: String(done), max: String(total) } : {}) });
  const stop = running && button(t("stop"), () => busy(stop, async () => render(await call(`v1/jobs/${job.id}`, { method: "DELETE", signal }))), { kind: "small" });
  if (stop && job.state === "cancelling") stop.disabled = true;
  return [
    make("header", {}, make("div", { class: "row" }, make("h2", { class: "card-title" }, about(job)), state(job)), stop),
    bar,
    counters.length > 0 && make("dl", { class: "counters" }, ...counters.map((name) => make("div", {}, make("dt", {}, t(`count_${name}`)), make("dd", { class: "number" }, whole(job.progress[name]))))),
    job.error && make("p", { class: job.state === "failed" ? "error" : "soft", dir: "auto" }, job.error),
    job.finished_at && job.state === "succeeded" && job.kind === "index" && make("div", { class: "row" }, make("a", { class: "button primary small", href: at("") }, icon("search"), t("trySearch")), problems(job)),
    job.finished_at && !(job.state === "succeeded" && job.kind === "index") && problems(job),
  ].filter(Boolean);
}

/** The list of what a job left out, if there is one. */
export function problems(job) {
  const any = TROUBLE.some((name) => job.progress[name] > 0);
  return any && make("a", { class: "button small", href: at(`v1/jobs/${job.id}/problems`), download: "" }, icon("download"), t("problemList"));
}

/** The latest jobs of some kinds. */
export async function jobTable(kinds, signal) {
  const { jobs } = await call("v1/jobs?limit=200", { signal });
  const own = jobs.filter(({ kind }) => kinds.includes(kind)).slice(0, 8);
  if (own.length === 0) return null;
  const rows = own.map((job) => [about(job), state(job), moment(job.created_at), make("span", { class: "remark" }, job.error ?? ""), problems(job) || ""]);
  const columns = [{ title: t("job") }, { title: t("state") }, { title: t("begun") }, { title: t("remark") }, { title: "" }];
  return table(t("jobs"), columns, rows);
}

/** The newest job of some kinds that has not ended. */
export async function running(kinds, signal) {
  const { jobs } = await call("v1/jobs?limit=20", { signal });
  return jobs.filter(({ kind, finished_at }) => kinds.includes(kind) && !finished_at).at(-1) ?? null;
}

/** A button that sets a job going, and shows it in a place. */
export function starter(label, kind, place, { signal, ended, symbol = "refresh", primary = false }) {
  const start = button(
    label,
    () =>
      busy(start, async () => {
        const job = await call("v1/jobs", { method: "POST", json: { kind }, signal });
        place.replaceChildren(jobCard(job, { signal, ended }));
      }).catch(complain),
    { symbol, kind: primary ? "primary" : "" },
  );
  return start;
}
