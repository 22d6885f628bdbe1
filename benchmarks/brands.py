"""Brand recognition: right brands, and false ones where there is none.

    python benchmarks/brands.py [--encoder lite] [--ocr] [--logos DIR] [--most 5] [--thorough]

On the sample shop, without reading text unless ``--ocr`` is given: brands of the photos of one
product, false brands on those of products without a brand and of things that are not sold. Of
these, some have a brand's name on something in the background, so brands that nothing on the photo
has are counted besides.

``--logos`` is a folder such as FlickrLogos-27's training photos: ``boxes.csv`` with the columns
photo, brand, x1, y1, x2, y2 as fractions. In five folds by photo, each is recognised with the
boxes of the other folds as gallery; then again with the brands of the photo left out, each in turn.
The open-set AUROC tells the former from the latter by the best probability. ``--most`` limits the
examples per brand. Once more, photos that nearly equal each other are put into one fold.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder
from shopsight.encoders.files import LIMITS
from shopsight.evaluate.metrics import calibration_error, coverage_at, wins
from shopsight.images.boxes import Box
from shopsight.images.prepare import decode
from shopsight.recognize.brand import BrandRecognition, logo_probability
from shopsight.recognize.brand_gallery import Looks, gallery_of, looks_of_box
from shopsight.recognize.brand_tables import read_boxes
from shopsight.recognize.brand_windows import Windows, look
from shopsight.sample_shop import ROOT
from shopsight.settings import Settings
from shopsight.wiring import Shop

FOLDS = 5
SAME_PHOTO = 0.95
"""Cosine of two photos from which they count as one picture, perhaps cut or coloured anew."""

PRECISION = 0.95
THRESHOLD = 0.7
"""Probability from which a brand is an answer, unless the settings say otherwise."""

Figures = dict[str, object]
Photo = tuple[str, str]
"""Where a photo of the sample shop is, and its kind."""

Scores = dict[str, float]
"""Probability of each brand on a photo."""


@dataclass(frozen=True, slots=True)
class LogoPhoto:
    """A photo of the set, encoded.

    Attributes:
        looks: By brand, those of its boxes.
        seen: Its windows.
    """

    looks: Mapping[str, Sequence[Looks]]
    seen: Windows


def encoded(encoder: Encoder, folder: Path, *, thorough: bool) -> list[LogoPhoto]:
    """All photos of a set, each read once."""
    boxes: dict[Path, list[tuple[str, Box]]] = defaultdict(list)
    for row in read_boxes(folder / "boxes.csv").rows:
        boxes[row.photo].append((row.brand, Box(*row.box)))
    photos = []
    for path, found in sorted(boxes.items()):
        image = decode(path.read_bytes(), LIMITS)
        looks: dict[str, list[Looks]] = defaultdict(list)
        for brand, box in found:
            looks[brand].append(looks_of_box(encoder, image, box))
        photos.append(LogoPhoto(looks, look(encoder, image, thorough=thorough)))
    return photos


def folds_of(photos: Sequence[LogoPhoto], *, apart: bool) -> NDArray[np.intp]:
    """The fold of each photo, by chance.

    Args:
        photos: The photos.
        apart: Whether photos that nearly equal each other share a fold.
    """
    count = len(photos)
    group = np.arange(count)
    if apart:
        vectors = np.stack([one.seen.things[0] for one in photos])
        for one, other in np.argwhere(np.triu(vectors @ vectors.T >= SAME_PHOTO, 1)):
            group[group == group[other]] = group[one]
    return np.random.default_rng(0).permutation(count)[group] % FOLDS


def scored(
    photos: Sequence[LogoPhoto], gallery: Sequence[LogoPhoto], most: int, without: str = ""
) -> list[Scores]:
    """Probability of every brand on each photo, given the boxes of others.

    Args:
        photos: What is looked at.
        gallery: Whose boxes are examples.
        most: Examples per brand; 0: all.
        without: A brand that is not known.
    """
    examples: dict[str, list[Looks]] = defaultdict(list)
    for one in gallery:
        for brand, looks in one.looks.items():
            examples[brand] += looks if brand != without else ()
    if most:
        rng = np.random.default_rng(1)
        for brand, looks in examples.items():
            chosen = rng.permutation(len(looks))[:most]
            examples[brand] = [looks[number] for number in chosen]
    nothing = np.zeros((0, photos[0].seen.vectors.shape[1]), np.float32)
    known = gallery_of(examples, nothing)
    if known is None:
        raise SystemExit("There is no other photo with a box: five folds need more photos.")
    best = [known.scores(photo.seen.vectors).max(axis=0).tolist() for photo in photos]
    return [dict(zip(known.brands, map(logo_probability, row), strict=True)) for row in best]


def of_logos(photos: Sequence[LogoPhoto], most: int, *, apart: bool) -> Figures:
    """Figures of a set of photos with boxes."""
    folds = folds_of(photos, apart=apart)
    known: list[float] = []
    unknown: list[float] = []
    guesses: list[str] = []
    rights: list[frozenset[str]] = []
    for fold in range(FOLDS):
        asked = [one for one, of in zip(photos, folds, strict=True) if of == fold]
        gallery = [one for one, of in zip(photos, folds, strict=True) if of != fold]
        for photo, scores in zip(asked, scored(asked, gallery, most), strict=True):
            guesses.append(max(scores, key=scores.__getitem__))
            rights.append(frozenset(photo.looks))
            known.append(max(scores.values()))
        for brand in sorted({brand for photo in asked for brand in photo.looks}):
            showing = [photo for photo in asked if brand in photo.looks]
            left = scored(showing, gallery, most, without=brand)
            unknown += [max(scores.values()) for scores in left]
    right = np.array([guess in of for guess, of in zip(guesses, rights, strict=True)], np.float64)
    sure = np.array(known)
    return {
        "photos": len(photos),
        "top-1": round(float(right.mean()), 3),
        "open-set AUROC": round(float(wins(sure, np.array(unknown)).mean()), 3),
        "coverage at 95 % precision": round(
            coverage_at(PRECISION, sure, right, right >= 0, np.ones(len(right))), 3
        ),
        "calibration error": round(calibration_error(sure, right), 3),
        "answered": round(float((sure >= THRESHOLD).mean()), 3),
        "unknown brands answered": round(float((np.array(unknown) >= THRESHOLD).mean()), 3),
    }


def of_shop(encoder: str, *, ocr: bool, thorough: bool) -> Figures:
    """Figures of the sample shop."""
    with (ROOT / "catalog.csv").open(encoding="utf-8", newline="") as file:
        brands = {row["id"]: row["brand"] for row in csv.DictReader(file)}
    with (ROOT / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shown: dict[Photo, set[str]] = defaultdict(set)
    visible: dict[Photo, set[str]] = defaultdict(set)
    for row in rows:
        brand, photo = brands.get(row["id"], ""), (row["photo"], row["kind"])
        visible[photo].add(brand)
        if row["role"] != "background":
            shown[photo].add(brand)
    with tempfile.TemporaryDirectory() as folder:
        reading = "on" if ocr else "off"
        settings = Settings.model_validate({"data": folder, "encoder": encoder, "ocr": reading})
        with Shop.open(settings=settings) as shop:
            shop.index(ROOT / "catalog.csv")
            shop.brands.import_file(ROOT / "brands.csv")
            found = {key: shop.brands.recognize(ROOT / key[0], thorough=thorough) for key in shown}
    return _shop_figures(found, shown, visible)


def _shop_figures(
    found: Mapping[Photo, BrandRecognition],
    shown: Mapping[Photo, set[str]],
    visible: Mapping[Photo, set[str]],
) -> Figures:
    branded = [key for key, of in shown.items() if key[1] != "multi" and of != {""}]
    unbranded = [key for key, of in shown.items() if of == {""}]
    several = [key for key, of in shown.items() if key[1] == "multi" and of - {""}]
    best = {
        key: one.answer or (one.alternatives[0].answer if one.alternatives else "")
        for key, one in found.items()
    }
    both = [(brand, key) for key in several for brand in shown[key] - {""}]
    return {
        "branded photos": len(branded),
        "top-1": round(float(np.mean([best[key] in shown[key] for key in branded])), 3),
        "answered and right": round(
            float(np.mean([found[key].answer in shown[key] for key in branded])), 3
        ),
        "answered": round(float(np.mean([found[key].answer is not None for key in branded])), 3),
        "unbranded photos": len(unbranded),
        "false brands": round(
            float(np.mean([found[key].answer is not None for key in unbranded])), 3
        ),
        "brands that nothing on them has": round(
            float(np.mean([bool(_named(found[key]) - visible[key]) for key in unbranded])), 3
        ),
        "brands of photos with several": len(both),
        "of these found": round(
            float(np.mean([brand in _named(found[key]) for brand, key in both])), 3
        ),
    }


def _named(found: BrandRecognition) -> set[str]:
    return {brand.name for brand in found.brands}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--ocr", action="store_true", help="read text (extra `ocr`)")
    parser.add_argument("--logos", type=Path, help="folder with boxes.csv")
    parser.add_argument("--most", type=int, default=0, help="examples per brand; 0: all")
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures: dict[str, Figures] = {}
    if given.logos is None:
        figures["sample shop"] = of_shop(given.encoder, ocr=given.ocr, thorough=given.thorough)
    else:
        photos = encoded(load_encoder(given.encoder), given.logos, thorough=given.thorough)
        for most in dict.fromkeys((0, given.most)):
            name = f"{most} examples" if most else "all examples"
            figures[name] = of_logos(photos, most, apart=False)
            figures[f"{name}, equal photos together"] = of_logos(photos, most, apart=True)
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    for name, values in figures.items():
        print(name)
        for what, value in values.items():
            print(f"  {what:36} {value}")


if __name__ == "__main__":
    main()
