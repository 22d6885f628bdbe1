"""What composites are made of: products cut out, places to put them, and renders with boxes."""

from __future__ import annotations

import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "train_default"))

import sources  # its folder is on the path from here on

Pixels = NDArray[np.uint8]
Boxes = NDArray[np.float32]

SMALL_PICTURES = 3000
"""Of the tiny fashion pictures, so many are enough."""

LEAST_VISIBLE = 0.4
"""Of a product behind another one, or cut off: less is neither object nor background."""


MOST_OF_OUTLINE, ALONE, LEAST_PICTURE = 0.45, 0.9, 0.12
"""An outline is sure if it fills so much of its box, of all that stands out, and of the picture."""


@dataclass
class Photo:
    """A photo with boxes.

    Attributes:
        data: JPEG.
        boxes: ``(n, 4)`` float32, corners in fractions of the picture.
        wanted: ``(n,)`` bool: whether it should be found; otherwise what is there does not count.
    """

    data: bytes
    boxes: Boxes
    wanted: NDArray[np.bool_]

    def pixels(self) -> Pixels:
        """``(h, w, 3)`` uint8 RGB."""
        return decoded(self.data)


@dataclass
class Materials:
    """Everything to train on.

    Attributes:
        cutouts: By set, products as ``(h, w, 4)`` uint8 RGBA, cut to their outline.
        grounds: Parts of photos without a product, ``(h, w, 3)`` uint8 RGB.
        blurred: JPEGs of photos that may show products, fit to be a ground out of focus or by
            small parts.
        photos: Renders.
        clothes: Photos of clothes on a plain ground.
    """

    cutouts: dict[str, list[Pixels]] = field(default_factory=dict)
    grounds: list[Pixels] = field(default_factory=list)
    blurred: list[bytes] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)
    clothes: list[Photo] = field(default_factory=list)


def decoded(data: bytes) -> Pixels:
    """``(h, w, 3)`` uint8 RGB of a JPEG."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(found[:, :, ::-1])


def load(data: Path, renders: list[Path]) -> Materials:
    """Read everything.

    Args:
        data: Folder of the public photos: ``grocery``, ``clothing``, ``luma`` and ``myntra``.
        renders: Folders with ``photos/``, ``pairs*.csv`` and perhaps ``images/``.
    """
    rng = np.random.default_rng(0)
    groceries = sources.grocery(data)
    fashion = sources.myntra(data).catalogue
    some = rng.permutation(len(fashion))[:SMALL_PICTURES]
    pictures = {
        "renders": [p for folder in renders for p in sources.renders(folder).catalogue],
        "luma": sources.luma(data).catalogue,
        "myntra": [fashion[k] for k in some],
        "grocery": groceries.catalogue,
        "drawings": sources.drawings().catalogue,
    }
    found = Materials()
    for name, members in pictures.items():
        found.cutouts[name] = cutouts(members)
    clothes = sources.clothing(data).pictures
    found.clothes, found.cutouts["clothes"] = outlined(clothes)
    photos = [picture.data for photos in groceries.photos for picture in photos]
    photos += [picture.data for picture in clothes]
    found.blurred = [photos[k] for k in rng.permutation(len(photos))[:1500]]
    for folder in renders:
        found.photos += boxed(folder)
    found.grounds = [part for photo in found.photos for part in empty_parts(photo, rng)]
    return found


def cutouts(pictures: list[sources.Picture]) -> list[Pixels]:
    """The products of pictures on a plain ground, those on another one left out."""

    def cut(picture: sources.Picture) -> Pixels | None:
        pixels = picture.pixels()
        mask = sources.foreground(pixels)
        if mask is None:
            return None
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        if min(mask.shape) > 100:
            mask = cv2.erode(mask, np.ones((3, 3), np.uint8))
        ys, xs = np.nonzero(mask)
        if not len(ys):
            return None
        part = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        return np.ascontiguousarray(np.dstack([pixels, mask])[part])

    with ThreadPoolExecutor(2) as pool:
        return [found for found in pool.map(cut, pictures) if found is not None]


def outlined(pictures: list[sources.Picture]) -> tuple[list[Photo], list[Pixels]]:
    """Photos of one thing on a ground so plain that its outline is sure, and the things cut out."""

    def outline(picture: sources.Picture) -> tuple[Photo, Pixels] | None:
        pixels = picture.pixels()
        mask = sources.foreground(pixels)
        if mask is None:
            return None
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
        count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask)
        if count == 1:
            return None
        thing = 1 + int(statistics[1:, cv2.CC_STAT_AREA].argmax())
        x, y, width, height, area = (int(v) for v in statistics[thing])
        inside = min(x, y, mask.shape[1] - x - width, mask.shape[0] - y - height) > 1
        compact = area > MOST_OF_OUTLINE * width * height
        alone = area > ALONE * (mask > 0).sum() and area > LEAST_PICTURE * mask.size
        if not (inside and compact and alone):
            return None
        box = np.array([[x, y, x + width, y + height]], np.float32)
        box /= np.tile(mask.shape[::-1], 2)
        alpha = np.where(labels == thing, 255, 0).astype(np.uint8)
        cut = np.dstack([pixels, alpha])[y : y + height, x : x + width]
        return Photo(picture.data, box, np.ones(1, bool)), np.ascontiguousarray(cut)

    with ThreadPoolExecutor(2) as pool:
        found = [pair for pair in pool.map(outline, pictures) if pair is not None]
    return [photo for photo, _ in found], [cut for _, cut in found]


def boxed(folder: Path) -> list[Photo]:
    """Renders with the boxes of all products in them, the ones behind included."""
    by_photo: dict[str, list[dict[str, str]]] = defaultdict(list)
    for table in sorted(folder.glob("pairs*.csv")):
        for row in sources.rows(table):
            by_photo[row["photo"]].append(row)
    found = []
    for name, rows in by_photo.items():
        path = folder / name
        if not path.exists():
            continue
        boxes = np.array(
            [[float(r[s]) for s in ("x1", "y1", "x2", "y2")] for r in rows], np.float32
        )
        main = [row["role"] == "main" for row in rows]
        wanted = np.array(
            [m or _visible(box, boxes[main]) for m, box in zip(main, boxes, strict=True)]
        )
        found.append(Photo(path.read_bytes(), boxes, wanted))
    return found


def _visible(box: Boxes, before: Boxes) -> bool:
    """Whether enough is seen of a product that stands behind others."""
    low, high = np.maximum(box[:2], before[:, :2]), np.minimum(box[2:], before[:, 2:])
    hidden = np.clip(high - low, 0, None).prod(axis=1).sum()
    area = float((box[2:] - box[:2]).prod())
    narrow = float((box[2:] - box[:2]).min())
    return area > 0.015 and narrow > 0.08 and 1 - hidden / area > LEAST_VISIBLE


def empty_parts(photo: Photo, rng: np.random.Generator) -> list[Pixels]:
    """A part of a photo that has no box in it, if one is found."""
    pixels = photo.pixels()
    height, width = pixels.shape[:2]
    for _ in range(8):
        side = rng.uniform(0.25, 0.6, 2)
        corner = rng.uniform(0, 1 - side)
        apart = (photo.boxes[:, :2] > corner + side) | (photo.boxes[:, 2:] < corner)
        if apart.any(axis=1).all():
            x, y = (corner * (width, height)).astype(int)
            w, h = (side * (width, height)).astype(int)
            return [np.ascontiguousarray(pixels[y : y + h, x : x + w])]
    return []
