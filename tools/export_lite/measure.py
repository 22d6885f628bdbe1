"""Recall of an exported model, for choosing among variants. Runs in the project's environment.

Usage: ``python measure.py MODEL [--dimension 384] [--fits crop pad stretch] [--data PICTURES]``.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from shopsight.encoders.onnx import OnnxEncoder
from shopsight.encoders.specs import LITE
from shopsight.sample_shop import ROOT

Labelled = tuple[list[str], list[Path]]


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dimension", type=int, default=LITE.dimension)
    parser.add_argument("--fits", nargs="+", default=[LITE.preprocessing.fit])
    parser.add_argument("--data", type=Path, help="folder that holds grocery/")
    arguments = parser.parse_args()
    tasks = {"sample shop": (_sample_photos(), _sample_catalogue())}
    if arguments.data:
        folder = arguments.data / "grocery"
        tasks["grocery"] = (
            _rows(folder / "photos_val.csv", "product_id", "photo"),
            _rows(folder / "products.csv", "id", "image_link"),
        )
    for fit in arguments.fits:
        preprocessing = LITE.preprocessing.model_copy(update={"fit": fit})
        facts = LITE.model_copy(
            update={
                "sha256": None,
                "dimension": arguments.dimension,
                "preprocessing": preprocessing,
            }
        )
        encoder = OnnxEncoder(facts, arguments.model)
        for task, (photos, catalogue) in tasks.items():
            ranks = _ranks(encoder, photos, catalogue)
            print(
                f"{fit:8} {task:12} {len(ranks)} photos: R@1 {np.mean(ranks <= 1):.3f}  "
                f"R@10 {np.mean(ranks <= 10):.3f}  MRR {np.mean(1 / ranks):.3f}"
            )
        encoder.close()


def _ranks(encoder: OnnxEncoder, photos: Labelled, catalogue: Labelled) -> np.ndarray:
    """Rank of each photo's product, from 1; a product is as near as its nearest picture."""
    wanted, photo_paths = photos
    owners, picture_paths = catalogue
    scores = encoder.encode_files(photo_paths) @ encoder.encode_files(picture_paths).T
    products = sorted(set(owners))
    owned = np.array(owners)
    best = np.stack([scores[:, owned == product].max(axis=1) for product in products], axis=1)
    own = best[np.arange(len(wanted)), [products.index(product) for product in wanted]]
    return 1 + (best > own[:, None]).sum(axis=1)


def _rows(table: Path, label: str, column: str) -> Labelled:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row[label] for row in rows], [table.parent / row[column] for row in rows]


def _sample_photos() -> Labelled:
    with (ROOT / "photos.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["role"] == "main" and row["id"]]
    return [row["id"] for row in rows], [ROOT / row["photo"] for row in rows]


def _sample_catalogue() -> Labelled:
    with (ROOT / "catalog.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pairs = [
        (row["id"], ROOT / link)
        for row in rows
        for link in [row["image_link"], *row["additional_image_link"].split(",")]
        if link
    ]
    return [product for product, _ in pairs], [path for _, path in pairs]


if __name__ == "__main__":
    main()
