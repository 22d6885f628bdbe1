"""What every encoder must do, as tests that plug-ins run on theirs. Needs pytest.

::

    class TestMyEncoder(EncoderConformance):
        @pytest.fixture(scope="class")
        @classmethod
        def encoder(cls):
            encoder = MyEncoder(threads=1)
            yield encoder
            encoder.close()
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import CellEncoder, Encoder, EncoderSpec, Pixels
from shopsight.encoders.files import LIMITS, FileEncoder
from shopsight.errors import DecodeError, EncoderError, FetchError
from shopsight.images.prepare import load_pixels
from shopsight.images.preprocessing import Preprocessing
from shopsight.sample_shop import ROOT

TOLERANCE = 1e-4
"""How far two computations of the same number may lie apart."""

PART_TOLERANCE = 0.02
"""How far the lengths of a vector's part may lie from their mean, relative to it."""

MANY = 11
"""A number of pictures that fills no batch evenly."""


def sample_pixels(preprocessing: Preprocessing, count: int) -> Pixels:
    """Catalogue pictures of the packaged sample shop, spread over its products.

    Args:
        preprocessing: Geometry of the encoder.
        count: Number of pictures, at most as many as there are.

    Returns:
        ``(count, size, size, 3)`` uint8.
    """
    paths = sorted((ROOT / "images").glob("*.jpg"))
    pixels = np.empty((count, preprocessing.size, preprocessing.size, 3), np.uint8)
    for number in range(count):
        path = paths[number * len(paths) // count]
        pixels[number] = load_pixels(path.read_bytes(), preprocessing, LIMITS)
    return pixels


class EncoderConformance:
    """Derive a test class and give it a fixture ``encoder``; see the module."""

    @pytest.fixture(scope="class")
    @classmethod
    def pixels(cls, encoder: Encoder) -> Pixels:
        """Some pictures the encoder takes."""
        return sample_pixels(encoder.spec.preprocessing, MANY)

    def test_spec_is_complete(self, encoder: Encoder) -> None:
        """An encoder says what it is, where it comes from, and under which licence."""
        spec = encoder.spec
        assert isinstance(spec, EncoderSpec)
        assert "image" in spec.modalities
        assert all((spec.name, spec.fingerprint, spec.licence, spec.source))

    def test_parts_cover_the_vector(self, encoder: Encoder) -> None:
        """The parts of a vector follow each other, and every dimension belongs to one."""
        parts = encoder.spec.all_parts
        covered = [place for part in parts for place in range(part.start, part.stop)]
        assert covered == list(range(encoder.spec.dimension))
        assert len({part.name for part in parts}) == len(parts)

    def test_parts_have_fixed_lengths(self, encoder: Encoder, pixels: Pixels) -> None:
        """A part is equally long in all vectors: what it counts for does not depend on pictures."""
        vectors = encoder.encode_images(pixels)
        for part in encoder.spec.all_parts:
            lengths = np.linalg.norm(vectors[:, part.start : part.stop], axis=1)
            np.testing.assert_allclose(lengths, lengths.mean(), rtol=PART_TOLERANCE)

    def test_vectors_are_unit_rows(self, encoder: Encoder, pixels: Pixels) -> None:
        """Vectors are finite float32 rows of length 1 and of the promised dimension."""
        vectors = encoder.encode_images(pixels)
        assert vectors.shape == (MANY, encoder.spec.dimension)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=TOLERANCE)

    def test_no_pictures_give_no_vectors(self, encoder: Encoder) -> None:
        """An empty batch is no error and gives an empty result of the right shape."""
        vectors = encoder.encode_images(sample_pixels(encoder.spec.preprocessing, 0))
        assert vectors.shape == (0, encoder.spec.dimension)
        assert vectors.dtype == np.float32

    def test_is_deterministic(self, encoder: Encoder, pixels: Pixels) -> None:
        """The same batch gives the same numbers again."""
        np.testing.assert_array_equal(encoder.encode_images(pixels), encoder.encode_images(pixels))

    def test_batch_does_not_matter(self, encoder: Encoder, pixels: Pixels) -> None:
        """A picture's vector does not depend on which others are encoded with it."""
        together = encoder.encode_images(pixels)
        alone = np.concatenate([encoder.encode_images(picture[None]) for picture in pixels])
        np.testing.assert_allclose(together, alone, atol=TOLERANCE)
        backwards = encoder.encode_images(pixels[::-1])
        np.testing.assert_allclose(together[::-1], backwards, atol=TOLERANCE)

    def test_pictures_are_told_apart(self, encoder: Encoder, pixels: Pixels) -> None:
        """Different pictures are less alike than a picture and itself in dimmer light."""
        dimmer = (pixels * 0.9).astype(np.uint8)
        scores = encoder.encode_images(dimmer) @ encoder.encode_images(pixels).T
        np.testing.assert_array_equal(scores.argmax(axis=1), np.arange(MANY))

    def test_plain_pictures_have_vectors(self, encoder: Encoder) -> None:
        """Pictures of one colour, any grey included, get finite unit vectors too."""
        size = encoder.spec.preprocessing.size
        greys = np.array([0, 127, 128, 255], np.uint8)
        flat = np.broadcast_to(greys[:, None, None, None], (4, size, size, 3))
        lengths = np.linalg.norm(encoder.encode_images(flat), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=TOLERANCE)

    def test_input_is_left_alone(self, encoder: Encoder, pixels: Pixels) -> None:
        """Encoding does not change the caller's pixels, which may be read-only."""
        given = pixels.copy()
        given.flags.writeable = False
        encoder.encode_images(given)
        np.testing.assert_array_equal(given, pixels)

    def test_threads_share_an_encoder(self, encoder: Encoder, pixels: Pixels) -> None:
        """Calls from several threads at once give what single calls give."""
        expected = encoder.encode_images(pixels)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda picture: encoder.encode_images(picture[None]), pixels))
        np.testing.assert_allclose(np.concatenate(found), expected, atol=TOLERANCE)

    @pytest.mark.parametrize(
        "wrong", ["one picture", "another size", "not square", "channels first", "grey", "floats"]
    )
    def test_wrong_input_is_refused(self, encoder: Encoder, wrong: str) -> None:
        """Pixels of a wrong shape or type raise an error that tells the right shape."""
        size = encoder.spec.preprocessing.size
        inputs: dict[str, NDArray[np.generic]] = {
            "one picture": np.zeros((size, size, 3), np.uint8),
            "another size": np.zeros((1, size + 1, size + 1, 3), np.uint8),
            "not square": np.zeros((1, size, size - 1, 3), np.uint8),
            "channels first": np.zeros((1, 3, size, size), np.uint8),
            "grey": np.zeros((1, size, size, 1), np.uint8),
            "floats": np.zeros((1, size, size, 3), np.float32),
        }
        with pytest.raises(EncoderError, match=f"{size}, {size}, 3"):
            encoder.encode_images(inputs[wrong])  # type: ignore[arg-type]  # wrong on purpose

    def test_cells_add_up(self, encoder: Encoder, pixels: Pixels) -> None:
        """If there are cells, they add up to the vector, so that they explain the whole score."""
        if not isinstance(encoder, CellEncoder):
            pytest.skip("this encoder has no cells")
        vectors, cells = encoder.encode_cells(pixels)
        np.testing.assert_allclose(vectors, encoder.encode_images(pixels), atol=TOLERANCE)
        count, height, width, dimension = cells.shape
        assert (count, dimension) == vectors.shape
        assert height * width > 1
        assert cells.dtype == np.float32
        np.testing.assert_allclose(cells.sum(axis=(1, 2)), vectors, atol=TOLERANCE)

    def test_no_pictures_have_no_cells(self, encoder: Encoder) -> None:
        """An empty batch has an empty cell map with the usual number of cells."""
        if not isinstance(encoder, CellEncoder):
            pytest.skip("this encoder has no cells")
        _, some = encoder.encode_cells(sample_pixels(encoder.spec.preprocessing, 1))
        vectors, none = encoder.encode_cells(sample_pixels(encoder.spec.preprocessing, 0))
        assert vectors.shape == (0, encoder.spec.dimension)
        assert none.shape == (0, *some.shape[1:])

    def test_files_are_read(self, encoder: Encoder, tmp_path: Path) -> None:
        """A file's vector is that of its pixels, in the order of the files; no files, no rows."""
        assert isinstance(encoder, FileEncoder)
        pixels = sample_pixels(encoder.spec.preprocessing, 3)
        paths = [tmp_path / f"{number}.png" for number in range(len(pixels))]
        for path, picture in zip(paths, pixels, strict=True):
            Image.fromarray(picture).save(path)
        vectors = encoder.encode_files([paths[0], str(paths[1]), paths[2]])
        np.testing.assert_allclose(vectors, encoder.encode_images(pixels), atol=TOLERANCE)
        assert encoder.encode_files([]).shape == (0, encoder.spec.dimension)

    def test_bad_files_are_named(self, encoder: Encoder, tmp_path: Path) -> None:
        """A file that is no picture, or not there, raises an error with its name."""
        assert isinstance(encoder, FileEncoder)
        bad = tmp_path / "bad.jpg"
        bad.write_bytes(b"no picture")
        with pytest.raises(DecodeError, match=r"bad\.jpg"):
            encoder.encode_files([bad])
        with pytest.raises(FetchError, match=r"missing\.jpg"):
            encoder.encode_files([tmp_path / "missing.jpg"])
