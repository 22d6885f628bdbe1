"""How well objects are found on photos, and what that does for searching.

    python benchmarks/regions.py [--encoder lite] [--detector default] [--data DIR] [--json]

On the sample shop: box recall, and the products found among the first five when the whole picture
or each object is searched, by brute force over all catalogue pictures. ``--data`` is a folder with
GroceryStoreDataset as ``grocery/``, whose validation photos show one product each, without boxes.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder, Vectors
from shopsight.encoders.files import LIMITS
from shopsight.images.boxes import MARGIN, WHOLE, Box, iou
from shopsight.images.crops import square_cut, whole_square
from shopsight.images.prepare import decode, to_pixels
from shopsight.regions.base import Region, RegionFinder
from shopsight.regions.choose import main_subject, objects, subject_share
from shopsight.regions.load import load_finder
from shopsight.sample_shop import ROOT

FOUND_IOU = 0.5
FIRST = 5
MARGINS = (0.0, MARGIN, 0.25)
SHARES = (0.3, 0.5, 0.7)
TIMED = 40
RECALL_GOAL, GAIN_GOAL, TIME_GOAL = 0.80, 0.15, 1.0

Figures = dict[str, object]
View = tuple[Image.Image, Box]
"""A part of a picture."""


class Shown(NamedTuple):
    """A product on a photo."""

    product: str
    box: Box


@dataclass
class Photo:
    """A photo, what it shows, and what was found on it."""

    kind: str
    image: Image.Image
    shown: list[Shown]
    regions: tuple[Region, ...] = ()


@dataclass
class Catalogue:
    """Vectors of all catalogue pictures, and whose they are."""

    products: list[str] = field(default_factory=list)
    vectors: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))

    def ranking(self, vector: NDArray[np.float32]) -> list[str]:
        """Products, best first; each counts with its best picture."""
        order = np.argsort(-(self.vectors @ vector), kind="stable")
        return list(dict.fromkeys(self.products[k] for k in order))


def opened(path: Path) -> Image.Image:
    """A picture as the server would decode it."""
    return decode(path.read_bytes(), LIMITS)


def encoded(encoder: Encoder, views: Sequence[View]) -> Vectors:
    """Vectors of parts of pictures, cut out as searches do."""
    geometry = encoder.spec.preprocessing
    pixels = [
        to_pixels(image, geometry)
        if box == WHOLE
        else to_pixels(square_cut(image, box), whole_square(geometry))
        for image, box in views
    ]
    return encoder.encode_images(np.stack(pixels))


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


def sample_shop(encoder: Encoder) -> tuple[list[Photo], Catalogue]:
    """The sample shop's photos with their main products, and its catalogue."""
    shown: dict[tuple[str, str], list[Shown]] = defaultdict(list)
    for row in rows(ROOT / "photos.csv"):
        if row["role"] == "main":
            box = Box(*(float(row[side]) for side in Box._fields))
            shown[row["photo"], row["kind"]].append(Shown(row["id"], box))
    photos = [
        Photo(kind, opened(ROOT / name), products) for (name, kind), products in shown.items()
    ]
    catalogue = Catalogue()
    images = []
    for path in sorted((ROOT / "images").glob("*.jpg")):
        catalogue.products.append(path.stem.split("_")[0])
        images.append((opened(path), WHOLE))
    catalogue.vectors = encoded(encoder, images)
    return photos, catalogue


def groceries(folder: Path, encoder: Encoder) -> tuple[list[Photo], Catalogue]:
    """GroceryStoreDataset's validation photos and catalogue pictures."""
    catalogue = Catalogue()
    images = []
    for row in rows(folder / "products.csv"):
        catalogue.products.append(row["id"])
        images.append((opened(folder / row["image_link"]), WHOLE))
    catalogue.vectors = encoded(encoder, images)
    photos = [
        Photo("grocery", opened(folder / row["photo"]), [Shown(row["product_id"], WHOLE)])
        for row in rows(folder / "photos_val.csv")
    ]
    return photos, catalogue


def box_figures(photos: list[Photo], kind: str) -> Figures:
    """Share of the products whose box is found, and how many boxes there are."""
    found, shown, offered, subjects = 0, 0, 0, 0
    for photo in photos:
        boxes = [region.box for region in objects(photo.regions)]
        offered += len(boxes)
        shown += len(photo.shown)
        found += sum(
            any(iou(box, product.box) >= FOUND_IOU for box in boxes) for product in photo.shown
        )
        subject = main_subject(photo.regions)
        subjects += subject is not None and any(
            iou(subject.box, product.box) >= FOUND_IOU for product in photo.shown
        )
    return {
        "photos": f"{kind} ({len(photos)})",
        "box recall at IoU .5": round(found / shown, 3),
        "boxes per photo": round(offered / len(photos), 2),
        "main subject is a product shown": round(subjects / len(photos), 3),
    }


def interleaved(rankings: list[list[str]]) -> list[str]:
    """One ranking of several: all first places, then all second ones, each product once."""
    depth = min(len(ranking) for ranking in rankings)
    return list(dict.fromkeys(ranking[k] for k in range(depth) for ranking in rankings))


def search_figures(photos: list[Photo], catalogue: Catalogue, encoder: Encoder) -> Figures:
    """Share of the products shown that are found, with and without regions."""
    whole = merged = own = shown = 0
    for photo in photos:
        parts = [region.box.grown(MARGIN) for region in objects(photo.regions)]
        views = [(photo.image, box) for box in (WHOLE, *parts)]
        rankings = [catalogue.ranking(vector) for vector in encoded(encoder, views)]
        wanted = {product.product for product in photo.shown}
        shown += len(wanted)
        whole += len(wanted & set(rankings[0][:FIRST]))
        several = rankings[1:] or rankings
        merged += len(wanted & set(interleaved(several)[:FIRST]))
        own += len(wanted & {name for ranking in several for name in ranking[:FIRST]})
    return {
        "photos": f"multi ({len(photos)})",
        "recall@5, whole picture": round(whole / shown, 3),
        "recall@5, objects, one list of five": round(merged / shown, 3),
        "recall@5, objects, five each": round(own / shown, 3),
        "gain of one list": round((merged - whole) / shown, 3),
        "goal": f">= {GAIN_GOAL}",
    }


def subject_figures(
    photos: list[Photo], catalogue: Catalogue, encoder: Encoder, kind: str
) -> Iterator[Figures]:
    """Recall at 1 and 5 with the whole picture, the main subject, and means of both."""
    whole = encoded(encoder, [(photo.image, WHOLE) for photo in photos])
    yield _subject_row(kind, "whole picture", photos, catalogue, whole)
    parts = {margin: _subjects(photos, encoder, margin) for margin in MARGINS}
    for margin, part in parts.items():
        yield _subject_row(kind, f"subject, margin {margin:g}", photos, catalogue, part)
    for share in SHARES:
        mixed = share * parts[MARGIN] + (1 - share) * whole
        name = f"subject x {share:g} + whole x {1 - share:g}"
        yield _subject_row(kind, name, photos, catalogue, mixed)
    subjects = [main_subject(photo.regions) for photo in photos]
    trust = np.array([[subject_share(s) if s else 0.0] for s in subjects], np.float32)
    mixed = trust * parts[MARGIN] + (1 - trust) * whole
    yield _subject_row(kind, "both, by the subject's confidence", photos, catalogue, mixed)


def _subjects(photos: list[Photo], encoder: Encoder, margin: float) -> Vectors:
    views = []
    for photo in photos:
        subject = main_subject(photo.regions)
        views.append((photo.image, subject.box.grown(margin) if subject else WHOLE))
    return encoded(encoder, views)


def _subject_row(
    kind: str, name: str, photos: list[Photo], catalogue: Catalogue, vectors: Vectors
) -> Figures:
    places = [
        catalogue.ranking(vector).index(photo.shown[0].product)
        for photo, vector in zip(photos, vectors, strict=True)
    ]
    return {
        "photos": f"{kind} ({len(photos)})",
        "searched": name,
        "recall@1": round(float(np.mean([place < 1 for place in places])), 3),
        "recall@5": round(float(np.mean([place < FIRST for place in places])), 3),
    }


def time_figures(photos: list[Photo], encoder: Encoder, finder: RegionFinder) -> Figures:
    """Time to find objects beside that of one forward pass of the encoder, turn by turn."""
    finding, encoding = [], []
    for photo in photos[:TIMED]:
        pixels = to_pixels(photo.image, encoder.spec.preprocessing)[None]
        started = time.perf_counter()
        finder.find(photo.image)
        middle = time.perf_counter()
        encoder.encode_images(pixels)
        finding.append(middle - started)
        encoding.append(time.perf_counter() - middle)
    ratio = statistics.median(f / e for f, e in zip(finding, encoding, strict=True))
    return {
        "finding, ms": round(statistics.median(finding) * 1000, 1),
        "forward pass, ms": round(statistics.median(encoding) * 1000, 1),
        "ratio": round(ratio, 2),
        "goal": f"<= {TIME_GOAL}",
    }


def measure(
    encoder: Encoder, finder: RegionFinder, data: Path | None, *, subjects: bool
) -> Iterator[Figures]:
    """All figures."""
    photos, catalogue = sample_shop(encoder)
    for photo in photos:
        photo.regions = finder.find(photo.image)
    multi, single = ([p for p in photos if p.kind == kind] for kind in ("multi", "single"))
    yield {**box_figures(multi, "multi"), "goal": f">= {RECALL_GOAL}"}
    yield box_figures(single, "single")
    yield search_figures(multi, catalogue, encoder)
    yield time_figures(single, encoder, finder)
    if subjects:
        yield from subject_figures(single, catalogue, encoder, "single")
    if subjects and data is not None:
        photos, catalogue = groceries(data / "grocery", encoder)
        for photo in photos:
            photo.regions = finder.find(photo.image)
        yield from subject_figures(photos, catalogue, encoder, "grocery")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--detector", default="default")
    parser.add_argument("--data", type=Path, help="folder with grocery/")
    parser.add_argument("--no-subjects", action="store_true", help="leave out the main subject")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    encoder = load_encoder(arguments.encoder, threads=arguments.threads)
    finder = load_finder(arguments.detector, threads=arguments.threads)
    for figures in measure(encoder, finder, arguments.data, subjects=not arguments.no_subjects):
        print(json.dumps(figures) if arguments.json else figures, flush=True)


if __name__ == "__main__":
    main()
