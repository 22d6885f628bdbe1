from __future__ import annotations

import numpy as np
import pytest

from shopsight.encoders.base import EncoderSpec, Part
from shopsight.encoders.places import (
    LENGTH,
    Places,
    encoded_with_places,
    photo_places,
    picture_places,
)
from shopsight.images.preprocessing import Preprocessing
from shopsight.testing.fakes import ThumbnailEncoder

SIDE, GRID, SHAPE = 96, 4, 160
SPEC = EncoderSpec(
    name="cells",
    dimension=SHAPE + 8,
    preprocessing=Preprocessing(size=SIDE),
    fingerprint="cells-1",
    licence="Apache-2.0",
    source="this test",
    parts=(
        Part(name="shape", start=0, stop=SHAPE),
        Part(name="color", start=SHAPE, stop=SHAPE + 8),
    ),
)


@pytest.fixture
def cells() -> np.ndarray:
    """Cells of some picture."""
    made = np.random.default_rng(0).standard_normal((GRID, GRID, SPEC.dimension))
    return made.astype(np.float32)


def red_square() -> np.ndarray:
    """White, with a red square over the four places in the middle."""
    pixels = np.full((SIDE, SIDE, 3), 255, np.uint8)
    pixels[24:72, 24:72] = (255, 0, 0)
    return pixels


def test_pictures_keep_the_thing(cells: np.ndarray) -> None:
    """Of a picture on plain ground, the places of the thing are kept, with its own colour."""
    places = picture_places(SPEC, red_square(), cells)
    assert places.looks.shape == (4, LENGTH)
    np.testing.assert_allclose(places.colors, [[1, 0, 0]] * 4, atol=1e-6)
    np.testing.assert_allclose(places.weights, [0.25] * 4)
    own = cells[1, 1, :LENGTH]
    np.testing.assert_allclose(places.looks[0], own / np.linalg.norm(own), atol=1e-6)


def test_photos_keep_everything(cells: np.ndarray) -> None:
    """Of a photo, and of a picture of nothing, all places are kept, with their mean colours."""
    photo = photo_places(SPEC, red_square(), cells)
    assert photo.looks.shape == (GRID * GRID, LENGTH)
    np.testing.assert_allclose(photo.colors[0], [1, 1, 1], atol=1e-6)
    blank = picture_places(SPEC, np.full((SIDE, SIDE, 3), 9, np.uint8), cells)
    assert len(blank.weights) == GRID * GRID
    assert blank.weights.sum() == pytest.approx(1)


def test_packing_keeps_places(cells: np.ndarray) -> None:
    """What is packed comes back nearly as it was, and takes a few bytes for each number."""
    places = picture_places(SPEC, red_square(), cells)
    packed = places.to_bytes()
    back = Places.from_bytes(packed)
    assert back is not None
    assert len(packed) == 5 + 4 * (LENGTH + 8)
    assert (back.looks * places.looks).sum(axis=1).min() > 0.999
    np.testing.assert_allclose(back.colors, places.colors, atol=1e-4)
    np.testing.assert_allclose(back.weights, places.weights, atol=1e-4)


@pytest.mark.parametrize("damage", [b"", b"\x01", b"\x02" + bytes(40), b"\x01\xff\xff\xff\xff"])
def test_damaged_places_are_none(damage: bytes) -> None:
    """What is cut off, or of another edition, is no error but nothing."""
    assert Places.from_bytes(damage) is None


class WithoutCells:
    """An encoder that says nothing of places."""

    def __init__(self) -> None:
        self._encoder = ThumbnailEncoder()
        self.spec = self._encoder.spec
        self.encode_images = self._encoder.encode_images
        self.close = self._encoder.close


def test_encoders_without_cells_tell_no_places() -> None:
    """Vectors are those of the encoder, and there are no places; with cells there are."""
    encoder = WithoutCells()
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    vectors, places = encoded_with_places(encoder, pixels)
    np.testing.assert_array_equal(vectors, encoder.encode_images(pixels))
    assert places == [None, None, None]
    same, told = encoded_with_places(ThumbnailEncoder(), pixels)
    np.testing.assert_allclose(same, vectors, atol=1e-6)
    assert None not in told
