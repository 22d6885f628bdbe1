/** The back office: who is there, which page is shown. */

import "./texts.js";
import "../shared/switches.js";
import { session, signOut, whenSignedOut } from "./api.js";
import { button, complain, later, note, wordsOf } from "./parts.js";
import { askAgain, signInPage } from "./signin.js";
import { icon, make } from "../shared/elements.js";
import { t, translatePage } from "../shared/i18n.js";

/** Pages: their module, whose `page(signal, ...rest)` gives what is shown, and their drawing. */
const PAGES = {
  feeds: { load: () => import("./feeds.js"), symbol: "upload" },
  products: { load: () => import("./products.js"), symbol: "box" },
  indexes: { load: () => import("./indexes.js"), symbol: "gear" },
  quality: { load: () => import("./quality.js"), symbol: "check" },
  usage: { load: () => import("./usage.js"), symbol: "chart" },
  duplicates: { load: () => import("./duplicates.js"), symbol: "image" },
  brands: { load: () => import("./brands.js"), symbol: "tag" },
  access: { load: () => import("./access.js"), symbol: "key" },
  health: { load: () => import("./health.js"), symbol: "clock" },
};

const main = document.querySelector("main");
const nav = document.querySelector("nav-list");
const leave = document.querySelector("#leave");

let signedIn = false;
let shown = new AbortController(); // ends what the present page still asks for

class NavList extends HTMLElement {
  connectedCallback() {
    document.addEventListener("language", () => this.show(this.dataset.now ?? ""));
  }

  /** Mark the page that is shown. */
  show(now) {
    this.dataset.now = now;
    const links = Object.entries(PAGES).map(([name, { symbol }]) =>
      make("li", {}, make("a", { href: `#/${name}`, "aria-current": name === now ? "page" : null }, icon(symbol), make("span", {}, t(`nav_${name}`)))),
    );
    this.replaceChildren(make("nav", { "aria-label": t("navigation") }, make("ul", { role: "list" }, ...links)));
    // Only this list scrolls, not the page with it.
    const link = this.querySelector("[aria-current]");
    const list = this.querySelector("ul");
    if (link) list.scrollLeft = link.offsetLeft - list.clientWidth / 2 + link.offsetWidth / 2;
  }
}

customElements.define("nav-list", NavList);

/** Name and rest of the address after the hash: `#/feeds/catalog` is ["feeds", "catalog"]. */
function place() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return Object.hasOwn(PAGES, name) ? [name, ...rest] : ["feeds"];
}

function show({ moved = false } = {}) {
  shown.abort();
  shown = new AbortController();
  nav.hidden = leave.hidden = !signedIn;
  if (!signedIn) return;
  const { signal } = shown;
  const [name, ...rest] = place();
  document.title = `${t(`nav_${name}`)} · Shopsight`;
  nav.show(name);
  main.replaceChildren(later(PAGES[name].load(), (module) => module.page(signal, ...rest)));
  if (moved) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function nameLeaving() {
  leave.title = t("signOut");
  leave.setAttribute("aria-label", t("signOut"));
  leave.replaceChildren(icon("logout"));
}

function welcome() {
  signedIn = true;
  show();
}

async function start() {
  translatePage();
  nameLeaving();
  try {
    const found = await session();
    if (found.signed_in) welcome();
    else showSignIn(found.has_keys);
  } catch (error) {
    main.replaceChildren(note("alert", t("failed"), wordsOf(error), button(t("retry"), start)));
  }
}

function showSignIn(hasKeys) {
  signedIn = false;
  show();
  document.title = `${t("signIn")} · Shopsight`;
  main.replaceChildren(signInPage(hasKeys, welcome));
  main.querySelector("input[type=password]")?.focus();
}

whenSignedOut(askAgain);
leave.addEventListener("click", () => signOut().then(() => showSignIn(true)).catch(complain));
addEventListener("hashchange", () => show({ moved: true }));
document.addEventListener("language", () => {
  nameLeaving();
  if (signedIn) show();
  else start();
});
start();
