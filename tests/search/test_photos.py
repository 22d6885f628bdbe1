from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsight.errors import DecodeError
from shopsight.images.boxes import WHOLE, Box
from shopsight.images.prepare import ImageLimits
from shopsight.regions.base import Region
from shopsight.search.cache import EmbeddingCache
from shopsight.search.clock import Clock
from shopsight.search.explaining.cells import CellCache
from shopsight.search.photos import PhotoReader, joined, looks
from shopsight.testing.fakes import ThumbnailEncoder

LEFT, RIGHT = Box(0.0, 0.25, 0.4, 0.75), Box(0.55, 0.2, 1.0, 0.8)


class TwoThings:
    """Finds the same two things on every picture, the right one more surely."""

    name = "two things"

    def find(self, image: Image.Image) -> tuple[Region, ...]:
        """The things."""
        del image
        return (Region(RIGHT, 0.9), Region(LEFT, 0.8))

    def close(self) -> None:
        """Nothing to free."""


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    """Red on the left, blue on the right."""
    pixels = np.full((120, 160, 3), 230, np.uint8)
    pixels[30:90, :60] = (200, 20, 20)
    pixels[24:96, 90:] = (20, 20, 200)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path.read_bytes()


@pytest.fixture
def reader() -> PhotoReader:
    """Reads photos with a detector that knows the answer."""
    encoder = ThumbnailEncoder()
    return PhotoReader(
        ImageLimits(),
        encoder=lambda: encoder,
        encode=encoder.encode_images,
        finder=TwoThings,
        embeddings=EmbeddingCache(),
        seen=CellCache(10**7),
    )


def test_objects_are_listed_and_the_subject_is_searched(reader: PhotoReader, photo: bytes) -> None:
    """Without a box, both things are listed and the more prominent one is the one searched for."""
    read = reader.read(photo, box=None, regions=True, clock=Clock())
    assert [(one.box, one.searched) for one in read.objects] == [(RIGHT, True), (LEFT, False)]
    assert read.box == RIGHT


def test_things_begin_with_the_main_subject(reader: PhotoReader, photo: bytes) -> None:
    """All things worth showing are told, main subject first; none if they are not looked for."""
    image = reader.decoded(photo)
    assert [one.box for one in reader.things(image, regions=True)] == [RIGHT, LEFT]
    assert reader.things(image, regions=False) == []


def test_a_box_decides_alone(reader: PhotoReader, photo: bytes) -> None:
    """With a box the vector is that of the box, whatever the detector says."""
    read = reader.read(photo, box=LEFT, regions=True, clock=Clock())
    without = reader.read(photo, box=LEFT, regions=False, clock=Clock())
    assert read.box == LEFT
    assert np.array_equal(read.vector, without.vector)
    assert without.objects == ()
    other = reader.read(photo, box=RIGHT, regions=False, clock=Clock())
    assert not np.allclose(read.vector, other.vector, atol=0.05)


def test_a_drawn_box_is_searched_like_a_found_one(reader: PhotoReader, photo: bytes) -> None:
    """Choosing a thing that was found asks for what its own hits were found by."""
    drawn = reader.read(photo, box=LEFT, regions=False, clock=Clock())
    found = reader.encoded(reader.decoded(photo, LEFT), [LEFT])
    assert np.allclose(drawn.vector, found[0], atol=1e-6)


def test_without_regions_the_whole_picture_counts(reader: PhotoReader, photo: bytes) -> None:
    """Regions switched off give the whole picture's vector and no objects."""
    read = reader.read(photo, box=None, regions=False, clock=Clock())
    assert (read.box, read.objects) == (WHOLE, ())
    with_subject = reader.read(photo, box=None, regions=True, clock=Clock())
    assert not np.allclose(read.vector, with_subject.vector, atol=1e-3)


def test_repeated_photos_are_not_encoded_again(photo: bytes) -> None:
    """The second time the same photo with the same box comes, the encoder is not asked."""
    encoder = ThumbnailEncoder()
    calls: list[int] = []

    def encode(pixels: np.ndarray) -> np.ndarray:
        calls.append(1)
        return encoder.encode_images(pixels)

    reader = PhotoReader(
        ImageLimits(),
        encoder=lambda: encoder,
        encode=encode,
        finder=lambda: None,
        embeddings=EmbeddingCache(),
        seen=CellCache(0),
    )
    first = reader.read(photo, box=None, regions=True, clock=Clock())
    again = reader.read(photo, box=None, regions=True, clock=Clock())
    assert np.array_equal(first.vector, again.vector)
    assert len(calls) == 1
    reader.read(photo, box=LEFT, regions=True, clock=Clock())
    assert len(calls) == 2


@pytest.mark.parametrize(("box", "regions"), [(None, True), (None, False), (LEFT, True)])
def test_what_will_be_explained_is_seen_in_the_same_pass(
    photo: bytes, box: Box | None, *, regions: bool
) -> None:
    """The pass that makes the vector keeps the cells, which add up to it; none is made again."""
    encoder = ThumbnailEncoder()
    passes: list[int] = []

    class Counted(ThumbnailEncoder):
        def encode_cells(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            passes.append(len(pixels))
            return super().encode_cells(pixels)

    def no_more(_: np.ndarray) -> np.ndarray:
        raise AssertionError("encoded twice")

    counted = Counted()
    asked = {"box": box, "regions": regions}
    reader = PhotoReader(
        ImageLimits(),
        encoder=lambda: counted,
        encode=no_more,
        finder=TwoThings,
        embeddings=EmbeddingCache(),
        seen=CellCache(10**7),
    )
    read = reader.read(photo, **asked, clock=Clock(), explained=True)
    seen = reader.seen(photo, **asked)
    assert np.array_equal(read.vector, seen.cells.vector)
    np.testing.assert_allclose(seen.cells.cells.sum(axis=(0, 1)), read.vector, atol=1e-5)
    assert passes == [2 if box is None and regions else 1]
    plain = PhotoReader(
        ImageLimits(),
        encoder=lambda: encoder,
        encode=encoder.encode_images,
        finder=TwoThings,
        embeddings=EmbeddingCache(),
        seen=CellCache(0),
    )
    without = plain.read(photo, **asked, clock=Clock())
    np.testing.assert_allclose(without.vector, read.vector, atol=2e-3)


def test_a_chosen_subject_is_not_taken_for_the_whole_with_it(
    reader: PhotoReader, photo: bytes
) -> None:
    """Choosing the box of the main subject gives another vector than searching by default."""
    by_default = reader.read(photo, box=None, regions=True, clock=Clock())
    chosen = reader.read(photo, box=by_default.box, regions=True, clock=Clock())
    assert chosen.box == by_default.box
    assert not np.allclose(by_default.vector, chosen.vector, atol=1e-3)


def test_damaged_photos_are_refused(reader: PhotoReader) -> None:
    """Bytes that are no picture raise the error of pictures, with regions and without."""
    for regions in (True, False):
        with pytest.raises(DecodeError):
            reader.read(b"no picture", box=None, regions=regions, clock=Clock())


def test_joined_vectors_have_unit_length() -> None:
    """Weighted sums of vectors are unit vectors; opposite ones leave the first."""
    one, other = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    mixed = joined([one, other], [1, 3])
    assert np.linalg.norm(mixed) == pytest.approx(1)
    assert mixed[1] > mixed[0] > 0
    assert joined([one, -one], [1, 1]).tolist() == [1, 0]
    assert joined([one, other], [1, -1])[1] < 0


def test_looks_sum_to_one() -> None:
    """What a query is made of counts as one in all, and a subject is looked at with some room."""
    for box, subject in ((None, None), (LEFT, Region(RIGHT, 0.9)), (None, Region(RIGHT, 0.4))):
        assert sum(share for _, share in looks(box, subject)) == pytest.approx(1)
    (_, _), (part, _) = looks(None, Region(LEFT, 0.9))
    assert part.area > LEFT.area
