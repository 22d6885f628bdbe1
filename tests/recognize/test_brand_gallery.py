from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from shopsight.errors import StorageError
from shopsight.images.boxes import WHOLE, Box, iou
from shopsight.recognize.brand_gallery import (
    Looks,
    gallery_of,
    looks_of_box,
    looks_of_logo,
    overlaps,
)
from shopsight.testing.fakes import ThumbnailEncoder

DIMENSION = 32
NOTHING = np.zeros((0, DIMENSION), np.float32)


def around(seed: int, count: int, spread: float = 0.3) -> np.ndarray:
    """Unit vectors around a direction of chance."""
    rng = np.random.default_rng(seed)
    middle = rng.normal(size=DIMENSION)
    rows = middle / np.linalg.norm(middle) + spread * rng.normal(size=(count, DIMENSION)) / 6
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_tells_brands_from_each_other_and_from_other_things() -> None:
    """Unseen vectors of a brand score highest for it; those of other things score low for all."""
    examples = {f"brand {n}": [Looks(around(n, 12)[:8], NOTHING)] for n in range(5)}
    other = around(100, 60, spread=6)
    gallery = gallery_of(examples, other[:50])
    assert gallery is not None
    for number in range(5):
        scores = gallery.scores(around(number, 12)[8:])
        assert (scores.argmax(axis=1) == gallery.brands.index(f"brand {number}")).all()
        assert scores.max() > 0.5
    assert gallery.scores(other[50:]).max() < 0.5


def test_many_examples_do_not_outweigh_few() -> None:
    """A brand with one example is told from one with a hundred."""
    few, many = around(1, 6), around(2, 100)
    gallery = gallery_of(
        {"few": [Looks(few[:1], NOTHING)], "many": [Looks(many, NOTHING)]}, NOTHING
    )
    assert gallery is not None
    assert (gallery.scores(few[1:]).argmax(axis=1) == gallery.brands.index("few")).all()


def test_without_examples_there_is_no_gallery() -> None:
    """No brand has a logo: nothing can be told."""
    assert gallery_of({}, NOTHING) is None
    assert gallery_of({"kavoa": []}, NOTHING) is None


def test_looks_are_packed_and_unpacked() -> None:
    """Looks come back, but for half precision; damaged bytes are an error that says what to do."""
    looks = Looks(around(0, 3), NOTHING)
    again = Looks.unpacked(looks.packed())
    np.testing.assert_allclose(again.shown, looks.shown, atol=1e-3)
    assert again.beside.shape == (0, DIMENSION)
    for damaged in (b"", b"nonsense", looks.packed()[:40]):
        with pytest.raises(StorageError, match="add the logo again"):
            Looks.unpacked(damaged)


def test_a_box_teaches_what_is_in_it_and_what_is_beside() -> None:
    """Windows beside the box do not touch it, and a box of all of the photo has nothing beside."""
    image = Image.new("RGB", (120, 80), (40, 60, 70))
    image.paste((220, 30, 30), (0, 0, 40, 30))
    encoder = ThumbnailEncoder()
    looks = looks_of_box(encoder, image, Box(0, 0, 1 / 3, 3 / 8))
    assert len(looks.shown) >= 4
    assert 0 < len(looks.beside) <= 20
    ground = encoder.encode_images(np.full((1, 32, 32, 3), (40, 60, 70), np.uint8))[0]
    assert (looks.beside @ ground > 0).all()
    assert len(looks_of_box(encoder, image, WHOLE).beside) == 0


def test_a_thin_box_is_learnt_too() -> None:
    """A box of less than a pixel has vectors of unit length."""
    image = Image.new("RGB", (64, 64), (90, 120, 30))
    looks = looks_of_box(ThumbnailEncoder(), image, Box(0.5, 0.5, 0.501, 0.501))
    np.testing.assert_allclose(np.linalg.norm(looks.shown, axis=1), 1, atol=1e-5)


def test_logos_are_learnt_by_views() -> None:
    """A logo has many views, and grounds without it; the same seed gives the same."""
    logo = Image.new("RGBA", (40, 20), (200, 30, 30, 255))
    looks = looks_of_logo(ThumbnailEncoder(), logo, seed=5)
    assert len(looks.shown) > len(looks.beside) > 0
    again = looks_of_logo(ThumbnailEncoder(), logo, seed=5)
    np.testing.assert_array_equal(looks.shown, again.shown)


def test_overlaps_are_those_of_boxes() -> None:
    """Many boxes at once give what one box gives."""
    rng = np.random.default_rng(1)
    corners = np.sort(rng.random((20, 2, 2)), axis=1).reshape(20, 4)
    box = Box(0.2, 0.3, 0.7, 0.8)
    found, covered = overlaps(corners, box)
    expected = [iou(Box(*row), box) for row in corners.tolist()]
    np.testing.assert_allclose(found, expected)
    assert ((covered >= 0) & (covered <= 1 + 1e-9)).all()
