from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsight.images.boxes import WHOLE, Box
from shopsight.images.crops import square_around, square_cut, whole_square
from shopsight.images.prepare import to_pixels
from shopsight.images.preprocessing import Preprocessing

sides = st.integers(8, 200)
any_sides = st.integers(1, 200)
spans = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted).filter(lambda x: x[0] < x[1])


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


@given(any_sides, any_sides, spans, spans)
def test_any_box_of_any_picture_gives_a_square(
    width: int, height: int, across: list[float], down: list[float]
) -> None:
    """Hair-thin boxes and pictures of a pixel give squares too, of at least one pixel."""
    cut = square_cut(numbered(width, height), Box(across[0], down[0], across[1], down[1]))
    assert cut.width == cut.height > 0
    assert cut.mode == "RGB"


def test_cuts_show_the_thing() -> None:
    """All pixels of the thing are in its square, and what is around it is at its sides."""
    pixels = np.full((120, 300, 3), 200, np.uint8)
    pixels[30:90, 200:220] = (250, 0, 0)
    cut = np.asarray(square_cut(Image.fromarray(pixels), Box(200 / 300, 0.25, 220 / 300, 0.75)))
    assert cut.shape == (60, 60, 3)
    assert (cut == (250, 0, 0)).all(axis=2).sum() == 60 * 20
    assert (cut[:, 20:40] == (250, 0, 0)).all()


def test_nothing_more_is_cut_off_squares() -> None:
    """An encoder that cuts the middle out of pictures is shown squares whole."""
    geometry = Preprocessing(size=32, fit="crop", crop_ratio=0.875)
    square = np.zeros((40, 40, 3), np.uint8)
    square[:2] = 255
    shown = to_pixels(Image.fromarray(square), whole_square(geometry))
    assert shown[0].min() > 200
    assert to_pixels(Image.fromarray(square), geometry)[0].max() < 50
