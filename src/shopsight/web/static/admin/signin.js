/** Signing in: a page for who comes, a dialog for whose session has ended. */

import { session, signIn } from "./api.js";
import { field, note, wordsOf, busy } from "./parts.js";
import { makeDialog } from "../shared/dialog.js";
import { icon, make } from "../shared/elements.js";
import { t } from "../shared/i18n.js";

/** The form. `done` is called once it worked. */
function form(done) {
  const key = make("input", { class: "input", type: "password", autocomplete: "current-password", required: true, spellcheck: "false", maxlength: "200" });
  const user = make("input", { class: "visually-hidden", type: "text", autocomplete: "username", value: "shopsight", tabindex: "-1", "aria-hidden": "true", readonly: true });
  const error = make("p", { class: "error", role: "alert" });
  const send = make("button", { class: "button primary", type: "submit" }, t("signIn"));
  const submit = (event) => {
    event.preventDefault();
    error.textContent = "";
    key.removeAttribute("aria-invalid");
    busy(send, async () => {
      try {
        done(await signIn(key.value.trim()));
      } catch (failure) {
        error.textContent = wordsOf(failure);
        key.setAttribute("aria-invalid", "true");
        key.select();
      }
    });
  };
  return make("form", { class: "stack", submit }, user, field(t("adminKey"), key, t("adminKeyHint")), error, send);
}

/**
 * The page for who is not signed in.
 * @param {boolean} hasKeys whether there is any key
 * @param {(session: object) => void} done
 */
export function signInPage(hasKeys, done) {
  if (hasKeys) {
    return make(
      "section",
      { class: "card sign-in" },
      make("span", { class: "emblem" }, icon("key")),
      make("h1", {}, t("signInTitle")),
      make("p", { class: "soft" }, t("signInLead")),
      form(done),
    );
  }
  const again = make("button", { type: "button", class: "button primary" }, icon("refresh"), t("lookAgain"));
  again.addEventListener("click", () =>
    busy(again, async () => {
      const found = await session();
      if (found.has_keys) page.replaceWith(signInPage(true, done));
    }),
  );
  const page = make(
    "section",
    { class: "card sign-in" },
    note("key", t("noKeysTitle"), t("noKeysLead"), make("pre", { class: "command", tabindex: "0" }, make("code", {}, "shopsight keys create office")), again),
  );
  return page;
}

let asking = null;

/** Ask to sign in again, above whatever is shown; the promise is kept once that worked, however many wait for it. */
export function askAgain() {
  asking ??= new Promise((resolve, reject) => {
    let signed = false;
    const closed = () => {
      dialog.remove();
      asking = null;
      if (signed) resolve();
      else reject(new DOMException("not signed in", "AbortError"));
    };
    const { dialog, fill } = makeDialog({ narrow: true, closed });
    const done = () => {
      signed = true;
      dialog.close();
    };
    fill(t("sessionEnded"), make("p", { class: "soft" }, t("sessionEndedLead")), form(done));
    dialog.showModal();
    dialog.querySelector("input[type=password]").focus();
  });
  return asking;
}
