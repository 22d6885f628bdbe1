from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shopsight.images.boxes import Box
from shopsight.images.preprocessing import Preprocessing
from shopsight.search.explaining.overlay import overlay_png
from shopsight.search.explaining.sight import sight

GREY = (120, 120, 120)
CROP = Preprocessing(size=64, fit="crop")
PAD = Preprocessing(size=64, fit="pad")


def cells(*places: tuple[int, int]) -> NDArray[np.float32]:
    """A 5 x 5 map, 1 at places and a little less than 0 elsewhere."""
    values = np.full((5, 5), -0.1, np.float32)
    for place in places:
        values[place] = 1
    return values


def painted(png: bytes) -> NDArray[np.bool_]:
    """Where a picture is not grey."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    return np.ptp(pixels.astype(int), axis=2) > 12


def test_it_is_a_small_picture() -> None:
    """The overlay is a PNG of at most 320 pixels, in the picture's proportions."""
    image = Image.new("RGB", (1600, 1200), GREY)
    made = Image.open(io.BytesIO(overlay_png(image, cells((2, 2)), sight(CROP, image.size))))
    assert (made.format, made.size) == ("PNG", (320, 240))
    assert image.size == (1600, 1200)


def test_small_pictures_stay_small() -> None:
    """A picture is not enlarged, and a smaller side can be asked for."""
    image = Image.new("RGB", (100, 80), GREY)
    seen = sight(CROP, image.size)
    assert Image.open(io.BytesIO(overlay_png(image, cells((2, 2)), seen))).size == (100, 80)
    smaller = overlay_png(image, cells((2, 2)), seen, side=50)
    assert Image.open(io.BytesIO(smaller)).size == (50, 40)


@pytest.mark.parametrize("place", [(0, 0), (0, 4), (2, 2), (4, 1)])
def test_paint_lies_where_the_cell_is(place: tuple[int, int]) -> None:
    """What a cell adds is painted around that cell's place on the picture."""
    image = Image.new("RGB", (300, 200), GREY)
    seen = sight(CROP, image.size)
    rows, columns = np.nonzero(painted(overlay_png(image, cells(place), seen)))
    x1, y1, x2, y2 = seen.cell_boxes(5, 5)[place]
    assert abs(columns.mean() / 300 - (x1 + x2) / 2) < 0.06
    assert abs(rows.mean() / 200 - (y1 + y2) / 2) < 0.06


def test_what_was_not_seen_stays_grey() -> None:
    """Beside the square that was cut out, and outside a box, nothing is painted."""
    everywhere = np.ones((5, 5), np.float32)
    image = Image.new("RGB", (300, 100), GREY)
    shown = painted(overlay_png(image, everywhere, sight(CROP, image.size)))
    assert shown[:, 100:200].all()
    assert not shown[:, :100].any()
    assert not shown[:, 200:].any()
    box = Box(0.1, 0.2, 0.4, 0.8)
    inside = painted(overlay_png(image, everywhere, sight(PAD, image.size, box)))
    assert inside[20:80, 30:120].all()
    assert inside.sum() == 60 * 90


def test_more_is_lighter() -> None:
    """The paint gets lighter with the contribution, so that it is read right in grey too."""
    image = Image.new("RGB", (320, 64), (0, 0, 0))
    seen = sight(Preprocessing(size=64, fit="stretch"), image.size)
    rising = np.tile(np.linspace(0.2, 1, 9, dtype=np.float32), (9, 1))
    made = Image.open(io.BytesIO(overlay_png(image, rising, seen)))
    between_middles = np.asarray(made.convert("L"))[32, 20:300].astype(int)
    assert (np.diff(between_middles[::16]) >= 0).all()
    assert (np.diff(between_middles[::56]) > 0).all()


@pytest.mark.parametrize("value", [0, -1])
def test_nothing_positive_paints_nothing(value: float) -> None:
    """Where no place speaks for the product, the picture is only grey."""
    image = Image.new("RGB", (60, 40), (200, 30, 90))
    none = np.full((5, 5), value, np.float32)
    assert not painted(overlay_png(image, none, sight(CROP, image.size))).any()


def test_scale_does_not_matter() -> None:
    """The map is relative to its largest contribution."""
    image = Image.new("RGB", (60, 40), GREY)
    seen = sight(CROP, image.size)
    one = overlay_png(image, cells((1, 1), (3, 3)), seen)
    assert overlay_png(image, cells((1, 1), (3, 3)) * np.float32(0.25), seen) == one


def test_is_deterministic() -> None:
    """The same input gives the same bytes."""
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    image = Image.fromarray(pixels)
    values = np.random.default_rng(1).normal(size=(9, 9)).astype(np.float32)
    seen = sight(CROP, image.size)
    assert overlay_png(image, values, seen) == overlay_png(image, values, seen)


def test_neighbouring_pixels_show_the_greys_between_the_palettes() -> None:
    """Where nothing is painted, the mean of a few pixels is the picture's grey, dimmed."""
    rising = np.tile(np.linspace(0, 255, 256).astype(np.uint8), (64, 1))
    image = Image.fromarray(np.stack([rising] * 3, axis=-1))
    made = Image.open(
        io.BytesIO(overlay_png(image, np.zeros((5, 5), np.float32), sight(CROP, image.size)))
    )
    assert len(made.getpalette() or []) <= 256 * 3
    blocks = np.asarray(made.convert("L")).reshape(16, 4, 64, 4).mean(axis=(1, 3))
    expected = 0.75 * rising.reshape(16, 4, 64, 4).mean(axis=(1, 3))
    assert np.abs(blocks - expected).max() < 1.5


@pytest.mark.parametrize("grey", [0, 77, 128, 200, 255])
def test_paint_lets_the_picture_through(grey: int) -> None:
    """The full paint covers seven tenths of the picture: what it shows is both, mixed."""
    image = Image.new("RGB", (64, 64), (grey, grey, grey))
    seen = sight(Preprocessing(size=64, fit="stretch"), image.size)
    made = Image.open(io.BytesIO(overlay_png(image, np.ones((5, 5), np.float32), seen)))
    shown = np.asarray(made.convert("RGB"), float).mean(axis=(0, 1))
    expected = 0.7 * np.array([240, 249, 33]) + 0.3 * 0.75 * grey
    assert np.abs(shown - expected).max() < 12  # half a shade, and half a step of grey


@pytest.mark.parametrize("size", [(16, 1), (1, 16), (17, 31)])
def test_odd_sizes_are_painted_whole(size: tuple[int, int]) -> None:
    """Every pixel is painted, whether or not there is one beside it."""
    image = Image.new("RGB", size, GREY)
    seen = sight(Preprocessing(size=64, fit="stretch"), image.size)
    assert painted(overlay_png(image, np.ones((5, 5), np.float32), seen)).all()
