"""Weighs and times the storefront as a browser sees it: bytes, requests, first paint, shifts.

Serves the sample shop, opens its page in a fresh browser, searches with a photo, opens a product,
and prints what the browser's own performance interface says.
`python benchmarks/storefront.py --camera-s 60` also counts the searches of the live camera and
watches its memory.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import av
from playwright.sync_api import Browser, Page, sync_playwright

from shopsight.api.routes.pages import WEB
from shopsight.api.server import serving
from shopsight.sample_shop import ROOT, SAMPLE_PHOTOS
from shopsight.settings import Settings
from shopsight.wiring import Shop

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
HELD_FRAMES = 15  # of 30 a second
WATCH = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
TOLD = """() => {
  const kinds = ["navigation", "resource"];
  const all = kinds.flatMap((kind) => performance.getEntriesByType(kind));
  const sum = (entries) => entries.reduce((bytes, one) => bytes + one.transferSize, 0);
  const scripts = all.filter(({ name }) => name.endsWith(".js"));
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return {
    first_contentful_paint_ms: Math.round(paint.startTime),
    requests: all.length,
    transferred_kb: sum(all) / 1000,
    scripts: scripts.length,
    scripts_kb: sum(scripts) / 1000,
  };
}"""


def main() -> None:
    """Measure and print JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=5, help="cold starts to take the median of")
    options.add_argument("--camera-s", type=int, default=0, help="seconds to watch the camera")
    options.add_argument("--encoder", default="thumbnail", help="the server's; lite answers slower")
    chosen = options.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium was found: install the package chromium.")
    with (
        served(chosen.encoder) as address,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as play,
    ):
        camera = camera_of(Path(folder) / "clip.mjpeg") if chosen.camera_s else []
        browser = play.chromium.launch(executable_path=chromium, args=FLAGS + camera)
        starts = [cold_start(browser, address) for _ in range(chosen.times)]
        told: dict[str, Any] = {name: median(one[name] for one in starts) for name in starts[0]}
        told["scripts_gzipped_kb"] = all_scripts_kb()
        told["layout_shift"] = shifts(browser, address)
        if chosen.camera_s:
            told["camera"] = watch_camera(browser, address, chosen.camera_s)
        browser.close()
    print(json.dumps(told, indent=2))


@contextmanager
def served(encoder: str) -> Iterator[str]:
    """Address of a server of the sample shop."""
    with (
        tempfile.TemporaryDirectory() as data,
        # What is found does not matter here, so the quickest encoder will do.
        Shop.open(settings=Settings(data=Path(data), encoder=encoder, calibrate=False)) as shop,
    ):
        shop.index(ROOT / "catalog.csv")
        with serving(shop, samples=SAMPLE_PHOTOS) as address:
            yield address


def cold_start(browser: Browser, address: str) -> dict[str, float]:
    """What opening the page costs, with nothing in the cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(address)
    page.locator("sample-photos button").last.wait_for()
    told: dict[str, float] = page.evaluate(TOLD)
    context.close()
    return told


def all_scripts_kb() -> float:
    """All scripts of the storefront, each gzipped."""
    scripts = [*WEB.glob("shared/*.js"), *WEB.glob("store/*.js")]
    return sum(len(gzip.compress(path.read_bytes())) for path in scripts) / 1000


def shifts(browser: Browser, address: str) -> dict[str, float]:
    """How far things jump by themselves, on desktop and phone, from the start to a product."""
    found = {}
    for name, width in (("desktop", 1280), ("phone", 390)):
        for locale in ("en-GB", "zh-CN"):
            context = browser.new_context(viewport={"width": width, "height": 860}, locale=locale)
            page = context.new_page()
            page.add_init_script(WATCH)
            page.goto(address)
            page.locator("sample-photos button").last.wait_for()
            page.wait_for_timeout(500)
            found[f"{name}_{locale}_start"] = round(page.evaluate("window.shifts"), 4)
            search(page)
            page.locator("product-card h3 a").first.click()
            page.locator(".related product-card").last.wait_for()
            page.wait_for_timeout(1000)
            found[f"{name}_{locale}_visit"] = round(page.evaluate("window.shifts"), 4)
            context.close()
    return found


def search(page: Page) -> None:
    """Search with the first sample photo."""
    page.locator("sample-photos button").first.click()
    page.locator("search-results:not([aria-busy]) product-card").last.wait_for()
    page.wait_for_timeout(1000)


def camera_of(stream: Path) -> list[str]:
    """Flags of a camera that sees moments of one of our clips, each held for half a second."""
    with av.open(str(ROOT / "video" / "desk.mp4")) as clip, stream.open("wb") as target:
        for number, frame in enumerate(clip.decode(video=0)):
            if number % 6 == 0:
                for _ in range(HELD_FRAMES):
                    frame.to_image().save(target, "JPEG", quality=90)
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={stream}",
        "--js-flags=--expose-gc",
    ]


def watch_camera(browser: Browser, address: str, seconds: int) -> dict[str, Any]:
    """Searches a second, and memory of the page in MB at ten moments."""
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    sent: list[str] = []
    page.on("request", lambda one: one.url.endswith("/v1/search") and sent.append(one.url))
    page.goto(address)
    page.get_by_role("button", name="Use the camera").click()
    page.locator("search-results product-card").last.wait_for()
    sent.clear()
    heap = []
    for _ in range(10):
        page.wait_for_timeout(seconds * 100)
        heap.append(round(page.evaluate("gc(); performance.memory.usedJSHeapSize / 1e6"), 2))
    context.close()
    return {
        "seconds": seconds,
        "searches_per_second": round(len(sent) / seconds, 2),
        "heap_mb": heap,
    }


if __name__ == "__main__":
    main()
