"""Reads barcodes and two-dimensional codes with ZXing-C++ (Apache-2.0).

The whole picture is read first. Where nothing is found but something looks like bars, that part is
cut out of the full picture, turned until its bars stand upright, enlarged and sharpened.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from shopsight.images.boxes import WHOLE, Box
from shopsight.recognize.gtins import gtin14, gtin_in_code, web_link

if TYPE_CHECKING:
    from zxingcpp import Barcode

SIDE = 1000
"""Longer side in pixels at which the whole picture is read."""

_CUT_SIDE = 900
_ENLARGED = (2.0, 3.0, 1.0)
_CELL = 12
"""Pixels of a cell, in which several bars must fit."""

_STRONG = 18.0
"""Step of brightness between neighbouring pixels of bars (root mean square, of 255), at least."""

_COHERENT = 0.8
"""Of bars, whose edges all have one direction; 1 at most. Letters have less, textures little."""

_ONE_SIDED = 0.45
"""Of an edge, which only gets darker or only brighter; 1 at most. Bars do both."""

_LEAST_CELLS = 8
_LEAST_FILLED = 0.5
"""Of the tilted box around the cells: lines of them are edges of things."""

_MARGIN_CELLS = 4

_MOST_TEXT = 2000
_LINEAR = ("EAN-13", "EAN-8", "UPC-A", "UPC-E", "ITF", "ITF-14")


class CodeKind(StrEnum):
    """What a code says."""

    GTIN = "gtin"
    LINK = "link"
    OTHER = "other"
    DAMAGED = "damaged"
    """A code of articles whose check digit does not fit."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code on a picture.

    Attributes:
        kind: What it says.
        text: As it was read.
        symbology: Such as ``EAN-13`` or ``QR Code``.
        box: Where it is.
        gtin: GTIN-14, if it carries one.
    """

    kind: CodeKind
    text: str
    symbology: str
    box: Box
    gtin: str = ""


def read_codes(image: Image.Image, budget_s: float) -> tuple[Code, ...]:
    """Read the codes on a picture.

    Args:
        image: Upright picture of mode RGB.
        budget_s: Seconds after which nothing further is tried; the whole picture is always read.

    Returns:
        Each code once, those that name an article first.
    """
    started = time.perf_counter()
    grey = image.convert("L")
    found: dict[tuple[CodeKind, str], Code] = {}
    for part, back in _attempts(grey):
        for code in _read(part, back):
            found.setdefault((code.kind, code.gtin or code.text), code)
        readable = any(kind is not CodeKind.DAMAGED for kind, _ in found)
        if readable or time.perf_counter() - started >= budget_s:
            break
    order = tuple(CodeKind)
    return tuple(sorted(found.values(), key=lambda code: order.index(code.kind)))


@dataclass(frozen=True, slots=True)
class _Back:
    """From pixels of a part that was cut out, turned and enlarged, to the picture.

    Attributes:
        size: Width and height of the part.
        centre: Of the part, in pixels of the picture.
        scale: Pixels of the part for one of the picture.
        angle: By which the part was turned, in radians, counter-clockwise.
        picture: Width and height of the picture.
        upright: Whether bars were made to stand upright.
    """

    size: tuple[int, int]
    centre: tuple[float, float]
    scale: float
    angle: float
    picture: tuple[int, int]
    upright: bool = False

    def box(self, points: Sequence[tuple[float, float]]) -> Box:
        """The upright box around points of the part."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        xs, ys = [], []
        for x, y in points:
            dx, dy = (x - self.size[0] / 2) / self.scale, (y - self.size[1] / 2) / self.scale
            xs.append((self.centre[0] + cos * dx - sin * dy) / self.picture[0])
            ys.append((self.centre[1] + sin * dx + cos * dy) / self.picture[1])
        box = Box(
            *(min(max(side, 0.0), 1.0) for side in (min(xs), min(ys))),
            *(min(max(side, 0.0), 1.0) for side in (max(xs), max(ys))),
        )
        return box if box.area > 0 else WHOLE


def _attempts(grey: Image.Image) -> Iterator[tuple[Image.Image, _Back]]:
    """The whole picture, then what looks like bars, in several scales."""
    scale = min(1.0, SIDE / max(grey.size))
    whole = grey if scale == 1 else grey.resize(_scaled(grey.size, scale), reducing_gap=2.0)
    middle = (grey.width / 2, grey.height / 2)
    yield whole, _Back(whole.size, middle, scale, 0.0, grey.size)
    bars = _bars(whole, scale)
    if bars is None:
        return
    centre, side, angle = bars
    for scale in dict.fromkeys(min(enlarged, _CUT_SIDE / side) for enlarged in _ENLARGED):
        part = _cut(grey, centre, max(round(side * scale), 1), scale, angle)
        back = _Back(part.size, centre, scale, angle, grey.size, upright=True)
        yield part, back
        yield part.filter(ImageFilter.UnsharpMask(radius=2 * scale, percent=200, threshold=0)), back


def _cut(
    grey: Image.Image, centre: tuple[float, float], length: int, scale: float, angle: float
) -> Image.Image:
    """A square part of a picture, turned and scaled."""
    cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
    half = length / 2
    matrix = (
        *(cos, -sin, centre[0] - cos * half + sin * half),
        *(sin, cos, centre[1] - sin * half - cos * half),
    )
    return grey.transform(
        (length, length), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=255
    )


def _bars(grey: Image.Image, scale: float) -> tuple[tuple[float, float], float, float] | None:
    """Where a picture looks like bars: centre and side, and the angle at which one crosses them.

    Args:
        grey: The picture.
        scale: Its pixels for one of the picture that the centre and the side are wanted of.

    Cells are judged by the structure tensor of the brightness (Bigun and Granlund, 1987).
    """
    if min(grey.size) <= 2 * _CELL:
        return None
    pixels = np.asarray(grey, np.float32)
    wide, high = np.diff(pixels, axis=1), np.diff(pixels, axis=0)
    half = np.float32(0.5)
    dx, dy = half * (wide[:-1] + wide[1:]), half * (high[:, :-1] + high[:, 1:])  # same places
    xx, yy, xy = (_cells(product) for product in (dx * dx, dy * dy, dx * dy))
    energy = np.maximum(xx + yy, 1e-6)
    coherence = np.hypot(xx - yy, 2 * xy) / energy
    one_sided = np.hypot(_cells(dx), _cells(dy)) / np.sqrt(energy)
    fitting = (np.sqrt(energy) >= _STRONG) & (coherence >= _COHERENT) & (one_sided <= _ONE_SIDED)
    cells = _largest_patch(fitting)
    if len(cells[0]) < _LEAST_CELLS:
        return None
    angle = 0.5 * math.atan2(2 * float(xy[cells].sum()), float((xx[cells] - yy[cells]).sum()))
    cos, sin = math.cos(angle), math.sin(angle)
    ys, xs = (one.astype(np.float64) + 0.5 for one in cells)
    across, along = cos * xs + sin * ys, cos * ys - sin * xs
    extents = float(np.ptp(across)) + 1, float(np.ptp(along)) + 1
    if len(xs) < _LEAST_FILLED * extents[0] * extents[1]:
        return None
    u, v = (across.min() + across.max()) / 2, (along.min() + along.max()) / 2
    centre = float(cos * u - sin * v) * _CELL / scale, float(sin * u + cos * v) * _CELL / scale
    return centre, (max(extents) + _MARGIN_CELLS) * _CELL / scale, angle


def _cells(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Means over squares of pixels."""
    rows, columns = (side // _CELL for side in values.shape)
    cut = values[: rows * _CELL, : columns * _CELL]
    means: NDArray[np.floating[Any]] = cut.reshape(rows, _CELL, columns, _CELL).mean(axis=(1, 3))
    return means


def _largest_patch(fitting: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the largest patch of neighbouring cells."""
    left = {(int(row), int(column)) for row, column in np.argwhere(fitting)}
    best: list[tuple[int, int]] = []
    while left:
        patch = [left.pop()]
        for row, column in patch:  # grows while it is walked through
            near = [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
            patch.extend(cell for cell in near if cell in left)
            left.difference_update(near)
        best = max(best, patch, key=len)
    rows, columns = np.array(best, np.intp).reshape(-1, 2).T
    return rows, columns


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


@cache
def _formats(*, upright: bool) -> Any:
    """What is looked for. Parts of longer codes, tilted, are taken for UPC-E."""
    from zxingcpp import BarcodeFormat as Format

    return (
        *(Format.EAN13, Format.EAN8, Format.UPCA, Format.ITF14),
        *(Format.QRCode, Format.DataMatrix, Format.DataBar, Format.Code128),
        *((Format.UPCE,) if upright else ()),
    )


def _read(part: Image.Image, back: _Back) -> Iterator[Code]:
    import zxingcpp

    for read in zxingcpp.read_barcodes(
        np.asarray(part), _formats(upright=back.upright), return_errors=True
    ):
        code = _code(read, back)
        if code is not None:
            yield code


def _code(read: Barcode, back: _Back) -> Code | None:
    import zxingcpp

    text = read.text[:_MOST_TEXT]
    symbology = str(read.format)
    place = read.position
    corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    box = back.box([(point.x, point.y) for point in corners])
    if not read.valid:
        wrong = read.error is not None and read.error.type == zxingcpp.ErrorType.Checksum
        if wrong and symbology in _LINEAR and text.isdigit():
            return Code(CodeKind.DAMAGED, text, symbology, box)
        return None
    gtin = gtin14(text) if symbology in _LINEAR else gtin_in_code(text)
    if gtin:
        return Code(CodeKind.GTIN, text, symbology, box, gtin)
    if symbology in _LINEAR:
        return Code(CodeKind.DAMAGED, text, symbology, box)
    return Code(CodeKind.LINK if web_link(text) else CodeKind.OTHER, text, symbology, box)
