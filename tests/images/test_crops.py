from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsight.images.boxes import WHOLE, Box
from shopsight.images.crops import square_around, square_cut

sides = st.integers(8, 200)


def numbered(width: int, height: int) -> Image.Image:
    """A picture whose red says the column and whose green the row."""
    rows, columns = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([columns, rows, rows * 0], -1).astype(np.uint8))


@given(sides, sides, st.floats(0, 0.8), st.floats(0, 0.8), st.floats(0.1, 0.2), st.floats(0.1, 0.2))
def test_squares_hold_their_box(  # noqa: PLR0917  # a picture and a box have so many numbers
    width: int, height: int, x: float, y: float, wide: float, high: float
) -> None:
    """The square around a box is square in pixels, and loses at most a pixel of the box."""
    box = Box(x, y, x + wide, y + high)
    square = square_around((width, height), box)
    assert (square.x2 - square.x1) * width == pytest.approx((square.y2 - square.y1) * height)
    assert square.x1 * width <= box.x1 * width + 1
    assert square.x2 * width >= box.x2 * width - 1
    assert square.y1 * height <= box.y1 * height + 1
    assert square.y2 * height >= box.y2 * height - 1


def test_squares_are_moved_into_the_picture() -> None:
    """Near an edge the square is moved, not filled up: all of it is picture."""
    cut = np.asarray(square_cut(numbered(100, 60), Box(0.9, 0.2, 1.0, 0.8)))
    assert cut.shape == (36, 36, 3)
    assert cut[0, :, 0].tolist() == list(range(64, 100))


def test_edges_are_drawn_out_where_the_picture_ends() -> None:
    """A tall thing on a narrow picture is not cut off: the sides repeat the picture's edge."""
    cut = np.asarray(square_cut(numbered(40, 100), WHOLE))
    assert cut.shape == (100, 100, 3)
    assert cut[50, :31, 0].max() == 0
    assert cut[50, 70:, 0].min() == 39
    assert cut[:, 50, 1].tolist() == list(range(100))
