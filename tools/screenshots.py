"""Takes the pictures in docs/images: the pages on a desktop and a phone, in two languages."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from shopsight.api.demo_shop import demo_shop
from shopsight.api.server import serving
from shopsight.catalog.events import Event, EventStore, EventType, SearchKind, SearchRecord
from shopsight.catalog.keys import KeyStore
from shopsight.sample_shop import ROOT, SAMPLE_PHOTOS
from shopsight.settings import Settings
from shopsight.wiring import Shop
from shopsight.wiring.feed_shelf import FeedShelf

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"
MAX_BYTES = 300_000
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Shot(NamedTuple):
    """One picture.

    Attributes:
        name: Name of the file, without its end.
        locale: Language of the browser.
        size: Width and height of the window in CSS pixels.
        phone: Behave like a phone, with a screen of twice the density.
        dark: The browser prefers dark pages.
        search: Search with the first sample photo.
        photo: Search with this photo of the sample shop in its place.
        words: Words to search with besides.
        press: Names of buttons to press then.
        widget: In the widget, in the demo's shop on another origin.
        product: Open the first hit at last.
        office: A page of the back office, such as ``usage``.
    """

    name: str
    locale: str = "en-GB"
    size: tuple[int, int] = (1280, 860)
    phone: bool = False
    dark: bool = False
    search: bool = True
    photo: str = ""
    words: str = ""
    press: tuple[str, ...] = ()
    widget: bool = False
    product: bool = False
    office: str = ""


PHONE = (390, 844)
SHOTS = [
    Shot("storefront"),
    Shot("storefront-start", search=False),
    Shot("storefront-dark", dark=True),
    Shot("storefront-zh", locale="zh-CN"),
    Shot("storefront-start-zh", locale="zh-CN", search=False),
    Shot("storefront-objects", photo="multi_02.jpg"),
    Shot("storefront-crop", photo="multi_02.jpg", press=("Crop",)),
    Shot("storefront-video", photo="../video/desk.mp4"),
    Shot("storefront-product", product=True),
    Shot("storefront-product-zh", locale="zh-CN", dark=True, product=True),
    Shot("storefront-words", words="this but in terracotta", press=("Filter",)),
    Shot("storefront-why", press=("Why?",)),
    Shot("phone", size=PHONE, phone=True),
    Shot("phone-start", size=PHONE, phone=True, search=False),
    Shot("phone-zh", locale="zh-CN", size=PHONE, phone=True),
    Shot("office", office="feeds/catalog"),
    Shot("office-products", office="products"),
    Shot("office-usage", office="usage"),
    Shot("office-usage-dark", office="usage", dark=True),
    Shot("office-zh", office="usage", locale="zh-CN"),
    Shot("office-phone-zh", office="products", locale="zh-CN", size=PHONE, phone=True),
    Shot("widget", widget=True, photo="multi_02.jpg"),
    Shot("widget-dark", widget=True, photo="MUG007_a.jpg", dark=True),
    Shot("widget-zh", widget=True, photo="multi_02.jpg", locale="zh-CN"),
    Shot("widget-phone", widget=True, photo="MUG007_a.jpg", size=PHONE, phone=True),
    Shot("widget-phone-start", widget=True, search=False, size=PHONE, phone=True),
    Shot("phone-dark", size=PHONE, phone=True, dark=True),
    Shot("phone-start-dark-zh", locale="zh-CN", size=PHONE, phone=True, dark=True, search=False),
    Shot("phone-product", size=PHONE, phone=True, product=True),
]


def main() -> None:
    """Serve the sample shop and take all pictures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=OUT, help="folder for the pictures")
    options.add_argument("--only", default="", help="take those whose names begin like this")
    options.add_argument("--encoder", default="lite", help="encoder of the shop")
    chosen = options.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium was found: install the package chromium.")
    chosen.out.mkdir(parents=True, exist_ok=True)
    samples = SAMPLE_PHOTOS
    with tempfile.TemporaryDirectory() as data, demo_shop(ROOT) as beside:
        settings = Settings(data=Path(data), encoder=chosen.encoder, cors_origins=[beside.address])
        with Shop.open(settings=settings) as shop:
            print(f"Indexing the sample shop into {data}")
            shop.index(ROOT / "catalog.csv")
            with serving(shop, samples=samples) as address, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                beside.search = address
                prepare_office(shop)
                _key, secret = KeyStore(shop.database).create("screenshots")
                for shot in SHOTS:
                    if not shot.name.startswith(chosen.only):
                        continue
                    path = chosen.out / f"{shot.name}.png"
                    page = beside.address if shot.widget else address
                    path.write_bytes(small_png(take(browser, page, shot, secret)))
                    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
                browser.close()


def take(browser: Browser, address: str, shot: Shot, secret: str) -> bytes:
    """Open the page, search if wanted, and take a picture of the window as PNG."""
    context = browser.new_context(
        viewport={"width": shot.size[0], "height": shot.size[1]},
        locale=shot.locale,
        color_scheme="dark" if shot.dark else "light",
        device_scale_factor=2 if shot.phone else 1,
        is_mobile=shot.phone,
        has_touch=shot.phone,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{address}/admin#/{shot.office}" if shot.office else address)
    if shot.office:
        open_office(page, secret)
    elif shot.widget:
        open_widget(page, shot)
    else:
        page.locator("sample-photos button").last.wait_for()
        if shot.search:
            search(page, shot)
    wait_for_pictures(page)
    picture = page.screenshot(type="png")
    context.close()
    return picture


def search(page: Page, shot: Shot) -> None:
    """Ask what the picture is to show, and wait for the answer."""
    answered = page.locator("search-results:not([aria-busy]) product-card").last
    if shot.photo:
        page.set_input_files("#photo", ROOT / "photos" / shot.photo)
    else:
        page.locator("sample-photos button").first.click()
    answered.wait_for(state="attached")
    # What is recognised comes a little later than what is alike.
    page.locator("recognised-things .awaited").first.wait_for(state="detached")
    if shot.words:
        page.fill("#words", shot.words)
        page.keyboard.press("Enter")
        answered.wait_for(state="attached")
    for name in shot.press:
        page.get_by_role("button", name=name).first.click()
    if shot.product:
        page.locator("product-card h3 a").first.click()
        page.locator(".related product-card").last.wait_for()
    if page.get_by_role("dialog").count():
        page.locator("dialog img").last.wait_for()
    page.mouse.move(0, 0)


def prepare_office(shop: Shop) -> None:
    """Give the back office a kept feed, and a month of made-up searches and clicks."""
    shelf = FeedShelf(shop.settings, shop.database)
    with tempfile.TemporaryDirectory() as folder:
        shelf.put_file("catalog", Path(shutil.copy(ROOT / "catalog.csv", folder)), "catalog.csv")
        archive = shutil.make_archive(f"{folder}/pictures", "zip", ROOT, "images")
        shelf.put_pictures(shelf.store.get("catalog"), Path(archive))
    chance = random.Random(7)
    products = [product.id for product in shop.catalog.page(limit=24)]
    words = ["red mug", "tote bag", "unicorn lamp", "velvet sofa", "black t-shirt"]
    searches, events = [], []
    for number in range(1800):
        at = time.time() - 86_400 * 29 * chance.random() ** 1.3
        kind = chance.choices(list(SearchKind), (55, 15, 22, 6, 2))[0]
        text = chance.choice(words) if kind is SearchKind.WORDS else None
        lost = chance.random() < (0.5 if text in {"unicorn lamp", "velvet sofa"} else 0.07)
        searches.append(SearchRecord(f"q{number}", at, kind, text, 10, lost, 30.0))
        if not lost and chance.random() < 0.6:
            place = min(12, 1 + int(chance.expovariate(0.45)))
            one = products[int(len(products) * chance.random() ** 2)]
            events.append(Event(at, EventType.PRODUCT_CLICK, one, f"q{number}", place))
            for kind_after, share in ((EventType.ADD_TO_CART, 0.25), (EventType.PURCHASE, 0.1)):
                if chance.random() < share:
                    events.append(Event(at, kind_after, one, f"q{number}", place))
    EventStore(shop.database).add(events, searches)


def open_office(page: Page, secret: str) -> None:
    """Sign in to the back office, and wait until its page is complete."""
    page.locator(".sign-in input[type=password]").fill(secret)
    page.keyboard.press("Enter")
    page.locator("main h1").wait_for()
    page.locator("main :is(.table, .figures)").first.wait_for()
    page.locator("main [aria-busy]").first.wait_for(state="detached")


def open_widget(page: Page, shot: Shot) -> None:
    """Open the widget's panel in the shop's page, and search in it if that is wanted."""
    page.locator(".goods img").last.wait_for()
    page.locator("shopsight-widget button").first.click()
    if shot.search:
        field = page.locator("shopsight-widget input[type=file]").first
        field.set_input_files(ROOT / "photos" / shot.photo)
        pictures = page.locator("shopsight-widget .hits img")
        pictures.first.wait_for()
        for number in range(min(8, pictures.count())):
            pictures.nth(number).evaluate("(image) => (image.loading = 'eager', image.decode())")


def wait_for_pictures(page: Page) -> None:
    """Wait until every picture in the window has been drawn."""
    # Not wait_for_function: the page's policy forbids the evaluation that it needs.
    page.evaluate(
        """() => Promise.all([...document.images]
            .filter((image) => image.checkVisibility())
            .filter((image) => image.getBoundingClientRect().top < innerHeight)
            .map((image) => image.decode().catch(() => {})))"""
    )
    page.wait_for_timeout(300)


def small_png(png: bytes) -> bytes:
    """The picture with as many colours as fit into the limit for files of this repository."""
    with Image.open(BytesIO(png)) as image:
        picture = image.convert("RGB")
    for colors in (256, 160, 96, 64):
        palette = picture.quantize(colors, method=Image.Quantize.MEDIANCUT, kmeans=2)
        target = BytesIO()
        dithered = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        dithered.save(target, "PNG", optimize=True)
        if target.tell() <= MAX_BYTES:
            break
    return target.getvalue()


if __name__ == "__main__":
    main()
