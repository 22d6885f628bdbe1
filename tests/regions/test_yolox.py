from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsight.errors import EncoderError
from shopsight.regions.yolox import YoloxFinder, decoded

FILES = Path(__file__).with_name("files")


@pytest.fixture(scope="module")
def finder() -> Iterator[YoloxFinder]:
    """A detector that answers the same for every picture; see ``files/make_detectors.py``."""
    finder = YoloxFinder(FILES / "yolox.onnx", threads=1)
    yield finder
    finder.close()


def test_boxes_are_decoded(finder: YoloxFinder) -> None:
    """Middle and sides in strides become corners; object times class is the confidence."""
    first, second = finder.find(Image.new("RGB", (200, 200)))
    np.testing.assert_allclose(first.box, (0, 0, 8 / 64, 16 / 64), atol=1e-6)
    assert first.confidence == pytest.approx(0.72)
    np.testing.assert_allclose(second.box, (36 / 64, 48 / 64, 60 / 64, 1), atol=1e-6)
    assert second.confidence == pytest.approx(0.6)


def test_duplicates_and_the_whole_picture_are_dropped(finder: YoloxFinder) -> None:
    """Of five boxes, one is twice there, one is the whole picture, and one is not sure."""
    assert len(finder.find(Image.new("RGB", (64, 64)))) == 2


def test_boxes_beside_the_picture_are_dropped(finder: YoloxFinder) -> None:
    """A wide picture fills the upper half of the canvas; what is found below it is nothing."""
    (only,) = finder.find(Image.new("RGB", (128, 64)))
    np.testing.assert_allclose(only.box, (0, 0, 8 / 64, 16 / 32), atol=1e-6)


def test_decoding_knows_all_strides() -> None:
    """The first cell of each level, all numbers nought, is a box of one stride around a corner."""
    cells = 8 * 8 + 4 * 4 + 2 * 2
    corners, confidences = decoded(np.zeros((cells, 6), np.float32), (64, 64))
    for cell, stride in ((0, 8), (64, 16), (80, 32)):
        np.testing.assert_allclose(corners[cell], np.array([-1, -1, 1, 1]) * stride / 2)
    np.testing.assert_allclose(corners[64 + 7], [48 - 8, 16 - 8, 48 + 8, 16 + 8])
    assert (confidences == 0).all()


def test_absurd_sizes_do_not_overflow() -> None:
    """A network gone wrong gives large boxes, not infinite ones."""
    corners, _ = decoded(np.full((84, 6), 1e30, np.float32)[:, :6] * 0 + 1000, (64, 64))
    assert np.isfinite(corners).all()


@pytest.mark.parametrize(("name", "says"), [("grey", "one input"), ("missing", "no detector")])
def test_unfit_files_are_named(name: str, says: str) -> None:
    """A missing file, or one with other inputs, is an error that names it."""
    with pytest.raises(EncoderError, match=says) as caught:
        YoloxFinder(FILES / f"{name}.onnx")
    assert f"{name}.onnx" in str(caught.value)


def test_other_outputs_are_refused() -> None:
    """A graph that answers with another number of cells is an error when it does."""
    finder = YoloxFinder(FILES / "too_few_cells.onnx")
    with pytest.raises(EncoderError, match="1x83x8"):
        finder.find(Image.new("RGB", (64, 64)))
    finder.close()
