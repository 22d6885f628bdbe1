/** Brands: their other names, their sites, and the logos that they are known by. */

import { call, upload } from "./api.js";
import { busy, button, card, confirm, field, heading, later, note, table, whole, wordsOf } from "./parts.js";
import { labelled } from "./pictures.js";
import { makeDialog } from "../shared/dialog.js";
import { make, webLink } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";

const path = (name) => `v1/brands/${encodeURIComponent(name)}`;

/** The page. */
export function page(signal) {
  const place = make("div", { class: "stack" });
  const show = () => place.replaceChildren(later(call("v1/brands", { signal }), ({ brands }) => list(brands), () => (show(), document.createTextNode(""))));
  const list = (brands) => {
    if (brands.length === 0) return note("tag", t("noBrands"), t("noBrandsLead"));
    const rows = brands.map((brand) => [brand.name, brand.aliases.join(", ") || "–", site(brand.website), whole(brand.examples), actions(brand)]);
    const columns = [{ title: t("field_brand") }, { title: t("aliases") }, { title: t("website") }, { title: t("logos"), number: true }, { title: "" }];
    return card("", table(t("nav_brands"), columns, rows));
  };
  const actions = (brand) => {
    const edit = button(t("edit"), () => brandDialog(brand, show), { kind: "small", "aria-label": t("editProduct", { title: brand.name }) });
    const forget = button(t("forget"), () => confirm(t("forgetBrand", { name: brand.name }), t("forgetBrandText"), t("forget"), async () => (await call(path(brand.name), { method: "DELETE", signal }), show())), { kind: "small ghost" });
    return make("div", { class: "row end" }, logo(brand), edit, forget);
  };
  const logo = (brand) => {
    const input = make("input", { type: "file", class: "visually-hidden", accept: "image/*", "aria-label": t("addLogoTo", { name: brand.name }) });
    input.addEventListener("change", () => busy(input, async () => {
      const form = new FormData();
      form.set("image", input.files[0]);
      const { added } = await upload(`${path(brand.name)}/examples`, form, { method: "POST", signal });
      toast(t(added ? "logoAdded" : "logoKnown"));
      show();
    }));
    return labelled(input, "image", t("addLogo"), "small");
  };
  show();
  return [heading(t("nav_brands"), t("brandsLead"), button(t("addBrand"), () => brandDialog(null, show), { symbol: "plus", kind: "primary" })), place];
}

function site(address) {
  const link = webLink(address);
  return link ? make("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, new URL(link).hostname) : "–";
}

function brandDialog(brand, done) {
  const { dialog, fill } = makeDialog({ narrow: true, closed: () => dialog.remove() });
  const name = make("input", { class: "input", maxlength: "200", required: true, value: brand?.name ?? "", readonly: Boolean(brand) });
  const aliases = make("textarea", { class: "input", rows: "3" }, (brand?.aliases ?? []).join("\n"));
  const website = make("input", { class: "input", type: "url", maxlength: "2000", value: brand?.website ?? "", placeholder: "https://" });
  const error = make("p", { class: "error", role: "alert" });
  const save = make("button", { class: "button primary", type: "submit" }, t("save"));
  const submit = (event) => {
    event.preventDefault();
    error.textContent = "";
    busy(save, async () => {
      try {
        const others = aliases.value.split("\n").map((line) => line.trim()).filter(Boolean);
        await call(path(name.value.trim()), { method: "PUT", json: { aliases: others, website: website.value.trim() } });
        dialog.close();
        toast(t("saved"));
        done();
      } catch (failure) {
        error.textContent = wordsOf(failure);
      }
    });
  };
  fill(brand ? brand.name : t("addBrand"), make("form", { class: "stack", submit }, field(t("field_brand"), name), field(t("aliases"), aliases, t("aliasesHint")), field(t("website"), website), error, make("div", { class: "row end" }, button(t("cancel"), () => dialog.close()), save)));
  dialog.showModal();
}
