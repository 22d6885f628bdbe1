from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsight.images.boxes import Box
from shopsight.regions.crop import cropped, window

fractions = st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)).filter(
    lambda pair: abs(pair[0] - pair[1]) > 1e-3
)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """A box of some size."""
    (x1, x2), (y1, y2) = sorted(draw(fractions)), sorted(draw(fractions))
    return Box(x1, y1, x2, y2)


@given(boxes(), st.integers(1, 4000), st.integers(1, 4000), st.floats(0, 1))
def test_window_holds_the_box(box: Box, width: int, height: int, margin: float) -> None:
    """Whatever the box, its window lies inside the picture and has all of the box in it."""
    part = window(box, (width, height), margin)
    assert part.x1 <= box.x1 + 1e-6
    assert part.y1 <= box.y1 + 1e-6
    assert part.x2 >= box.x2 - 1e-6
    assert part.y2 >= box.y2 - 1e-6
    assert min(part) >= 0
    assert max(part) <= 1 + 1e-9


def test_window_is_square_in_pixels() -> None:
    """A tall thing in a wide picture gets a square with room on its sides."""
    part = window(Box(0.45, 0.2, 0.5, 0.8), (1000, 500), margin=0.1)
    assert (part.x2 - part.x1) * 1000 == pytest.approx(360)
    assert (part.y2 - part.y1) * 500 == pytest.approx(360)


def test_window_moves_rather_than_shrinks() -> None:
    """A thing at the edge gets as large a window as one in the middle."""
    part = window(Box(0.9, 0.4, 1.0, 0.6), (500, 500), margin=0.5)
    np.testing.assert_allclose(part, (0.6, 0.3, 1.0, 0.7))


@given(boxes(), st.integers(1, 200), st.integers(1, 200))
def test_crops_are_square(box: Box, width: int, height: int) -> None:
    """Of any picture and box the crop is a square with at least one pixel."""
    crop = cropped(Image.new("RGB", (width, height)), box)
    assert crop.width == crop.height > 0
    assert crop.mode == "RGB"


def test_crop_shows_the_thing() -> None:
    """All pixels of the thing are in its crop."""
    pixels = np.full((120, 300, 3), 200, np.uint8)
    pixels[30:90, 200:220] = (250, 0, 0)
    crop = np.asarray(cropped(Image.fromarray(pixels), Box(200 / 300, 0.25, 220 / 300, 0.75)))
    assert (crop == (250, 0, 0)).all(axis=2).sum() == 60 * 20


def test_narrow_picture_is_filled_up() -> None:
    """Where the picture is too narrow for a square, the colour of the cut's edges fills it up."""
    pixels = np.full((50, 300, 3), 90, np.uint8)
    pixels[20:30, 100:200] = (250, 0, 0)
    crop = np.asarray(cropped(Image.fromarray(pixels), Box(1 / 3, 0.4, 2 / 3, 0.6), margin=0.1))
    assert crop.shape == (120, 120, 3)
    assert (crop[0] == 90).all()
    assert (crop[-1] == 90).all()
    assert (crop == (250, 0, 0)).all(axis=2).sum() == 10 * 100
