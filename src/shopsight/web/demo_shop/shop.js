/** A small shop of one page: a list of goods, and a view of each, at addresses like #/MUG001. */

const asked = new URLSearchParams(location.search); // ?lang=zh&theme=dark
const language = (asked.get("lang") ?? navigator.language).startsWith("zh") ? "zh" : "en";
document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
if (asked.has("theme")) document.documentElement.dataset.theme = asked.get("theme");

const WORDS = {
  en: {
    headline: "Things that last",
    lead: "Stoneware, lamps, chairs and cloth from small workshops. Seen something you like elsewhere? Tap the camera in the search field.",
    all: "All goods",
    basket: "Put into the basket",
  },
  zh: {
    headline: "经得起岁月的好物",
    lead: "来自小作坊的陶器、灯具、椅子与织物。在别处看到喜欢的？点一下搜索框里的相机。",
    all: "全部商品",
    basket: "加入购物篮",
  },
}[language];

const main = document.querySelector("#main");

for (const element of document.querySelectorAll("[data-en]")) {
  const text = element.dataset[language];
  if (element instanceof HTMLInputElement) element.placeholder = text;
  else element.textContent = text;
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function titleOf(product) {
  return language === "zh" ? product.title_zh : product.title;
}

function priceOf(product) {
  const [amount, currency] = (product.sale_price || product.price).split(" ");
  return new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency }).format(amount);
}

function picture(product, loading) {
  return make("img", { src: product.image_link, alt: "", width: 480, height: 480, loading });
}

function list(products, words) {
  const fits = (product) => words.every((word) => `${titleOf(product)} ${product.brand}`.toLowerCase().includes(word));
  const goods = products.filter(fits).slice(0, words.length ? 48 : 16).map((product) =>
    make(
      "li",
      {},
      make("a", { href: `#/${product.id}` }, picture(product, "lazy"), make("h2", {}, titleOf(product)), make("span", {}, priceOf(product))),
    ),
  );
  main.replaceChildren(
    make("section", { class: "hero" }, make("h1", {}, WORDS.headline), make("p", {}, WORDS.lead)),
    make("ul", { class: "goods", role: "list" }, ...goods),
  );
}

function one(product) {
  const text = language === "zh" ? product.description_zh : product.description;
  main.replaceChildren(
    make(
      "article",
      { class: "one" },
      make("a", { class: "back", href: "#/" }, `← ${WORDS.all}`),
      picture(product, "eager"),
      make(
        "div",
        {},
        make("p", { class: "maker" }, product.brand),
        make("h1", {}, titleOf(product)),
        make("p", { class: "cost" }, priceOf(product)),
        make("p", {}, text),
        make("button", { type: "button" }, WORDS.basket),
      ),
    ),
  );
}

const products = fetch("catalog.json").then((response) => response.json());
const field = document.querySelector("#q");


async function show() {
  const all = await products;
  const id = decodeURIComponent(location.hash.slice(2));
  const product = all.find((each) => each.id === id);
  if (product) one(product);
  else list(all, field.value.toLowerCase().split(/\s+/).filter(Boolean));
}

addEventListener("hashchange", () => {
  show().then(() => scrollTo(0, 0));
});

document.querySelector(".find").addEventListener("submit", (event) => {
  event.preventDefault();
  if (location.hash.length > 2) location.hash = "#/";
  else show();
});

// A shop of one page shows the product itself instead of following its link.
document.addEventListener("shopsight:select", (event) => {
  if (event.detail.elsewhere) return;
  event.preventDefault();
  location.hash = `#/${encodeURIComponent(event.detail.product.id)}`;
});

show();
