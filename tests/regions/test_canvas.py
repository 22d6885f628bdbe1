from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsight.regions.canvas import UNIT, canvas_size, laid_out

sides = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("picture", "size"),
    [((900, 900), (256, 256)), ((4000, 3000), (288, 224)), ((300, 400), (224, 288))],
)
def test_canvas_follows_the_picture(picture: tuple[int, int], size: tuple[int, int]) -> None:
    """Upright, wide and square pictures get a canvas of their shape."""
    assert canvas_size(*picture, 66_000, 512) == size


@given(sides, sides)
def test_canvas_is_one_a_network_takes(width: int, height: int) -> None:
    """Whatever the picture, sides are multiples of the unit, and the limits are kept."""
    across, down = canvas_size(width, height, 66_000, 512)
    assert across % UNIT == down % UNIT == 0
    assert 0 < across * down <= 66_000
    assert max(across, down) <= 512


@given(st.integers(1, 300), st.integers(1, 300))
def test_whole_picture_is_on_the_canvas(width: int, height: int) -> None:
    """The corners of the laid-out picture are those of the picture, and no more of it is lost."""
    size = canvas_size(width, height, 20_000, 256)
    canvas = laid_out(Image.new("RGB", (width, height), (200, 10, 10)), size, fill=127)
    assert canvas.pixels.shape == (size[1], size[0], 3)
    assert (canvas.pixels[: canvas.height, : canvas.width] == (200, 10, 10)).all()
    assert (canvas.pixels[canvas.height :] == 127).all()
    assert (canvas.pixels[:, canvas.width :] == 127).all()
    assert canvas.width == size[0] or canvas.height == size[1]
    assert canvas.box(0, 0, canvas.width, canvas.height) == (0, 0, 1, 1)


def test_boxes_are_fractions_of_the_picture() -> None:
    """Pixels of the canvas become fractions of the picture, and what sticks out is cut off."""
    canvas = laid_out(Image.new("RGB", (400, 100)), (128, 64), fill=0)
    assert (canvas.width, canvas.height) == (128, 32)
    box = canvas.box(-5, 8, 64, 60)
    np.testing.assert_allclose(box, (0, 0.25, 0.5, 1))
