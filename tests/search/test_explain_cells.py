from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.encoders.base import Encoder
from shopsight.errors import EncoderError
from shopsight.images.boxes import WHOLE, Box
from shopsight.images.preprocessing import Preprocessing
from shopsight.search.explaining.cells import (
    MOST_CELLS,
    CellCache,
    PictureCells,
    joined_cells,
    picture_cells,
)
from shopsight.search.explaining.occlusion import GRID, hidden, occlusion_cells
from shopsight.search.explaining.sight import sight
from shopsight.search.photos import joined
from shopsight.testing.encoder import sample_pixels
from shopsight.testing.fakes import ThumbnailEncoder, TwoPartEncoder

SIGHT = sight(ThumbnailEncoder().spec.preprocessing, (1, 1))


def some(value: float, cells: int = 4) -> PictureCells:
    """Cells that can be told by their value."""
    vector = np.full(8, value, np.float32)
    return PictureCells(vector, np.full((cells, cells, 8), value, np.float32), SIGHT, exact=True)


EACH = some(0).nbytes


class Maker:
    """Makes cells of pictures named by numbers, and remembers which it was asked for."""

    def __init__(self, keys: Sequence[int]) -> None:
        self.keys = keys
        self.made: list[int] = []

    def make(self, places: Sequence[int]) -> list[PictureCells]:
        """Cells whose value is the picture's number."""
        wanted = [self.keys[place] for place in places]
        self.made += wanted
        return [some(key) for key in wanted]


def asked(cache: CellCache, *keys: int) -> list[int]:
    """Ask for pictures, check that they are the right ones, and say which had to be made."""
    maker = Maker(keys)
    found = cache.get(keys, maker.make)
    assert [float(cells.vector[0]) for cells in found] == list(keys)
    return maker.made


@pytest.mark.parametrize("encoder", [ThumbnailEncoder(), TwoPartEncoder()], ids=["cells", "none"])
def test_pictures_get_cells_from_any_encoder(encoder: Encoder) -> None:
    """Each picture gets its own vector and cells, marked exact only if the encoder made them."""
    pixels = sample_pixels(encoder.spec.preprocessing, 3)
    found = picture_cells(encoder, pixels, [SIGHT] * 3)
    np.testing.assert_allclose(
        np.stack([each.vector for each in found]), encoder.encode_images(pixels), atol=1e-6
    )
    assert {each.exact for each in found} == {isinstance(encoder, ThumbnailEncoder)}
    assert all(each.cells.shape[2] == encoder.spec.dimension for each in found)
    assert picture_cells(encoder, pixels[:0], []) == []


def look(seed: int, box: Box, cells: int = 3) -> PictureCells:
    """A unit vector made of random cells, of a part of a picture of 300 x 200 pixels."""
    values = np.random.default_rng(seed).normal(size=(cells, cells, 8)).astype(np.float32)
    values /= np.linalg.norm(values.sum(axis=(0, 1)))
    where = sight(Preprocessing(size=32, fit="stretch"), (300, 200), box)
    return PictureCells(values.sum(axis=(0, 1)), values, where, exact=True)


@given(st.integers(0, 10**6), st.floats(0.1, 1), st.floats(0.1, 1))
def test_looks_are_joined_as_searches_join_them(seed: int, first: float, second: float) -> None:
    """Joined cells add up to the joined vector, whatever the looks' shares, places and grids."""
    left, top, wide, high = np.random.default_rng(seed).uniform(0.05, 0.45, 4).tolist()
    looks = [look(seed, WHOLE, 4), look(seed + 1, Box(left, top, left + wide, top + high))]
    found = joined_cells(looks, [first, second])
    expected = joined([one.vector for one in looks], [first, second])
    assert found.exact
    np.testing.assert_allclose(found.vector, expected, atol=1e-5)
    np.testing.assert_allclose(found.cells.sum(axis=(0, 1)), expected, atol=1e-5)
    assert max(found.cells.shape[:2]) <= MOST_CELLS


def test_joined_looks_stay_in_their_places() -> None:
    """What a look at a part adds lies in that part, and the finest look sets the grid."""
    corner = Box(0.5, 0.5, 1, 1)
    nothing = look(1, WHOLE)
    nothing = PictureCells(nothing.vector, np.zeros_like(nothing.cells), nothing.sight, exact=True)
    found = joined_cells([nothing, look(2, corner)], [1, 1])
    assert found.cells.shape[:2] == (6, 6)
    assert np.abs(found.cells[3:, 3:]).min() > 0
    assert np.abs(found.cells[:3]).max() == np.abs(found.cells[:, :3]).max() == 0
    assert found.sight.part == WHOLE


def test_a_part_outside_the_first_look_is_kept() -> None:
    """A look that reaches beyond the other, even beyond the picture, loses nothing."""
    middle, edge = look(1, Box(0.25, 0, 0.75, 1)), look(2, Box(0.8, -0.1, 1.1, 0.4))
    found = joined_cells([middle, edge], [0.5, 0.5])
    np.testing.assert_allclose(found.cells.sum(axis=(0, 1)), found.vector, atol=1e-5)
    assert found.sight.square == pytest.approx((0.25, -0.1, 1.1, 1))
    assert tuple(found.sight.part) == pytest.approx((0.25, 0, 1, 1))


def test_one_look_is_itself() -> None:
    """A single look, and looks that cancel each other out, leave the first as it is."""
    one = look(1, WHOLE)
    assert joined_cells([one], [0.3]) is one
    assert joined_cells([one, one], [1, -1]) is one


def test_each_place_is_hidden_once() -> None:
    """The copies differ from the picture in one place each, and together everywhere."""
    pixels = np.random.default_rng(0).integers(0, 100, (32, 32, 3)).astype(np.uint8)
    pixels[[0, -1]] = pixels[:, [0, -1]] = 200
    pixels[1:-1, 1:-1] = np.minimum(pixels[1:-1, 1:-1], 100)
    copies = hidden(pixels)
    changed = (copies != pixels).any(axis=3)
    assert copies.shape == (GRID**2, 32, 32, 3)
    assert (copies[changed] == 200).all()
    np.testing.assert_array_equal(changed[:, 1:-1, 1:-1].sum(axis=0), 1)
    assert not changed[:, 0].any()


def test_hiding_the_thing_matters_most() -> None:
    """On a red square before white, the places of the square change the vector, others hardly."""
    pixels = np.full((32, 32, 3), 255, np.uint8)
    pixels[10:22, 10:22] = (200, 20, 20)
    vector, cells = occlusion_cells(ThumbnailEncoder(), pixels)
    lengths = np.linalg.norm(cells, axis=2)
    assert cells.shape == (GRID, GRID, len(vector))
    assert lengths[2:5, 2:5].min() > 10 * lengths[[0, -1]].max()


def test_encoders_errors_come_through() -> None:
    """Pixels of a wrong size are an error of the encoder, with cells and without."""
    wrong = np.zeros((1, 16, 16, 3), np.uint8)
    for encoder in (ThumbnailEncoder(), TwoPartEncoder()):
        with pytest.raises(EncoderError, match="32, 32, 3"):
            picture_cells(encoder, wrong, [SIGHT])


def test_known_pictures_are_not_made_again() -> None:
    """Only what is missing is made, each picture once, and all come in the order asked for."""
    cache = CellCache(10 * EACH)
    assert asked(cache, 1, 2) == [1, 2]
    assert asked(cache, 2, 3, 1, 3) == [3]
    assert asked(cache, 3, 2, 1) == []
    assert len(cache) == 3
    assert cache.nbytes == 3 * EACH


def test_what_was_not_used_goes_first() -> None:
    """A full cache forgets what was asked for longest ago."""
    cache = CellCache(2 * EACH)
    asked(cache, 1)
    asked(cache, 2)
    asked(cache, 1)
    asked(cache, 3)
    assert asked(cache, 1) == []
    assert asked(cache, 2) == [2]


@given(st.lists(st.lists(st.integers(0, 6), max_size=5), max_size=12), st.integers(0, 5))
def test_memory_is_bounded(requests: list[list[int]], room: int) -> None:
    """Whatever is asked for, answers are right and memory is never more than allowed."""
    cache = CellCache(room * EACH)
    for keys in requests:
        asked(cache, *keys)
        assert cache.nbytes == len(cache) * EACH <= room * EACH


def test_too_large_is_answered_and_not_kept() -> None:
    """A picture that does not fit is made each time."""
    cache = CellCache(EACH - 1)
    assert asked(cache, 1) == [1]
    assert asked(cache, 1) == [1]
    assert cache.nbytes == 0


def test_kept_cells_do_not_hold_their_batch() -> None:
    """Rows of a batch are kept as arrays of their own, so that the count of memory is true."""
    encoder = ThumbnailEncoder()
    pixels = sample_pixels(encoder.spec.preprocessing, 3)
    cache = CellCache(10**7)
    found = cache.get("abc", lambda _: picture_cells(encoder, pixels, [SIGHT] * 3))
    assert all(each.cells.base is None and each.vector.base is None for each in found)


def test_failures_are_not_kept() -> None:
    """What could not be made is tried again, and what is known stays."""
    cache = CellCache(10 * EACH)
    asked(cache, 1)

    def fail(_: Sequence[int]) -> list[PictureCells]:
        raise EncoderError("closed")

    with pytest.raises(EncoderError):
        cache.get([1, 2], fail)
    assert asked(cache, 1, 2) == [2]


def test_cleared_is_empty() -> None:
    """After clearing, nothing is known and no memory is in use."""
    cache = CellCache(10 * EACH)
    asked(cache, 1, 2)
    cache.clear()
    assert (len(cache), cache.nbytes) == (0, 0)
    assert asked(cache, 2) == [2]


def test_threads_share_a_cache() -> None:
    """Threads that ask at once all get the right cells, and the count of memory stays true."""
    cache = CellCache(3 * EACH)
    start = threading.Barrier(4)

    def ask(seed: int) -> None:
        keys = np.random.default_rng(seed).integers(0, 8, (60, 3))
        start.wait()
        for row in keys.tolist():
            asked(cache, *row)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(4)))
    assert cache.nbytes == len(cache) * EACH == 3 * EACH
