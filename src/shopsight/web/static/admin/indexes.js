/** Versions of the index: what answers searches, and making it anew. */

import { call } from "./api.js";
import { jobCard, jobTable, running, starter } from "./jobs.js";
import { banner, bytes, card, figure, figures, heading, later, moment, note, table, whole } from "./parts.js";
import { make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

const KINDS = ["reindex", "calibrate"];

/** The page. */
export function page(signal) {
  const place = make("div", { class: "stack" });
  const lists = make("div", { class: "stack" });
  const show = () => lists.replaceChildren(state(signal), versions(signal), past(signal));
  running(KINDS, signal)
    .then((job) => job && place.replaceChildren(jobCard(job, { signal, ended: show })))
    .catch(() => {}); // the lists say what is wrong
  show();
  const calibrate = starter(t("calibrate"), "calibrate", place, { signal, ended: show, symbol: "gear" });
  const reindex = starter(t("reindex"), "reindex", place, { signal, ended: show });
  return [heading(t("nav_indexes"), t("indexesLead"), calibrate, reindex), place, lists];
}

function state(signal) {
  const asked = async () => ((await isIndexed(signal)) ? call("v1/index", { signal }) : null);
  return later(
    asked(),
    (index) =>
      index
        ? [
            !index.healthy && banner("danger", make("p", { dir: "auto" }, index.detail)),
            figures(
              figure(t("encoder"), index.encoder),
              figure(t("products"), whole(index.products)),
              figure(t("searchable"), whole(index.searchable)),
              figure(t("images"), whole(index.images)),
              figure(t("failedImages"), whole(index.failed_images)),
            ),
          ]
        : note("box", t("noProducts"), t("noProductsLead"), make("a", { class: "button primary", href: "#/feeds" }, t("bringIn"))),
    () => state(signal),
  );
}

/** Whether there is any index yet. */
export async function isIndexed(signal) {
  const { indexes } = await call("v1/indexes", { signal });
  return indexes.some(({ active }) => active);
}

function versions(signal) {
  return later(
    call("v1/indexes", { signal }),
    ({ indexes }) => {
      if (indexes.length === 0) return null;
      const rows = indexes.map((one) => [
        one.name,
        make("span", { class: `badge ${one.active ? "good" : ""}` }, t(one.active ? "answering" : "resting")),
        one.encoder,
        whole(one.dimension),
        one.rows == null ? "–" : whole(one.rows),
        one.bytes == null ? "–" : bytes(one.bytes),
        make("span", { class: `badge ${one.calibrated ? "good" : "warn"}` }, t(one.calibrated ? "yes" : "no")),
        moment(one.created_at),
      ]);
      const columns = [
        { title: t("versionName") }, { title: t("state") }, { title: t("encoder") }, { title: t("dimensions"), number: true },
        { title: t("images"), number: true }, { title: t("size"), number: true }, { title: t("calibrated") }, { title: t("made") },
      ];
      return card(t("versions"), table(t("versions"), columns, rows));
    },
    () => versions(signal),
  );
}

function past(signal) {
  return later(jobTable(KINDS, signal), (found) => found && card(t("pastJobs"), found), () => past(signal));
}
