from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import watch

from shopsight.api.problems import RULES
from shopsight.api.server import serving
from shopsight.catalog.database import sessions
from shopsight.catalog.keys import KeyStore
from shopsight.settings import Settings
from shopsight.wiring import Shop

HOSTILE = '<img src=x onerror=alert(1)>"hostile"'
PAGES = (
    "feeds",
    "products",
    "indexes",
    "quality",
    "usage",
    "duplicates",
    "brands",
    "access",
    "health",
)
OpenOffice = Callable[..., Page]
OF_THE_PAGE = (
    "((name) => import(new URL('../' + name, document.querySelector('[type=module]').src)))"
)
"""Imports a script as the page itself has it: its address names the version."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Shop]]:
    """Address of a server of a shop that has nothing yet, and the shop."""
    data = tmp_path_factory.mktemp("office")
    settings = Settings(data=data, encoder="thumbnail", threads=1)
    with Shop.open(settings=settings) as shop, serving(shop) as address:
        yield address, shop


@pytest.fixture
def open_office(browser: Browser, empty: tuple[str, Shop]) -> Iterator[OpenOffice]:
    """Opens the back office in a fresh profile; fails if the console showed an error."""
    contexts = []
    trouble: list[str] = []

    def open_one(*, locale: str = "en-GB", expected: str = "", **options: object) -> Page:
        context = browser.new_context(locale=locale, **options)  # type: ignore[arg-type]  # handed through
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)

        def note(text: str) -> None:
            if not expected or expected not in text:
                trouble.append(text)

        watch(page, note)
        page.goto(f"{empty[0]}/admin")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert trouble == []


@pytest.fixture(scope="module")
def secret(empty: tuple[str, Shop]) -> str:
    """The secret of an admin key of that shop."""
    return KeyStore(empty[1].database).create("office")[1]


@pytest.fixture(scope="module")
def export(sample_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a shop exports it: a table with a column of an odd name, and pictures."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "photos").mkdir()
    with (folder / "mugs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Nr", "title", "image_link", "price"])
        for number in range(1, 5):
            name = f"MUG00{number}.jpg"
            shutil.copy(sample_shop / "images" / name, folder / "photos" / name)
            row = [f"M{number}", f"Mug {number}", f"photos/{name}", f"{number}.50 EUR"]
            writer.writerow(row)
    return folder


def sign_in(page: Page, secret: str) -> None:
    """Sign in with a key."""
    page.get_by_label("Admin key").fill(secret)
    page.keyboard.press("Enter")


def test_from_an_empty_shop_to_a_search(
    open_office: OpenOffice, empty: tuple[str, Shop], export: Path
) -> None:
    """Key, feed, pictures, columns, job: with the back office alone, a photo finds its product."""
    page = open_office(expected="401")
    expect(page.get_by_text("shopsight keys create office")).to_be_visible()
    _key, secret = KeyStore(empty[1].database).create("first")
    page.get_by_role("button", name="I have a key").click()
    sign_in(page, "ss_wrong")
    expect(page.get_by_role("alert")).to_have_text("There is no such key, or it was revoked.")
    sign_in(page, secret)
    page.set_input_files("input[data-kind=feed]", export / "mugs.csv")
    page.set_input_files("input[data-kind=folder]", export / "photos")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Say below which column holds: Id.")).to_be_visible()
    page.get_by_label("The column Nr is").select_option("id")
    expect(page.get_by_text("All 4 picture files of the first products are here.")).to_be_visible()
    expect(page.get_by_role("region", name="The first products")).to_contain_text("Mug 3")
    page.get_by_role("button", name="Start indexing").click()
    job = page.locator(".job")
    expect(job.locator(".badge")).to_have_text("done", timeout=30_000)
    expect(job).to_contain_text("pictures indexed")
    job.get_by_role("link", name="Try a search").click()
    page.set_input_files("#photo", export / "photos" / "MUG002.jpg")
    expect(page.locator("product-card").first).to_contain_text("Mug 2")


def test_an_ended_session_costs_nothing(
    open_office: OpenOffice, empty: tuple[str, Shop], secret: str
) -> None:
    """When the session ends, the page asks for the key above what is shown, and then goes on."""
    page = open_office(expected="401")
    sign_in(page, secret)
    page.get_by_role("link", name="Access").click()
    page.get_by_role("button", name="Make a key").click()
    page.get_by_label("Name").fill("importer")
    with empty[1].database.begin() as connection:
        connection.execute(sessions.delete())
    page.locator("dialog form").get_by_role("button", name="Make a key").click()
    again = page.get_by_role("dialog", name="Sign in again")
    again.get_by_label("Admin key").fill(secret)
    again.get_by_role("button", name="Sign in").click()
    made = page.get_by_role("dialog", name="The key is made")
    assert made.get_by_label("Secret").input_value().startswith("ss_")
    made.get_by_role("button", name="Done").click()
    expect(page.get_by_role("region", name="Keys")).to_contain_text("importer")


def test_products_are_found_and_changed(
    open_office: OpenOffice, empty: tuple[str, Shop], secret: str, export: Path
) -> None:
    """A product is found by a word, changed, and stays changed; markup in titles stays text."""
    shop = empty[1]
    shop.index(export / "mugs.csv", mapping={"id": "Nr"})
    hostile = {"title": HOSTILE, "link": "javascript:alert(1)", "brand": HOSTILE}
    shop.put_products([shop.catalog.one("M4").model_copy(update=hostile)])
    page = open_office()
    sign_in(page, secret)
    page.get_by_role("link", name="Products").click()
    expect(page.get_by_role("region", name="Products")).to_contain_text(HOSTILE)
    page.get_by_role("searchbox").fill("mug 3")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Edit Mug 3").click()
    page.get_by_label("Sale price").fill("2,75")
    page.get_by_label("Availability").select_option("in_stock")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tbody tr")).to_contain_text("€2.75")
    product = shop.catalog.one("M3")
    assert str(product.sale_price and product.sale_price.amount) == "2.75"
    assert product.image_link == "photos/MUG003.jpg"


def test_a_brand_is_taught(
    open_office: OpenOffice, empty: tuple[str, Shop], secret: str, sample_shop: Path
) -> None:
    """A brand with another name, a site and a logo is kept, and can be forgotten."""
    page = open_office()
    sign_in(page, secret)
    page.get_by_role("link", name="Brands").click()
    page.get_by_role("button", name="Add a brand").click()
    page.get_by_role("textbox", name="Brand").fill("Kavoa & Söhne")
    page.get_by_label("Other names").fill("Kavoa Home\n\nKavoa")
    page.get_by_label("Site").fill("https://kavoa.example/shop")
    page.get_by_role("button", name="Save").click()
    row = page.get_by_role("region", name="Brands").locator("tbody tr")
    expect(row).to_contain_text("Kavoa Home, Kavoa")
    expect(row.get_by_role("link")).to_have_attribute("href", "https://kavoa.example/shop")
    page.set_input_files("tbody input[type=file]", sample_shop / "images" / "MUG001.jpg")
    expect(row.locator(".number")).to_have_text("1")
    row.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(page.get_by_text("No brands taught yet")).to_be_visible()
    assert empty[1].brands.all() == []


def test_every_page_speaks_chinese_on_a_phone(open_office: OpenOffice, secret: str) -> None:
    """On a phone that speaks Chinese every page has Chinese words and nothing sticks out."""
    page = open_office(locale="zh-CN", viewport={"width": 360, "height": 740})
    page.get_by_label("管理员密钥").fill(secret)
    page.keyboard.press("Enter")
    for name in PAGES:
        page.locator(f"nav a[href='#/{name}']").click()
        expect(page.locator("nav [aria-current]")).to_have_attribute("href", f"#/{name}")
        heading = page.locator("main h1")
        expect(heading).to_have_count(1)
        expect(page.locator("main [aria-busy]")).to_have_count(0)
        assert not (heading.text_content() or "A").isascii()
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(open_office: OpenOffice, secret: str, theme: str) -> None:
    """In both themes, no page of the back office has a serious or critical fault."""
    page = open_office(color_scheme=theme, reduced_motion="reduce")
    page.get_by_label("Admin key").wait_for()
    assert serious(page) == {}
    sign_in(page, secret)
    for name in PAGES:
        page.locator(f"nav a[href='#/{name}']").click()
        expect(page.locator("main h1")).to_have_count(1)
        expect(page.locator("main [aria-busy]")).to_have_count(0)
        assert serious(page) == {}, name


def serious(page: Page) -> dict[str, list[str]]:
    """Serious and critical faults that axe-core finds: rule -> elements."""
    found = Axe().run(page).response["violations"]
    return {
        fault["id"]: [node["html"][:200] for node in fault["nodes"]]
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    }


def test_failures_are_told_in_both_languages(open_office: OpenOffice) -> None:
    """What kind of failure it was is said in the reader's language, with the server's details."""
    reasons = sorted({rule.reason for rule in RULES.values()} - {"image"})
    script = f"""(all) => {OF_THE_PAGE}("admin/api.js").then(({{ ServerError }}) =>
        all.map(([status, reason]) => new ServerError(status, reason, "row 3").words))"""
    asked = [[400, reason] for reason in reasons]
    asked += [[422, "validation"], [422, "truncated"], [422, "not_found"], [418, "tea"]]
    english = dict(zip(map(tuple, asked), open_office().evaluate(script, asked), strict=True))
    chinese = open_office(locale="zh-CN").evaluate(script, asked)
    assert english[400, "feed"] == "The feed cannot be read: row 3"
    assert english[422, "not_found"] == "The picture cannot be used: row 3"
    assert [key for key in english if english[key] == "row 3"] == [(418, "tea")]
    assert all(re.search("[\u4e00-\u9fff]", words) for words in chinese)
    assert sum("row 3" in words for words in chinese) == sum("row 3" in w for w in english.values())


def test_all_words_of_the_office_exist_in_both_languages(open_office: OpenOffice) -> None:
    """No key is shown in place of words: both languages have the same keys, none empty."""
    page = open_office()
    languages = page.evaluate(f"{OF_THE_PAGE}('shared/i18n.js').then((words) => words.WORDS)")
    assert languages["en"].keys() == languages["zh"].keys() >= {"backOffice", "languageName"}
    assert all(all(words.values()) for words in languages.values())
