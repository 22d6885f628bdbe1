/** Products: find, change, add, delete. */

import { call } from "./api.js";
import { fieldName } from "./feed.js";
import { busy, button, confirm, field, heading, note, table, whole, wordsOf } from "./parts.js";
import { makeDialog } from "../shared/dialog.js";
import { icon, make } from "../shared/elements.js";
import { money } from "../shared/format.js";
import { t } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";

const PAGE = 50;
const WAIT_MS = 250;
const TEXTS = ["title", "brand", "product_type", "item_group_id", "gtin", "link", "image_link"];
const STOCKS = ["", "in_stock", "out_of_stock", "preorder", "backorder"];
const SHADES = { in_stock: "good", out_of_stock: "danger", preorder: "info", backorder: "warn" };

/** The page. */
export function page(signal) {
  const list = make("div", { class: "stack" });
  const query = make("input", { class: "input", type: "search", placeholder: t("findProducts"), "aria-label": t("findProducts"), maxlength: "200" });
  const before = []; // where the pages before this one begin
  let after = "";
  let timer = 0;
  let asked = new AbortController();

  async function show() {
    asked.abort();
    asked = new AbortController();
    list.setAttribute("aria-busy", "true");
    const q = query.value.trim();
    try {
      const found = await call(`v1/products?limit=${PAGE}&after=${encodeURIComponent(after)}&q=${encodeURIComponent(q)}`, { signal: AbortSignal.any([signal, asked.signal]) });
      list.replaceChildren(...content(found, q));
    } catch (error) {
      if (error.name === "AbortError") return;
      list.replaceChildren(note("alert", t("failed"), wordsOf(error), button(t("retry"), show)));
    }
    list.removeAttribute("aria-busy");
  }

  function content({ products, next }, q) {
    if (products.length === 0) {
      return [q ? note("search", t("noProductsFound"), t("noProductsFoundLead")) : note("box", t("noProducts"), t("noProductsLead"), make("a", { class: "button primary", href: "#/feeds" }, t("bringIn")))];
    }
    const rows = products.map((one) => [picture(one), name(one), one.id, price(one), stock(one), one.brand, edit(one)]);
    const columns = [{ title: t("picture") }, { title: fieldName("title") }, { title: fieldName("id") }, { title: fieldName("price"), number: true }, { title: fieldName("availability") }, { title: fieldName("brand") }, { title: "" }];
    const back = button(t("previous"), () => ((after = before.pop() ?? ""), show()), { kind: "small", symbol: "back" });
    const on = button(t("following"), () => (before.push(after), (after = next), show()), { kind: "small", symbol: "forward" });
    back.disabled = before.length === 0;
    on.disabled = !next;
    const place = t("shownProducts", { from: whole(before.length * PAGE + 1), to: whole(before.length * PAGE + products.length) });
    return [table(t("nav_products"), columns, rows), make("div", { class: "row between" }, make("p", { class: "soft small-text", role: "status" }, place), make("div", { class: "row" }, back, on))];
  }

  function edit(product) {
    return make("button", { type: "button", class: "button small square ghost", "aria-label": t("editProduct", { title: product.title }), title: t("edit"), click: () => editor(product, show) }, icon("edit"));
  }

  query.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      after = "";
      before.length = 0;
      show();
    }, WAIT_MS);
  });
  show();
  return [heading(t("nav_products"), t("productsLead"), button(t("addProduct"), () => editor(null, show), { symbol: "plus", kind: "primary" })), query, list];
}

function picture(product) {
  const small = product.pictures?.[0]?.thumbnail;
  if (!small) return make("span", { class: "no-picture", title: t("noPicture") }, icon("image"));
  return make("img", { class: "mini", src: small.url, alt: "", width: "44", height: "44", loading: "lazy" });
}

function name(product) {
  return make("span", { class: "cut wide", title: product.title }, product.title);
}

function price({ price: full, sale_price: sale }) {
  if (!full) return "–";
  if (!sale) return money(full);
  return make("span", {}, make("s", { class: "soft" }, money(full)), " ", make("strong", {}, money(sale)));
}

function stock({ availability, stock: pieces }) {
  if (!availability) return pieces == null ? "–" : whole(pieces);
  return make("span", { class: `badge ${SHADES[availability]}` }, t(availability), pieces == null ? "" : ` · ${whole(pieces)}`);
}

/** The dialog in which a product is changed, or made. */
function editor(product, done) {
  const { dialog, fill } = makeDialog({ closed: () => dialog.remove() });
  const error = make("p", { class: "error", role: "alert" });
  const old = product ?? { id: "", attributes: {} };
  const controls = { id: make("input", { class: "input", maxlength: "200", required: true, value: old.id, readonly: Boolean(product) }) };
  for (const key of TEXTS) controls[key] = make("input", { class: "input", maxlength: key.includes("link") ? "4000" : "1000", value: old[key] ?? "", required: key === "title" || key === "image_link", dir: "auto" });
  controls.description = make("textarea", { class: "input", maxlength: "20000", dir: "auto" }, old.description ?? "");
  controls.price = amount(old.price);
  controls.sale_price = amount(old.sale_price);
  controls.currency = make("input", { class: "input currency", maxlength: "3", pattern: "[A-Za-z]{3}", value: (old.price ?? old.sale_price)?.currency ?? "EUR" });
  controls.stock = make("input", { class: "input", type: "number", min: "0", step: "1", value: old.stock ?? "" });
  controls.availability = make("select", { class: "input" }, ...STOCKS.map((one) => make("option", { value: one }, one ? t(one) : "–")));
  controls.availability.value = old.availability ?? "";
  const shown = ["title", "id", "price", "sale_price", "currency", "availability", "stock", "brand", "product_type", "item_group_id", "gtin", "link", "image_link", "description"];
  const wide = ["title", "link", "image_link", "description"];
  const grid = make("div", { class: "form-grid" }, ...shown.map((key) => {
    const one = field(fieldName(key), controls[key]);
    if (wide.includes(key)) one.classList.add("whole");
    return one;
  }));
  const save = make("button", { class: "button primary", type: "submit" }, t("save"));
  const remove = product && button(t("delete"), () => confirm(t("deleteTitle", { title: product.title }), t("deleteText"), t("delete"), async () => {
    await call(`v1/products/${encodeURIComponent(product.id)}`, { method: "DELETE" });
    dialog.close();
    toast(t("deleted"));
    done();
  }), { kind: "ghost", symbol: "trash" });
  const submit = (event) => {
    event.preventDefault();
    error.textContent = "";
    busy(save, async () => {
      try {
        await call(`v1/products/${encodeURIComponent(controls.id.value.trim())}`, { method: "PUT", json: filled(old, controls) });
        dialog.close();
        toast(t("saved"));
        done();
      } catch (failure) {
        error.textContent = wordsOf(failure);
      }
    });
  };
  const form = make("form", { class: "stack", submit }, grid, error, make("div", { class: "row between" }, remove || make("span"), make("div", { class: "row" }, button(t("cancel"), () => dialog.close()), save)));
  fill(product ? product.title : t("addProduct"), form);
  dialog.showModal();
}

function amount(price) {
  return make("input", { class: "input", inputmode: "decimal", pattern: "[0-9]+([.,][0-9]{1,4})?", value: price?.amount ?? "" });
}

function filled(old, controls) {
  const value = (key) => controls[key].value.trim();
  const currency = value("currency").toUpperCase();
  const priced = (key) => (value(key) ? { amount: value(key).replace(",", "."), currency } : null);
  const product = { ...old, id: value("id"), description: value("description"), price: priced("price"), sale_price: priced("sale_price") };
  for (const key of TEXTS) product[key] = value(key);
  product.availability = value("availability") || null;
  product.stock = value("stock") === "" ? null : Number(value("stock"));
  delete product.pictures;
  return product;
}
