from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from shopsight.images.boxes import WHOLE, Box
from shopsight.images.prepare import to_pixels
from shopsight.images.preprocessing import Preprocessing
from shopsight.search.explaining.sight import sight

SIZE = 64
FITS = [
    Preprocessing(size=SIZE, fit="crop"),
    Preprocessing(size=SIZE, fit="crop", crop_ratio=0.8),
    Preprocessing(size=SIZE, fit="pad"),
    Preprocessing(size=SIZE, fit="stretch"),
]
fits = st.sampled_from(FITS)
sides = st.integers(100, 300)
edges = st.integers(0, 40)
"""Pixels that a box leaves out on each side."""


def prepared(
    preprocessing: Preprocessing, size: tuple[int, int], box: Box, spot: tuple[float, float]
) -> np.ndarray:
    """Pixels of a box of a black picture with a white spot somewhere, in fractions of the whole."""
    image = Image.new("RGB", size)
    x, y = spot[0] * size[0], spot[1] * size[1]
    ImageDraw.Draw(image).rectangle([x - 6, y - 6, x + 6, y + 6], fill="white")
    corners = [round(edge * size[side % 2]) for side, edge in enumerate(box)]
    black = preprocessing.model_copy(update={"background": (0, 0, 0)})
    return to_pixels(image.crop(tuple(corners)), black)


@given(fits, sides, sides, st.tuples(edges, edges, edges, edges))
def test_what_is_seen_is_found_again(
    preprocessing: Preprocessing, width: int, height: int, cut: tuple[int, int, int, int]
) -> None:
    """A spot on the encoder's pixels leads back to its place on the picture, for any box."""
    left, top, right, bottom = cut
    box = Box(left / width, top / height, 1 - right / width, 1 - bottom / height)
    seen = sight(preprocessing, (width, height), box)
    spot = ((seen.part.x1 + seen.part.x2) / 2 + 0.01, (seen.part.y1 + seen.part.y2) / 2 - 0.02)
    light = prepared(preprocessing, (width, height), box, spot)[..., 0].astype(float)
    along = (np.arange(SIZE) + 0.5) / SIZE
    x1, y1, x2, y2 = seen.square
    found_x = x1 + (x2 - x1) * (light.sum(axis=0) @ along) / light.sum()
    found_y = y1 + (y2 - y1) * (light.sum(axis=1) @ along) / light.sum()
    # A pixel of the square covers up to five of the picture, and spots are drawn on whole ones.
    assert abs(found_x - spot[0]) * width < 2
    assert abs(found_y - spot[1]) * height < 2


@given(fits, sides, sides, st.integers(1, 9), st.integers(1, 9))
def test_cells_tile_what_is_seen(
    preprocessing: Preprocessing, width: int, height: int, rows: int, columns: int
) -> None:
    """Cells cover the part that was seen, without gaps and overlaps, row by row."""
    seen = sight(preprocessing, (width, height))
    boxes = seen.cell_boxes(rows, columns)
    assert boxes.shape == (rows, columns, 4)
    areas = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    assert areas.sum() == pytest.approx(seen.part.area)
    assert (areas >= 0).all()
    np.testing.assert_allclose(boxes[:, 1:, 0], boxes[:, :-1, 2])
    np.testing.assert_allclose(boxes[1:, :, 1], boxes[:-1, :, 3])
    assert boxes.min() >= 0
    assert boxes.max() <= 1


def test_the_middle_is_cut_out() -> None:
    """Of a picture twice as wide as high, a square encoder sees the middle half."""
    seen = sight(FITS[0], (200, 100))
    assert seen.square == pytest.approx((0.25, 0, 0.75, 1))
    assert tuple(seen.part) == seen.square
    smaller = sight(FITS[1], (200, 100))
    assert smaller.square == pytest.approx((0.3, 0.1, 0.7, 0.9))


def test_padding_reaches_beyond_the_picture() -> None:
    """Padded, all of the picture is seen, and the rows above and below it have no area."""
    seen = sight(FITS[2], (200, 100))
    assert seen.square == pytest.approx((0, -0.5, 1, 1.5))
    assert seen.part == WHOLE
    boxes = seen.cell_boxes(4, 4)
    heights = boxes[:, 0, 3] - boxes[:, 0, 1]
    assert heights.tolist() == pytest.approx([0, 0.5, 0.5, 0])


def test_a_stretched_box_is_seen_whole() -> None:
    """A box that is stretched is seen just as it is."""
    box = Box(0.2, 0.4, 0.6, 0.9)
    seen = sight(FITS[3], (300, 100), box)
    assert seen.square == pytest.approx(tuple(box))
    assert tuple(seen.part) == pytest.approx(tuple(box))


def test_a_box_beyond_the_picture_is_seen_in_part() -> None:
    """Of a square that was filled up beyond the picture's edge, cells lie inside the picture."""
    seen = sight(FITS[0], (100, 200), Box(-0.5, 0.25, 1.5, 1.25))
    assert seen.square == pytest.approx((-0.5, 0.25, 1.5, 1.25))
    assert tuple(seen.part) == pytest.approx((0, 0.25, 1, 1))
    boxes = seen.cell_boxes(4, 4)
    assert (boxes[:, 0, 2] - boxes[:, 0, 0]).tolist() == [0] * 4
    assert boxes.min() == 0
    assert boxes.max() == 1
