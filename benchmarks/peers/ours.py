"""Shopsight through its public Python API, as a pipeline to compare with."""

from __future__ import annotations

import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pipeline import Picture

from shopsight import Shop
from shopsight.settings import Settings

PICTURES = 50
"""Of one product, in one row of a feed: a row may name 51. More become rows of their own."""


class Shopsight:
    """A shop that is indexed from a feed and searched by photo. Products and all, on the disk.

    Args:
        threads: Threads of the encoder.
        encoder: Encoder by name.
    """

    def __init__(self, threads: int, encoder: str) -> None:
        self._settings = Settings(encoder=encoder, threads=threads, log_level="error")
        self._folder = tempfile.TemporaryDirectory()
        self._shop: Shop | None = None
        self._rows_per_product = 1
        self._versions = 0

    def fit(self, pictures: Sequence[Picture]) -> None:  # noqa: ARG002 - used as it comes
        """Nothing is learned from this shop: the encoder is used as it comes."""
        return

    def index(self, pictures: Sequence[Picture]) -> None:
        """Make these the pictures that queries are answered from, in a data folder of their own."""
        if self._shop is not None:
            self._shop.close()
        self._versions += 1
        data = Path(self._folder.name) / str(self._versions)
        data.mkdir()
        self._shop = Shop.open(data, settings=self._settings)
        feed = data / "feed.jsonl"
        self._rows_per_product = write_feed(feed, pictures)
        self._shop.index(feed, image_root=Path(pictures[0].path.anchor))

    def query(self, photo: Path, limit: int) -> list[str]:
        """Ids of the products nearest to a photo, best first."""
        if self._shop is None:
            raise RuntimeError("call index() first: there is nothing to search")
        hits = self._shop.search(photo, limit=limit * self._rows_per_product).hits
        return list(dict.fromkeys(hit.product.brand for hit in hits))[:limit]

    def close(self) -> None:
        """Close the shop and remove its data."""
        if self._shop is not None:
            self._shop.close()
        self._folder.cleanup()


def write_feed(feed: Path, pictures: Sequence[Picture]) -> int:
    """Write a feed of the products of pictures, as JSON Lines.

    The column ``brand`` holds the product's id, since a product with many pictures has several
    rows.

    Args:
        feed: The file.
        pictures: With absolute paths.

    Returns:
        The most rows that any product has.
    """
    owned: dict[str, list[str]] = defaultdict(list)
    for picture in pictures:
        owned[picture.product_id].append(str(picture.path))
    with feed.open("w", encoding="utf-8") as file:
        for product_id, links in owned.items():
            for start in range(0, len(links), PICTURES):
                row = {
                    "id": f"{product_id}/{start // PICTURES}",
                    "title": product_id,
                    "brand": product_id,
                    "image_link": links[start],
                    "additional_image_link": links[start + 1 : start + PICTURES],
                }
                file.write(json.dumps(row) + "\n")
    return max(math.ceil(len(links) / PICTURES) for links in owned.values())
