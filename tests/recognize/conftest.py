from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from shopsight.settings import Settings
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

PRODUCTS = {
    "p0": {"title": "Peppermint tea", "brand": "Tavenny", "gtin": "2085082080230"},
    "p1": {"title": "Jasmine tea", "brand": "Tavenny", "gtin": "012345678905"},
    "p2": {"title": "Quiet lamp", "brand": "Lumetra", "mpn": "AX-2041"},
    "p3": {"title": "Walnut bowl", "brand": "Kavoa", "gtin": "2026274143234"},
    "p4": {"title": "Oak bowl", "brand": "Kavoa", "gtin": "2026274143234"},
    "p5": {"title": "Paper lamp", "brand": "Lumetra"},
}
"""What the products are called; the last two bowls have the same code."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures p0.png to p23.png and their feed.csv; those of ``PRODUCTS`` have names and codes."""
    folder = tmp_path_factory.mktemp("recognize")
    made = SmallShop(folder, 24)
    columns = [*made.rows[0], "brand", "gtin", "mpn", "link"]
    with made.feed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for row in made.rows:
            link = f"https://www.shop.example/p/{row['id']}"
            writer.writerow(row | {"link": link} | PRODUCTS.get(row["id"], {}))
    return folder


@pytest.fixture(scope="session")
def open_shop(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Shop]]:
    """Opens the shop of ``folder`` with settings of one's own."""
    data = tmp_path_factory.mktemp("data")
    opened: list[Shop] = []

    def open_one(**more: object) -> Shop:
        usual = {
            "data": data,
            "encoder": "thumbnail",
            "detector": "none",
            "store": "exact",
            "calibrate": False,
        }
        opened.append(Shop.open(settings=Settings.model_validate(usual | {"threads": 1} | more)))
        return opened[-1]

    open_one().index(folder / "feed.csv")
    yield open_one
    for shop in opened:
        shop.close()


@pytest.fixture(scope="session")
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """That shop, which reads no text."""
    return open_shop(ocr="off")


def barcode(text: str, kind: str = "EAN13", *, scale: int = 3) -> Image.Image:
    """A code as it is printed, black on white."""
    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.__members__[kind])
    return Image.fromarray(np.asarray(made.to_image(scale=scale))).convert("RGB")


def photo_with(
    *things: tuple[Image.Image, tuple[int, int]], ground: Path | None = None
) -> Image.Image:
    """A photo of 900 x 700 pixels with pictures laid on it, on grey or on another picture."""
    if ground is None:
        photo = Image.new("RGB", (900, 700), (196, 190, 180))
    else:
        with Image.open(ground) as image:
            photo = image.convert("RGB").resize((900, 700), Image.Resampling.NEAREST)
    for thing, place in things:
        card = Image.new("RGB", (thing.width + 60, thing.height + 60), "white")
        card.paste(thing, (30, 30))
        photo.paste(card, place)
    return photo


def label(*lines: str, height: int = 64) -> Image.Image:
    """Lines of text, black on white."""
    font = ImageFont.load_default(height)
    width = max(round(font.getlength(line)) for line in lines)
    image = Image.new("RGB", (width + 20, round(height * 1.5) * len(lines)), "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((10, number * height * 1.5), line, fill="black", font=font)
    return image
