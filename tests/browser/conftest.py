from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from shopsight.api.server import serving
from shopsight.catalog.reviews import Review, ReviewStore
from shopsight.settings import Settings
from shopsight.wiring import Shop

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = '<img src=x onerror=alert(1)><b>Bold</b> & "quoted"'
SHOWN = ("MUG001", "MUG002", "BOT009", "CHA034", "TOT074", "LAM024", "CLO104", "TSH085")
"""Products whose catalogue pictures are the sample photos: the small encoder knows those."""


def chromium() -> str:
    """The system's Chromium; without it, the test is skipped."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("needs Chromium: install the package chromium to run the tests of the pages")
    return path


def watch(page: Page, note: Callable[[str], object], *, warnings: bool = False) -> None:
    """Tell of what a page must not do: errors in the console, uncaught ones, and dialogs."""
    wrong = {"error", "warning"} if warnings else {"error"}
    page.on("console", lambda message: message.type in wrong and note(message.text))
    page.on("pageerror", lambda error: note(str(error)))
    page.on("dialog", lambda dialog: (note(f"dialog: {dialog.message}"), dialog.dismiss()))


# Playwright runs an event loop in this thread: ended with each file, it is in nobody's way.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(sample_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server of the sample shop, one of whose titles tries to be a program."""
    folder = tmp_path_factory.mktemp("browser")
    with (sample_shop / "catalog.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    with (folder / "catalog.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, rows[0])
        writer.writeheader()
        for row in rows:
            row["image_link"] = str(sample_shop / row["image_link"])
            row["additional_image_link"] = ""
            writer.writerow(row)
    settings = Settings(data=folder / "data", encoder="thumbnail", threads=1, calibrate=False)
    samples = [sample_shop / "images" / f"{product_id}.jpg" for product_id in SHOWN]
    with Shop.open(settings=settings) as shop:
        shop.index(folder / "catalog.csv", image_root=sample_shop)
        hostile = {"title": HOSTILE, "link": "javascript:alert(1)", "brand": HOSTILE}
        shop.put_products([shop.catalog.one("MUG002").model_copy(update=hostile)])
        said = [
            Review(product_id="BOT009", rating=4, title="<b>Good</b>", review=f"For {days} days.")
            for days in range(1, 8)
        ]
        ReviewStore(shop.database).add(said)
        with serving(shop, samples=samples) as address:
            yield address


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Opens the page in a fresh profile; fails at the end if the console showed an error."""
    contexts = []
    trouble: list[str] = []

    def open_one(locale: str = "en-GB", *, expected: str = "", **options: object) -> Page:
        context = browser.new_context(locale=locale, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)

        def note(text: str) -> None:
            if not expected or expected not in text:
                trouble.append(text)

        watch(page, note)
        page.goto(address)
        page.wait_for_selector("sample-photos button")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert trouble == []
