"""Times the way from an empty install to a search by photo, through the back office alone.

Does in a browser what a shop owner would do: signs in with a key, hands over a feed and its folder
of pictures, starts indexing, waits, and searches with a photo. The sample shop's, or
`python benchmarks/back_office.py --feed catalog.csv --pictures images --photo photo.jpg`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from shopsight.api.server import serving
from shopsight.catalog.keys import KeyStore
from shopsight.sample_shop import ROOT, SAMPLE_PHOTOS
from shopsight.settings import Settings
from shopsight.wiring import Shop

LONGEST_MS = 400_000


def main() -> None:
    """Measure and print JSON, in seconds since the browser was opened."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--feed", type=Path, default=ROOT / "catalog.csv")
    options.add_argument(
        "--pictures", type=Path, default=ROOT / "images", help="the folder that the feed names"
    )
    options.add_argument("--photo", type=Path, default=SAMPLE_PHOTOS[0], help="to search with")
    options.add_argument("--encoder", default=None, help="in place of the default")
    chosen = options.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium was found: install the package chromium.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data, sync_playwright() as play:
        named = {} if chosen.encoder is None else {"encoder": chosen.encoder}
        with (
            Shop.open(settings=Settings(data=Path(data), **named)) as shop,
            serving(shop) as address,
        ):
            secret = KeyStore(shop.database).create("office")[1]
            browser = play.chromium.launch(
                executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_context(locale="en-GB").new_page()
            page.set_default_timeout(LONGEST_MS)
            print(json.dumps(walk(page, address, secret, chosen), indent=2))
            page.wait_for_load_state("networkidle")
            browser.close()


def walk(page: Page, address: str, secret: str, chosen: argparse.Namespace) -> dict[str, object]:
    """Go the whole way; the moments, in seconds."""
    moments: dict[str, object] = {}
    start = time.perf_counter()

    def reached(what: str) -> None:
        moments[what] = round(time.perf_counter() - start, 1)

    page.goto(f"{address}/admin")
    page.get_by_label("Admin key").fill(secret)
    page.keyboard.press("Enter")
    page.set_input_files("input[data-kind=feed]", chosen.feed)
    page.set_input_files("input[data-kind=folder]", chosen.pictures)
    reached("files_chosen")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Start indexing").click()
    reached("uploaded_and_started")
    job = page.locator(".job")
    expect(job.locator(".badge")).to_have_text("done", timeout=LONGEST_MS)
    reached("indexed")
    job.get_by_role("link", name="Try a search").click()
    page.set_input_files("#photo", chosen.photo)
    page.locator("search-results:not([aria-busy]) product-card").first.wait_for()
    reached("searched")
    first = page.locator("product-card h3").first
    moments["first_result"] = first.inner_text()
    return moments


if __name__ == "__main__":
    main()
