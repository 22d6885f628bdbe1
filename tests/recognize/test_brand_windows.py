from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from shopsight.images.boxes import Box
from shopsight.images.preprocessing import Preprocessing
from shopsight.recognize.brand_windows import look, part_vector, pooled
from shopsight.regions.base import Region
from shopsight.search.explaining.sight import sight
from shopsight.testing.fakes import ThumbnailEncoder, TwoPartEncoder


def painted(size: tuple[int, int]) -> Image.Image:
    """A blue picture with a red corner at the lower right."""
    image = Image.new("RGB", size, (20, 40, 200))
    width, height = size
    image.paste((230, 30, 20), (width // 2, height // 2, width, height))
    return image


def test_windows_are_sums_of_cells() -> None:
    """Each window's vector is the sum of the cells in its box, at unit length."""
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(9, 9, 5)).astype(np.float32)
    where = sight(Preprocessing(size=32, fit="stretch"), (300, 200))
    vectors, boxes = pooled(cells.sum(axis=(0, 1)), cells, where)
    for vector, box in zip(vectors, boxes, strict=True):
        left, top, right, bottom = np.rint(box * 9).astype(int)
        expected = cells[top:bottom, left:right].sum(axis=(0, 1))
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-4)
    assert len({tuple(box) for box in boxes.tolist()}) == len(boxes)


@pytest.mark.parametrize("size", [(64, 64), (300, 40), (40, 300), (17, 16)])
@pytest.mark.parametrize("thorough", [False, True])
def test_windows_are_inside_the_picture(size: tuple[int, int], *, thorough: bool) -> None:
    """Boxes are parts of the picture, vectors have unit length, whatever the proportions."""
    seen = look(ThumbnailEncoder(), painted(size), thorough=thorough)
    assert len(seen.vectors) == len(seen.boxes) > 10
    np.testing.assert_allclose(np.linalg.norm(seen.vectors, axis=1), 1, atol=1e-5)
    assert (seen.boxes >= 0).all()
    assert (seen.boxes <= 1 + 1e-9).all()
    assert (seen.boxes[:, 2:] > seen.boxes[:, :2]).all()


def test_the_window_of_a_thing_shows_it_alone() -> None:
    """The best window for red is inside the red corner."""
    seen = look(ThumbnailEncoder(), painted((300, 200)))
    red = seen.vectors.reshape(len(seen.vectors), -1, 3)
    redness = (red[..., 0] - red[..., 2]).sum(axis=1)
    best = seen.boxes[int(redness.argmax())]
    assert (best[:2] >= 0.45).all()


def test_an_encoder_without_cells_sees_whole_looks() -> None:
    """Without cells each forward pass is one window."""
    quick = look(TwoPartEncoder(), painted((300, 200)))
    assert len(quick.vectors) == 1
    assert len(look(TwoPartEncoder(), painted((300, 200)), thorough=True).vectors) > 10


def test_what_is_meant_is_the_sum_of_its_cells() -> None:
    """A part's vector is that of its cells, those on its edge as far as they are inside."""
    cells = np.random.default_rng(0).normal(size=(4, 4, 5)).astype(np.float32)
    whole = cells.sum(axis=(0, 1))
    expected = cells[1, 1:3].sum(axis=0) + 0.5 * cells[2, 1:3].sum(axis=0)
    found = part_vector(whole, cells, Box(0.25, 0.25, 0.75, 0.625))
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-5)
    assert part_vector(whole, None, Box(0, 0, 0.5, 0.5)) is whole


def test_each_thing_weighs_as_it_is_sure() -> None:
    """A thing's vector, which like products are found by, turns from the whole to it."""
    picture, corner = painted((300, 200)), Box(0.5, 0.5, 1, 1)
    plain = look(ThumbnailEncoder(), picture).things
    sure, unsure = Region(corner, 1.0), Region(corner, 0.2)
    meant = look(ThumbnailEncoder(), picture, [sure, unsure]).things
    (alone,) = look(ThumbnailEncoder(), picture.crop((150, 100, 300, 200))).things
    assert len(plain) == 1
    assert plain[0] @ alone < meant[1] @ alone < meant[0] @ alone < 1
    np.testing.assert_allclose(np.linalg.norm(meant, axis=1), 1, atol=1e-5)
