"""How fast a feed is indexed, against the bare encoder on the same pictures.

    python benchmarks/indexing.py [--pictures 1000] [--json]

Makes a feed of 480 x 480 JPEG files (the sample shop's pictures, varied), then in one run:

* bare: ``encode_images`` on prepared pixels, in batches, nothing else;
* files: reading, decoding and encoding, one after the other;
* index: ``Shop.index`` of the feed into an empty data folder, in a process that has indexed before:
  what starting costs once (about two seconds) is no part of the rate;
* again: ``Shop.index`` of the unchanged feed.

The bare encoder is measured before and after, so that a machine that drifts shows.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from shopsight.encoders import load_encoder
from shopsight.images.prepare import ImageLimits, load_pixels
from shopsight.sample_shop import ROOT
from shopsight.settings import Settings
from shopsight.wiring import Shop

BATCH = 16


def make_feed(folder: Path, count: int) -> Path:
    """Write pictures that all differ, and a feed that names them."""
    sources = sorted((ROOT / "images").glob("*.jpg"))
    rng = np.random.default_rng(0)
    with (folder / "feed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "description", "price", "brand", "image_link"])
        for number in range(count):
            with Image.open(sources[number % len(sources)]) as source:
                varied = ImageEnhance.Color(source).enhance(rng.uniform(0.5, 1.5))
                varied.rotate(rng.uniform(-5, 5), fillcolor="white").save(
                    folder / f"{number}.jpg", quality=88
                )
            text = "A thing that is made to be found by its picture. " * 5
            writer.writerow(
                [number, f"Thing {number}", text, f"{number}.90 EUR", "Kavoa", f"{number}.jpg"]
            )
    return folder / "feed.csv"


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    count = arguments.pictures
    with tempfile.TemporaryDirectory() as folder:
        feed = make_feed(Path(folder), count)
        files = [Path(folder) / f"{number}.jpg" for number in range(count)]
        encoder = load_encoder("lite")
        limits = ImageLimits()
        pixels = np.stack(
            [load_pixels(f.read_bytes(), encoder.spec.preprocessing, limits) for f in files]
        )

        def bare() -> None:
            for start in range(0, count, BATCH):
                encoder.encode_images(pixels[start : start + BATCH])

        encoder.encode_images(pixels[:BATCH])
        before = seconds(bare)
        with Shop.open(settings=Settings(data=Path(folder) / "first")) as shop:
            shop.index(ROOT / "catalog.csv")
        with Shop.open(settings=Settings(data=Path(folder) / "data")) as shop:
            shop.warm()
            index = seconds(lambda: shop.index(feed))
        with Shop.open(settings=Settings(data=Path(folder) / "data")) as shop:
            again = seconds(lambda: shop.index(feed))
        one_by_one = seconds(lambda: encoder.encode_files(files))
        after = seconds(bare)
    mean = (before + after) / 2
    figures = {
        "pictures": count,
        "bare_images_per_s": round(count / mean, 1),
        "bare_drift": round(after / before, 3),
        "files_images_per_s": round(count / one_by_one, 1),
        "index_images_per_s": round(count / index, 1),
        "index_to_bare": round(mean / index, 3),
        "again_s": round(again, 3),
        "first_to_again": round(index / again, 1),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {value}")


if __name__ == "__main__":
    main()
