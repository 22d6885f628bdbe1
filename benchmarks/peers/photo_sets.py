"""The photos that pipelines are compared on."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import Picture

from shopsight.sample_shop import ROOT


@dataclass(frozen=True, slots=True)
class DataSet:
    """Pictures to learn from, pictures to find, photos to ask with.

    Attributes:
        name: What it is called in tables.
        training: What a pipeline may learn from.
        galleries: Name -> pictures that queries are answered from.
        queries: Photos whose product is wanted; their labels are not used.
    """

    name: str
    training: Sequence[Picture]
    galleries: Mapping[str, Sequence[Picture]]
    queries: Sequence[Picture]

    def shortened(self, pictures: int, queries: int) -> DataSet:
        """A small part of it, spread evenly, to try things out.

        Args:
            pictures: Pictures to learn from, and pictures of each gallery.
            queries: Photos.
        """
        galleries = {name: spread(every, pictures) for name, every in self.galleries.items()}
        return replace(
            self,
            training=spread(self.training, pictures),
            galleries=galleries,
            queries=spread(self.queries, queries),
        )


def spread(pictures: Sequence[Picture], count: int) -> Sequence[Picture]:
    """At most ``count`` pictures, spread evenly over all of them."""
    if count >= len(pictures):
        return pictures
    return [pictures[number * len(pictures) // count] for number in range(count)]


def sample_shop() -> DataSet:
    """The packaged sample shop: photos of one product against the catalogue's pictures.

    To learn from: the same catalogue pictures, labelled with the product's type.
    """
    catalogue = [
        Picture((ROOT / link).resolve(), row["id"], row["product_type"])
        for row in _rows(ROOT / "catalog.csv")
        for link in [row["image_link"], *row["additional_image_link"].split(",")]
        if link
    ]
    queries = [
        Picture((ROOT / row["photo"]).resolve(), row["id"], "")
        for row in _rows(ROOT / "photos.csv")
        if row["kind"] == "single" and row["role"] == "main"
    ]
    return DataSet("sample shop", catalogue, {"catalogue": catalogue}, queries)


def grocery(folder: Path) -> DataSet:
    """Grocery Store Dataset: photos taken in shops against iconic pictures, or other such photos.

    To learn from: the training photos, labelled with the product.

    Args:
        folder: Holds ``products.csv``, ``photos_train.csv``, ``photos_val.csv`` and the pictures.
    """
    folder = folder.resolve()

    def pictures(table: str, path: str, product: str) -> list[Picture]:
        rows = _rows(folder / table)
        return [Picture(folder / row[path], row[product], row[product]) for row in rows]

    training = pictures("photos_train.csv", "photo", "product_id")
    galleries = {
        "iconic": pictures("products.csv", "image_link", "id"),
        "training photos": training,
    }
    queries = pictures("photos_val.csv", "photo", "product_id")
    return DataSet("grocery", training, galleries, queries)


def _rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
