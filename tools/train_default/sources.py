"""The pictures that the default encoder learns from, with their labels and splits."""

from __future__ import annotations

import csv
import hashlib
import io
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pyarrow import parquet

Pixels = NDArray[np.uint8]

LONGEST_SIDE = 288
HELD_OUT_SENDERS = 5
HELD_OUT_PRODUCTS = 4
HELD_OUT_DRAWINGS = 8
EMOJI = (
    (0x1F300, 0x1F3FA),
    (0x1F400, 0x1F5FF),
    (0x1F680, 0x1F6FC),
    (0x1F90C, 0x1F9FF),
    (0x1FA70, 0x1FAF8),
)
"""Blocks of pictographs, without skin tones and faces."""


class Box(NamedTuple):
    """Where a product is in its photo, as fractions of its width and height."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass
class Picture:
    """One picture in memory.

    Attributes:
        data: JPEG or PNG as read: decoding again is cheaper than the memory for all pixels.
        label: Index of its class in its set.
        box: Where the product is; ``None``: anywhere.
    """

    data: bytes
    label: int
    box: Box | None = None

    def pixels(self) -> Pixels:
        """``(h, w, 3)`` uint8 RGB, the longer side at most 288."""
        coded = np.frombuffer(self.data, np.uint8)
        found = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        if found is None:
            found = np.asarray(Image.open(io.BytesIO(self.data)).convert("RGB"))[:, :, ::-1]
        scale = LONGEST_SIDE / max(found.shape[:2])
        if scale < 1:
            found = cv2.resize(found, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(found[:, :, ::-1])


@dataclass
class Products:
    """Things with a catalogue picture each, and perhaps photos.

    Attributes:
        name: Of the set.
        catalogue: One picture per product; its label is its type.
        photos: Photos of each product, in the same order; empty where there are none.
        groups: Design that a product shares with others, which differ in colour only.
        types: Number of types.
    """

    name: str
    catalogue: list[Picture] = field(default_factory=list)
    photos: list[list[Picture]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    types: int = 0

    def __len__(self) -> int:
        return len(self.catalogue)


@dataclass
class Labelled:
    """Photos with a class each.

    Attributes:
        name: Of the set.
        pictures: The photos.
        classes: Number of classes.
    """

    name: str
    pictures: list[Picture] = field(default_factory=list)
    classes: int = 0


class _Numbers(dict[str, int]):
    """Numbers names in the order in which they come."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


def held_out_sender(sender: str) -> bool:
    """Whether photos of this sender are kept for validation: one sender in five."""
    return zlib.crc32(f"sender {sender}".encode()) % HELD_OUT_SENDERS == 0


def held_out_product(product: str) -> bool:
    """Whether this grocery product is never learnt: one in four."""
    return zlib.crc32(f"grocery {product}".encode()) % HELD_OUT_PRODUCTS == 0


def held_out_drawing(name: str) -> bool:
    """Whether this drawing of the clip art is never learnt: one in eight."""
    return zlib.crc32(f"clipart {name}".encode()) % HELD_OUT_DRAWINGS == 0


def held_out_design(design: str) -> bool:
    """Whether the colours of this design of Luma are not compared in the fit: every other one."""
    return zlib.crc32(design.encode()) % 2 == 1


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a CSV file as dictionaries."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


def clothing(root: Path) -> Labelled:
    """People's own clothes by type, without the senders held out and without duplicates."""
    numbers, seen, found = _Numbers(), set(), []
    for row in rows(root / "clothing" / "photos.csv"):
        if held_out_sender(row["sender"]):
            continue
        data = (root / "clothing" / row["photo"]).read_bytes()
        digest = hashlib.sha256(data).digest()
        if digest not in seen:
            seen.add(digest)
            found.append(Picture(data, numbers[row["label"]]))
    return Labelled("clothing", found, len(numbers))


def grocery(root: Path) -> Products:
    """Groceries photographed in shops, without the products held out."""
    folder = root / "grocery"
    products, positions, types = Products("grocery"), {}, _Numbers()
    for row in rows(folder / "products.csv"):
        if held_out_product(row["id"]):
            continue
        positions[row["id"]] = len(products)
        data = (folder / row["image_link"]).read_bytes()
        products.catalogue.append(Picture(data, types[row["product_type"]]))
        products.photos.append([])
        products.groups.append("")
    for row in rows(folder / "photos_train.csv"):
        if row["product_id"] in positions:
            position = positions[row["product_id"]]
            label = products.catalogue[position].label
            data = (folder / row["photo"]).read_bytes()
            products.photos[position].append(Picture(data, label))
    products.types = len(types)
    return products


def luma(root: Path) -> Products:
    """The Magento sample shop: product x colour."""
    types = _Numbers()
    products = Products("luma")
    for row in rows(root / "luma" / "catalog.csv"):
        data = (root / "luma" / row["image_link"]).read_bytes()
        products.catalogue.append(Picture(data, types[row["product_type"]]))
        products.groups.append(row["item_group_id"])
    products.photos = [[] for _ in products.catalogue]
    products.types = len(types)
    return products


def myntra(root: Path) -> Products:
    """Small pictures of fashion; a type is a path of the shop's tree with a colour."""
    table = parquet.read_table(root / "myntra" / "products.parquet")
    types, seen = _Numbers(), set()
    products = Products("myntra")
    for row in table.to_pylist():
        digest = hashlib.sha256(row["image"]).digest()
        if digest not in seen:
            seen.add(digest)
            products.catalogue.append(Picture(row["image"], types[row["product_type"]]))
            products.groups.append("")
    products.photos = [[] for _ in products.catalogue]
    products.types = len(types)
    return products


def renders(folder: Path) -> Products:
    """Renderings of our own: catalogue pictures and photos with boxes; see ``RENDERS.md``."""
    products, positions, types = Products("renders"), {}, _Numbers()
    for table in sorted(folder.glob("products*.csv")):
        for row in rows(table):
            path = folder / row["image"]
            if path.exists() and row["id"] not in positions:
                positions[row["id"]] = len(products)
                products.catalogue.append(Picture(path.read_bytes(), types[row["category"]]))
                products.photos.append([])
                products.groups.append(row["group"])
    for table in sorted(folder.glob("pairs*.csv")):
        for row in rows(table):
            path = folder / row["photo"]
            if row["role"] == "main" and row["id"] in positions and path.exists():
                position = positions[row["id"]]
                box = Box(*(float(row[side]) for side in Box._fields))
                label = products.catalogue[position].label
                products.photos[position].append(Picture(path.read_bytes(), label, box))
    products.types = len(types)
    return products


def drawings(fonts: Path = Path("/usr/share/fonts"), size: int = 109) -> Products:
    """Drawings of all kinds of things: the single-character emoji of a colour font, on white.

    Nothing is told of them but which is which: they keep the network from forgetting phones,
    furniture, animals and food while it learns clothes and groceries.
    """
    path = next(fonts.rglob("NotoColorEmoji.ttf"))
    font, found = ImageFont.truetype(path, size), Products("drawings")
    for first, last in EMOJI:
        for code in range(first, last + 1):
            page = Image.new("RGB", (160, 160), "white")
            ImageDraw.Draw(page).text(
                (80, 80), chr(code), font=font, anchor="mm", embedded_color=True
            )
            if np.asarray(page).min(axis=2).std() < 5:
                continue
            file = io.BytesIO()
            page.save(file, "PNG")
            found.catalogue.append(Picture(file.getvalue(), 0))
            found.groups.append("")
    found.photos = [[] for _ in found.catalogue]
    return found


def clipart(folder: Path) -> Products:
    """Drawings of all kinds of things, in the folder that ``clipart.py`` writes.

    Labels are their subjects, which say only what stands beside what in a batch.
    """
    products, subjects = Products("clipart"), _Numbers()
    for path in sorted(folder.glob("*.png")):
        if not held_out_drawing(path.name):
            subject = path.name.split("__", 1)[0]
            products.catalogue.append(Picture(path.read_bytes(), subjects[subject]))
            products.groups.append("")
    products.photos = [[] for _ in products.catalogue]
    return products


def foregrounds(pictures: list[Picture], threads: int = 2) -> list[Pixels | None]:
    """Foreground of each catalogue picture on a plain ground; see :func:`foreground`."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda picture: foreground(picture.pixels()), pictures))


def foreground(pixels: Pixels, tolerance: int = 12) -> Pixels | None:
    """Where the product is in a picture on a plain ground.

    The ground is what is connected to the border and has nearly the colour of the corners.

    Args:
        pixels: ``(h, w, 3)`` uint8.
        tolerance: Largest difference of a channel between neighbouring points of the ground.

    Returns:
        ``(h, w)`` uint8, 255 on the product; ``None`` if the ground is not plain.
    """
    height, width = pixels.shape[:2]
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).astype(np.int16)
    middle = np.median(border, axis=0)
    plain = np.abs(border - middle).max(axis=1) < 2 * tolerance
    if plain.mean() < 0.6 or middle.min() < 170:
        return None
    mask = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY
    step = (tolerance // 2,) * 3
    picture = np.ascontiguousarray(pixels)
    edges = [(x, y) for x in range(0, width, 4) for y in (0, height - 1)]
    edges += [(x, y) for y in range(0, height, 4) for x in (0, width - 1)]
    for x, y in edges:
        near = np.abs(pixels[y, x].astype(np.int16) - middle).max() < 2 * tolerance
        if not mask[y + 1, x + 1] and near:
            cv2.floodFill(picture, mask, (x, y), (0, 0, 0), step, step, flags)
    found: Pixels = 255 - mask[1:-1, 1:-1]
    share = float((found > 0).mean())
    return found if 0.03 < share < 0.9 else None
