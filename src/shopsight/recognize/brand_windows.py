"""Looks at a picture in many places at once, for logos are small.

An encoder's cells add up to its vector, so the sum over any rectangle of cells, scaled to unit
length, is nearly the vector of that part of the picture: hundreds of windows for one forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import CellEncoder, Encoder, Vectors
from shopsight.images.boxes import WHOLE, Box
from shopsight.images.crops import whole_square
from shopsight.images.prepare import to_pixels
from shopsight.images.preprocessing import Preprocessing
from shopsight.regions.base import Region
from shopsight.search.explaining.sight import Sight, sight
from shopsight.search.photos import joined, looks

Boxes = NDArray[np.float64]

SHAPES: Sequence[tuple[float, float]] = (
    (1, 1),
    (0.67, 1),
    (1, 0.67),
    (0.67, 0.67),
    (0.45, 0.67),
    (0.67, 0.45),
    (0.45, 0.45),
    (0.33, 0.55),
    (0.55, 0.33),
    (0.33, 0.33),
    (0.22, 0.33),
    (0.22, 0.22),
)
"""Heights and widths of windows, as shares of what the encoder sees."""

TILES: Sequence[float] = (0.6, 0.4)
"""Sides of the squares that a thorough look takes, as shares of the picture's shorter side."""

_STEP = 0.67  # of a tile's side from one to the next
_BATCH = 16


class Windows(NamedTuple):
    """Parts of a picture and their vectors.

    Attributes:
        vectors: ``(n, dimension)`` float32 of unit length.
        boxes: ``(n, 4)``: x1, y1, x2, y2 in fractions of the picture.
        things: ``(m, dimension)``: each thing as a search sees a main subject, with the picture
            as a whole weighed in; where nothing was found, the picture alone.
    """

    vectors: Vectors
    boxes: Boxes
    things: Vectors


def look(
    encoder: Encoder,
    image: Image.Image,
    things: Sequence[Region] = (),
    *,
    thorough: bool = False,
) -> Windows:
    """The windows of a picture: one forward pass of all of it, squeezed into a square.

    Args:
        encoder: With cells, or without: then each pass is one window.
        image: Upright, mode RGB.
        things: What was found on it, the main subject first.
        thorough: Look at overlapping tiles too, about twenty more passes: finds smaller logos.

    Raises:
        EncoderError: The model failed.
    """
    usual = encoder.spec.preprocessing
    squeezed = usual.model_copy(update={"fit": "stretch"})
    vectors, cells = _encoded(encoder, [(image, squeezed)])
    seen = []
    for thing in things or (None,):
        parts = looks(None, thing)
        meant = [part_vector(vectors[0], cells[0], part) for part, _ in parts]
        seen.append(joined(meant, [share for _, share in parts]))
    found = [pooled(vectors[0], cells[0], sight(squeezed, image.size))]
    tiles = _tiles(image.size) if thorough else []
    square = whole_square(usual)
    for start in range(0, len(tiles), _BATCH):
        batch = tiles[start : start + _BATCH]
        vectors, cells = _encoded(encoder, [(_part(image, box), square) for box in batch])
        found += [
            pooled(vector, grid, sight(square, image.size, box))
            for box, vector, grid in zip(batch, vectors, cells, strict=True)
        ]
    return Windows(
        np.concatenate([some for some, _ in found]),
        np.concatenate([places for _, places in found]),
        np.stack(seen),
    )


def part_vector(
    vector: NDArray[np.float32], cells: NDArray[np.float32] | None, box: Box
) -> NDArray[np.float32]:
    """Unit vector ``(dimension,)`` of a part of a squeezed picture.

    Args:
        vector: ``(dimension,)``: of all of it, and so of any part where cells are not known.
        cells: ``(h, w, dimension)``: what adds up to the vector; those on the edge of the part
            count as far as they are inside.
        box: The part.
    """
    if cells is None or box == WHOLE:
        return vector
    rows, columns, _ = cells.shape
    down = _inside(box.y1 * rows, box.y2 * rows, rows)
    across = _inside(box.x1 * columns, box.x2 * columns, columns)
    summed = np.einsum("i,j,ijd->d", down, across, cells)
    length = float(np.linalg.norm(summed))
    return (summed / length).astype(np.float32) if length > np.finfo(np.float32).eps else vector


def _inside(low: float, high: float, count: int) -> NDArray[np.float32]:
    """How much of each of ``count`` cells of length 1 is between two places, ``(count,)``."""
    starts = np.arange(count, dtype=np.float32)
    return (np.minimum(high, starts + 1) - np.maximum(low, starts)).clip(0, 1)


def pooled(
    vector: NDArray[np.float32], cells: NDArray[np.float32] | None, where: Sight
) -> tuple[Vectors, Boxes]:
    """Vectors and boxes of the windows of one look.

    Args:
        vector: ``(dimension,)``: of all of it.
        cells: ``(h, w, dimension)``: what adds up to the vector; ``None``: not known.
        where: Place of the look on the picture.

    Returns:
        ``(n, dimension)`` unit rows, and ``(n, 4)`` boxes; windows of nothing are left out.
    """
    if cells is None:
        return vector[None], np.array([where.part], np.float64)
    rows, columns, dimension = cells.shape
    sums = np.zeros((rows + 1, columns + 1, dimension), np.float32)
    sums[1:, 1:] = cells.cumsum(axis=0, dtype=np.float32).cumsum(axis=1, dtype=np.float32)
    places = _places(rows, columns)
    top, left, bottom, right = places.T
    vectors = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    grid = where.cell_boxes(rows, columns)
    first, last = grid[top, left], grid[bottom - 1, right - 1]
    boxes = np.concatenate([first[:, :2], last[:, 2:]], axis=1)
    lengths = np.linalg.norm(vectors, axis=1)
    shown = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    used = shown & (lengths > np.finfo(np.float32).eps)
    unit: Vectors = vectors[used] / lengths[used, None]
    return unit, boxes[used]


def _places(rows: int, columns: int) -> NDArray[np.intp]:
    """Windows of a grid as ``(top, left, bottom, right)`` in cells, each once."""
    found: dict[tuple[int, int, int, int], None] = {}
    for tall, wide in SHAPES:
        height, width = max(round(tall * rows), 1), max(round(wide * columns), 1)
        for top in range(0, rows - height + 1, max(height // 3, 1)):
            for left in range(0, columns - width + 1, max(width // 3, 1)):
                found[top, left, top + height, left + width] = None
    return np.array(list(found), np.intp)


def _encoded(
    encoder: Encoder, looks: Sequence[tuple[Image.Image, Preprocessing]]
) -> tuple[Vectors, Sequence[NDArray[np.float32] | None]]:
    pixels = np.stack([to_pixels(image, preprocessing) for image, preprocessing in looks])
    if isinstance(encoder, CellEncoder):
        vectors, cells = encoder.encode_cells(pixels)
        return vectors, list(cells)
    return encoder.encode_images(pixels), [None] * len(pixels)


def _part(image: Image.Image, box: Box) -> Image.Image:
    width, height = image.size
    return image.crop(
        (
            round(box.x1 * width),
            round(box.y1 * height),
            round(box.x2 * width),
            round(box.y2 * height),
        )
    )


def _tiles(size: tuple[int, int]) -> list[Box]:
    """Overlapping squares that cover a picture, as boxes."""
    width, height = size
    found = []
    for share in TILES:
        side = max(share * min(size), 1.0)
        across, down = (
            np.linspace(0, extent - side, max(2, round((extent - side) / (_STEP * side)) + 1))
            for extent in size
        )
        found += [
            Box(x / width, y / height, (x + side) / width, (y + side) / height)
            for x in across.tolist()
            for y in down.tolist()
        ]
    return found
