"""Shops made up on the spot, for tests and benchmarks."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


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


SHAPES = ("circle", "bar", "pole")
COLORS = {"red": (200, 30, 30), "green": (30, 150, 40), "blue": (30, 40, 200)}


class ShapesShop:
    """A folder with a feed of every shape in every colour, for tests of what makes things alike.

    Args:
        folder: Where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.feed = folder / "feed.csv"
        folder.mkdir(parents=True, exist_ok=True)
        with self.feed.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "title", "image_link", "color"])
            for shape in SHAPES:
                for color in COLORS:
                    name = f"{color}-{shape}"
                    link = self.draw(shape, color).name
                    writer.writerow([name, f"A {color} {shape}", link, color])

    def draw(self, shape: str, color: str, *, side: int = 56) -> Path:
        """Draw a picture of one thing on white.

        Args:
            shape: One of :data:`SHAPES`: a disc, something wide, or something tall.
            color: One of :data:`COLORS`.
            side: Longest of the thing, in pixels; the catalogue has 56, the picture 96.
        """
        image = Image.new("RGB", (96, 96), "white")
        pencil = ImageDraw.Draw(image)
        half, thin = side // 2, side // 8
        wide, high = {"circle": (half, half), "bar": (half, thin), "pole": (thin, half)}[shape]
        box = (48 - wide, 48 - high, 48 + wide, 48 + high)
        (pencil.ellipse if shape == "circle" else pencil.rectangle)(box, COLORS[color])
        path = self.folder / f"{color}-{shape}-{side}.png"
        image.save(path)
        return path
