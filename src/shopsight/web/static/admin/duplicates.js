/** Products that look like one listed several times, for a decision. */

import { call } from "./api.js";
import { isIndexed } from "./indexes.js";
import { busy, button, confirm, heading, later, note, whole } from "./parts.js";
import { icon, make } from "../shared/elements.js";
import { money, percent } from "../shared/format.js";
import { t } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";

const PAGE = 20;

/** The page. */
export function page(signal) {
  const place = make("div", { class: "stack" });
  const more = async (offset, list, foot) => {
    if (offset === 0 && !(await isIndexed(signal))) return 0;
    const { groups, total, next } = await call(`v1/duplicates?limit=${PAGE}&offset=${offset}`, { signal });
    const cards = await Promise.all(groups.map((group) => groupCard(group, signal)));
    list.append(...cards);
    const on = next != null && button(t("more"), () => busy(on, () => more(next, list, foot)));
    foot.replaceChildren(...[on].filter(Boolean));
    return total;
  };
  const first = () => {
    const list = make("div", { class: "stack" });
    const foot = make("div", { class: "row" });
    return later(
      more(0, list, foot),
      (total) => (total === 0 ? note("check", t("noDuplicates"), t("noDuplicatesLead")) : [make("p", { class: "soft", role: "status" }, t("groupsFound", { count: whole(total) })), list, foot]),
      first,
    );
  };
  place.append(first());
  return [heading(t("nav_duplicates"), t("duplicatesLead")), place];
}

async function groupCard(group, signal) {
  const found = await Promise.all(group.product_ids.slice(0, 12).map((id) => call(`v1/products/${encodeURIComponent(id)}`, { signal }).catch(() => null)));
  const products = found.filter(Boolean);
  const different = button(
    t("notDuplicates"),
    () =>
      busy(different, async () => {
        await decide(true);
        card.hidden = true;
        toast(t("markedDifferent"), { action: t("undo"), act: () => decide(false).then(() => (card.hidden = false)) });
      }),
    { kind: "small", symbol: "check" },
  );
  const decide = (distinct) => call("v1/duplicates/distinct", { method: "POST", json: { product_ids: group.product_ids, distinct } });
  const card = make(
    "section",
    { class: "card" },
    make(
      "header",
      {},
      make("div", { class: "row" }, make("span", { class: `badge ${group.why === "same_picture" ? "warn" : "info"}` }, t(`why_${group.why}`)), make("span", { class: "soft small-text number" }, t("alike", { share: percent(group.score) }))),
      different,
    ),
    make("div", { class: "lineup" }, ...products.map((product) => member(product, signal))),
  );
  return card;
}

function member(product, signal) {
  const small = product.pictures?.[0]?.thumbnail;
  const remove = button(t("delete"), () =>
    confirm(t("deleteTitle", { title: product.title }), t("deleteText"), t("delete"), async () => {
      await call(`v1/products/${encodeURIComponent(product.id)}`, { method: "DELETE", signal });
      element.remove();
      toast(t("deleted"));
    }), { kind: "small ghost", symbol: "trash" });
  const element = make(
    "article",
    { class: "member" },
    small ? make("img", { src: small.url, alt: "", width: "160", height: "160", loading: "lazy" }) : make("span", { class: "no-picture" }, icon("image")),
    make("h3", { dir: "auto", title: product.title }, product.title),
    make("p", { class: "soft small-text" }, [product.id, product.price && money(product.price)].filter(Boolean).join(" · ")),
    remove,
  );
  return element;
}
