"""Whether confidences come true, and photos of things the shop does not sell are noticed.

    python benchmarks/confidence.py [--encoder lite] [--crop box] [--grocery FOLDER] [--json]

A calibration is fitted to the sample shop's catalogue without labels, and another one with every
other photo (rows of even number, products and absent things each counted for themselves) as labels.
Both are judged by the other photos. As few as 15 photos show something absent, so the products on
photos are also taken out of the shop, each with its item group, which leaves things that are as
near as can be. Searches are exhaustive. `--crop box` searches the true box of each photo, grown by
a tenth, in place of the whole photo. `--grocery` has `products.csv` and `photos_val.csv` of the
Grocery Store Dataset; all its photos are judged, as nothing was chosen by them.

Two expected calibration errors are printed, with 10 bins of equal count and with 15 of equal width;
"by chance" is the error that the same confidences would have, on average, if they were exactly
right: with so few photos it is not 0. "Beyond chance" is what is left when that is taken off, and
"p" how often chance alone would make the error so large (the consistency resampling of Broecker and
Smith, 2007): a small p says that confidences are off, a large one that these photos do not show it.
Both halves together tell more than each. Intervals are 95 %: Wilson's for shares, bootstrap for
the rest.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders import load_encoder
from shopsight.encoders.files import LIMITS, FileEncoder
from shopsight.evaluate.metrics import calibration_error, wins
from shopsight.images.boxes import Box
from shopsight.images.prepare import decode, read_local, to_pixels
from shopsight.sample_shop import ROOT
from shopsight.search.calibrate import Calibration, Labelled, Picture, Ranking, Searches, fit
from shopsight.search.confidence_reliability import expected_error, reliability_table

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]

GOALS = {"ece": "<= .05", "no match": ">= .80", "rejected": "<= .10"}
SHOWN = 5
DRAWS = 1000


@dataclass(frozen=True)
class Photo:
    """A photo, and the product on it, or none."""

    path: Path
    product: str
    box: Box | None

    def load(self) -> Image.Image:
        """The photo, or its box, mode RGB."""
        image = decode(read_local(self.path, LIMITS), LIMITS)
        if self.box is None:
            return image
        width, height = image.size
        x1, y1, x2, y2 = self.box.grown(0.1)
        return image.crop(
            (round(x1 * width), round(y1 * height), round(x2 * width), round(y2 * height))
        )


class Catalogue:
    """Products of a folder, searched exhaustively.

    Args:
        root: With the feed.
        feed: Its name.
        encoder: Makes the vectors.
    """

    def __init__(self, root: Path, feed: str, encoder: FileEncoder) -> None:
        self.encoder = encoder
        self.files: list[tuple[str, str, Path]] = []
        for row in _table(root / feed):
            links = [row["image_link"], *row.get("additional_image_link", "").split(",")]
            group = row.get("item_group_id") or row["id"]
            self.files += [(row["id"], group, root / link) for link in links if link]
        self.products = list(dict.fromkeys(product for product, _, _ in self.files))
        self.groups = [{p: g for p, g, _ in self.files}[p] for p in self.products]
        self._vectors = self.encode([Photo(path, "", None).load() for _, _, path in self.files])
        names = np.array([product for product, _, _ in self.files])
        self._starts = np.stack([names == product for product in self.products])

    def encode(self, images: Sequence[Image.Image]) -> Vectors:
        """Vectors of pictures."""
        geometry = self.encoder.spec.preprocessing
        parts = [
            self.encoder.encode_images(
                np.stack([to_pixels(image, geometry) for image in images[start : start + 16]])
            )
            for start in range(0, len(images), 16)
        ]
        return np.concatenate(parts)

    def find(self, vector: Vectors) -> Ranking:
        """All products, best first."""
        pictures = self._vectors @ vector
        scores = np.array([pictures[mine].max() for mine in self._starts])
        order = np.argsort(-scores, kind="stable").tolist()
        return Ranking(
            [self.products[n] for n in order], [self.groups[n] for n in order], scores[order]
        )

    def calibrated(self, labels: Sequence[Photo] = ()) -> Calibration:
        """Fitted to the pictures, and to photos where some are given."""
        found = fit(
            [Picture(p, g, Photo(path, p, None).load) for p, g, path in self.files],
            Searches(self.encode, self.find),
            version="v0001",
            fingerprint=self.encoder.spec.fingerprint,
            products=len(self.products),
            labels=[
                Labelled(frozenset([photo.product] if photo.product else []), photo.load)
                for photo in labels
            ],
        )
        if found is None:
            raise SystemExit("Too few products to calibrate.")
        return found


@dataclass(frozen=True)
class Judged:
    """What a calibration says of photos: one entry each."""

    presence: Floats
    rejected: NDArray[np.bool_]
    confidence: Floats
    right: Floats
    shown: Floats
    shown_right: Floats


def judged(
    calibration: Calibration, rankings: Sequence[Ranking], products: Sequence[str]
) -> Judged:
    """Judge rankings of photos of products, or of nothing (an empty name)."""
    rows = []
    shown: list[float] = []
    shown_right: list[float] = []
    for ranking, product in zip(rankings, products, strict=True):
        verdict = calibration.judge(ranking.scores, ranking.groups)
        hits = [float(name == product) for name in ranking.products]
        rows.append((verdict.presence, verdict.no_match, float(verdict.confidences[0]), hits[0]))
        shown += verdict.confidences[:SHOWN].tolist()
        shown_right += hits[:SHOWN]
    table = np.array(rows, np.float64)
    return Judged(
        table[:, 0],
        table[:, 1] > 0,
        table[:, 2],
        table[:, 3],
        np.array(shown),
        np.array(shown_right),
    )


def without(ranking: Ranking, product: str) -> Ranking:
    """The answer of a shop that sells neither a product nor its item group."""
    gone = ranking.groups[ranking.products.index(product)]
    kept = [n for n, group in enumerate(ranking.groups) if group != gone]
    return Ranking(
        [ranking.products[n] for n in kept],
        [ranking.groups[n] for n in kept],
        ranking.scores[kept],
    )


def measured(
    name: str, calibration: Calibration, shop: Catalogue, photos: Sequence[Photo]
) -> dict[str, object]:
    """Figures of one calibration on photos."""
    rankings = [shop.find(vector) for vector in shop.encode([photo.load() for photo in photos])]
    present = [n for n, photo in enumerate(photos) if photo.product]
    absent = [n for n, photo in enumerate(photos) if not photo.product]
    names = [photo.product for photo in photos]
    every = judged(calibration, rankings, names)
    simulated = judged(
        calibration, [without(rankings[n], names[n]) for n in present], [""] * len(present)
    )
    figures: dict[str, object] = {
        "calibration": name,
        "photos": f"{len(present)} of products, {len(absent)} of absent things",
        "recall@1": share(every.right[present]),
        f"ece, best hit, equal count (goal {GOALS['ece']})": error(every, by_count),
        f"ece, best hit, equal width (goal {GOALS['ece']})": error(every, by_width),
        f"ece, first {SHOWN} hits, equal width": round(by_width(every.shown, every.shown_right), 4),
        f"present, rejected (goal {GOALS['rejected']})": share(every.rejected[present]),
        "absent, simulated: no match": share(simulated.rejected),
        "auroc, simulated": round(
            float(wins(every.presence[present], simulated.presence).mean()), 3
        ),
        "threshold": round(calibration.threshold, 3),
    }
    if absent:
        figures[f"absent: no match (goal {GOALS['no match']})"] = share(every.rejected[absent])
        won = wins(every.presence[present], every.presence[absent])
        figures["auroc, absent"] = round(float(won.mean()), 3)
    return figures


def by_count(predicted: Floats, outcomes: Floats) -> float:
    """Expected calibration error, 10 bins of equal count."""
    return calibration_error(predicted, outcomes)


def by_width(predicted: Floats, outcomes: Floats) -> float:
    """Expected calibration error, 15 bins of equal width."""
    return expected_error(reliability_table(predicted, outcomes))


def error(answers: Judged, measure: Callable[[Floats, Floats], float]) -> dict[str, object]:
    """An error, its bootstrap interval, and what chance alone makes it."""
    rng = np.random.default_rng(0)
    count = len(answers.confidence)
    drawn = [rng.integers(count, size=count) for _ in range(DRAWS)]
    again = [measure(answers.confidence[rows], answers.right[rows]) for rows in drawn]
    chance = [
        measure(answers.confidence, (rng.random(count) < answers.confidence).astype(np.float64))
        for _ in range(DRAWS)
    ]
    value = measure(answers.confidence, answers.right)
    return {
        "value": round(value, 4),
        "resampled": np.percentile(again, [2.5, 97.5]).round(3).tolist(),
        "by chance": round(float(np.mean(chance)), 4),
        "beyond chance": round(max(value - float(np.mean(chance)), 0.0), 4),
        "p": round(float(np.mean(np.array(chance) >= value)), 3),
    }


def share(hits: NDArray[np.bool_] | Floats) -> dict[str, object]:
    """A share with Wilson's 95 % interval."""
    count, part, z = len(hits), float(np.mean(hits)), 1.96
    middle = (part + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(part * (1 - part) / count + (z / (2 * count)) ** 2)
    return {
        "value": round(part, 3),
        "interval": [round(float(middle - reach), 3), round(float(middle + reach), 3)],
    }


def sample_photos(*, crop: bool) -> Iterator[tuple[int, Photo]]:
    """Photos of one product, and of none, with their half: 0 for even rows, 1 for odd ones."""
    seen = {"single": 0, "absent": 0}
    for row in _table(ROOT / "photos.csv"):
        if row["role"] == "background" or row["kind"] not in seen:
            continue
        box = Box.checked(*(float(row[side]) for side in Box._fields)) if crop else None
        yield seen[row["kind"]] % 2, Photo(ROOT / row["photo"], row["id"], box)
        seen[row["kind"]] += 1


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def sample_figures(encoder: FileEncoder, *, crop: bool) -> Iterator[dict[str, object]]:
    """Figures of the sample shop."""
    shop = Catalogue(ROOT, "catalog.csv", encoder)
    halves = list(sample_photos(crop=crop))
    even, odd = ([photo for half, photo in halves if half == side] for side in (0, 1))
    unlabelled = shop.calibrated()
    yield {"fitted to": "sample shop", **unlabelled.reliability.model_dump(exclude={"bins"})}
    yield measured("no labels, odd half", unlabelled, shop, odd)
    yield measured("no labels, even half", unlabelled, shop, even)
    yield measured("no labels, both halves", unlabelled, shop, even + odd)
    yield measured("labels of the even half, odd half", shop.calibrated(even), shop, odd)
    yield measured("labels of the odd half, even half", shop.calibrated(odd), shop, even)


def grocery_figures(encoder: FileEncoder, folder: Path) -> Iterator[dict[str, object]]:
    """Figures of photos taken in real shops."""
    shop = Catalogue(folder, "products.csv", encoder)
    photos = [
        Photo(folder / row["photo"], row["product_id"], None)
        for row in _table(folder / "photos_val.csv")
    ]
    yield measured("grocery, no labels", shop.calibrated(), shop, photos)
    yield measured(
        "grocery, labels of the even half, odd half",
        shop.calibrated(photos[::2]),
        shop,
        photos[1::2],
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--crop", choices=["box"], help="search the true boxes")
    parser.add_argument("--grocery", type=Path, help="folder of the Grocery Store Dataset")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    encoder = load_encoder(arguments.encoder)
    parts = [sample_figures(encoder, crop=arguments.crop is not None)]
    if arguments.grocery:
        parts.append(grocery_figures(encoder, arguments.grocery))
    for part in parts:
        for figures in part:
            if arguments.json:
                print(json.dumps(figures), flush=True)
                continue
            for name, value in figures.items():
                print(f"{name}: {value}", flush=True)
            print()


if __name__ == "__main__":
    main()
