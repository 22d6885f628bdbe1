/** Who may call: keys, and origins of other pages. */

import { call } from "./api.js";
import { banner, busy, button, card, confirm, field, heading, later, moment, table, wordsOf } from "./parts.js";
import { makeDialog } from "../shared/dialog.js";
import { make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";
import { toast } from "../shared/toast.js";

/** The page. */
export function page(signal) {
  return [heading(t("nav_access"), t("accessLead")), keys(signal), origins(signal)];
}

function keys(signal) {
  const place = make("div", { class: "stack" });
  const show = () => place.replaceChildren(later(call("v1/keys", { signal }), ({ keys: found }) => list(found), () => (show(), document.createTextNode(""))));
  const list = (found) => {
    const rows = found.map((key) => [key.name, make("span", { class: `badge ${key.scope === "admin" ? "accent" : ""}` }, t(`scope_${key.scope}`)), moment(key.created_at), moment(key.last_used_at), revoke(key, found)]);
    return table(t("keys"), [{ title: t("keyName") }, { title: t("scope") }, { title: t("made") }, { title: t("lastUsed") }, { title: "" }], rows);
  };
  const revoke = (key, found) => {
    const last = key.scope === "admin" && found.filter(({ scope }) => scope === "admin").length === 1;
    const text = last ? t("revokeLast") : t("revokeText");
    return button(t("revoke"), () => confirm(t("revokeTitle", { name: key.name }), text, t("revoke"), async () => (await call(`v1/keys/${key.id}`, { method: "DELETE", signal }), show())), { kind: "small ghost", "aria-label": t("revokeTitle", { name: key.name }) });
  };
  show();
  const add = button(t("makeKey"), () => keyDialog(show), { symbol: "plus" });
  const whole = card(t("keys"), place);
  whole.querySelector("header").append(add);
  return whole;
}

function keyDialog(done) {
  const { dialog, fill } = makeDialog({ narrow: true, closed: () => (dialog.remove(), done()) });
  const name = make("input", { class: "input", maxlength: "200", required: true });
  const scope = make("select", { class: "input" }, ...["admin", "search"].map((one) => make("option", { value: one }, t(`scope_${one}`))));
  const error = make("p", { class: "error", role: "alert" });
  const save = make("button", { class: "button primary", type: "submit" }, t("makeKey"));
  const submit = (event) => {
    event.preventDefault();
    busy(save, async () => {
      try {
        const made = await call("v1/keys", { method: "POST", json: { name: name.value, scope: scope.value } });
        fill(t("keyMade"), ...secret(made.secret, dialog));
      } catch (failure) {
        error.textContent = wordsOf(failure);
      }
    });
  };
  fill(t("makeKey"), make("form", { class: "stack", submit }, field(t("keyName"), name, t("keyNameHint")), field(t("scope"), scope), error, make("div", { class: "row end" }, button(t("cancel"), () => dialog.close()), save)));
  dialog.showModal();
  name.focus();
}

function secret(text, dialog) {
  const shown = make("input", { class: "input mono", readonly: true, value: text, "aria-label": t("secret") });
  const copy = button(t("copy"), async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(t("copied"));
    } catch {
      shown.select(); // the clipboard is closed on pages without TLS
    }
  });
  return [make("div", { class: "stack" }, banner("warn", make("p", {}, t("secretOnce"))), make("div", { class: "row grow" }, shown, copy), make("div", { class: "row end" }, button(t("done"), () => dialog.close(), { kind: "primary" })))];
}

function origins(signal) {
  const content = ({ environment, origins: found }) => {
    const input = make("textarea", { class: "input mono", rows: "4", spellcheck: "false", placeholder: "https://shop.example" }, found.join("\n"));
    const error = make("p", { class: "error", role: "alert" });
    const save = button(
      t("save"),
      () =>
        busy(save, async () => {
          error.textContent = "";
          try {
            const lines = input.value.split(/\s+/).filter(Boolean);
            const kept = await call("v1/settings/origins", { method: "PUT", json: { origins: lines }, signal });
            input.value = kept.origins.join("\n");
            toast(t("saved"));
          } catch (failure) {
            error.textContent = wordsOf(failure);
          }
        }),
      { kind: "primary" },
    );
    return [
      field(t("originsLabel"), input, t("originsHint")),
      environment.length > 0 && make("p", { class: "hint" }, t("originsFixed", { list: environment.join(", ") })),
      error,
      make("div", { class: "row end" }, save),
    ];
  };
  const show = () => later(call("v1/settings/origins", { signal }), content, show);
  return card(t("origins"), show());
}
