"""Shops made up on the spot, for tests and benchmarks."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image


class SmallShop:
    """A folder with a feed and pictures that a test may change as it likes.

    Args:
        folder: Where it is made.
        count: Products in it.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.feed = folder / "feed.csv"
        self.rows = [self.row(number) for number in range(count)]
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            self.draw(f"p{number}.png", seed=number)
        self.write()

    @staticmethod
    def row(number: int) -> dict[str, str]:
        """Cells of product ``number``."""
        return {
            "id": f"p{number}",
            "title": f"Product {number}",
            "price": f"{number + 1}.00 EUR",
            "image_link": f"p{number}.png",
            "additional_image_link": "",
            "color": "red" if number % 2 else "blue",
        }

    def draw(self, name: str, *, seed: int) -> Path:
        """Draw a picture of coarse coloured squares that no other seed gives."""
        squares = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        path = self.folder / name
        Image.fromarray(squares).resize((96, 96), Image.Resampling.NEAREST).save(path)
        return path

    def write(self) -> None:
        """Write the feed as ``rows`` stand now."""
        with self.feed.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(self.row(0)))
            writer.writeheader()
            writer.writerows(self.rows)
