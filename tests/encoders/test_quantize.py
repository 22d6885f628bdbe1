from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shopsight.encoders.backends import sample_pictures
from shopsight.encoders.engines import Engine, Session
from shopsight.encoders.onnx import OnnxEncoder, load_lite, open_session
from shopsight.encoders.quantize import quantize
from shopsight.errors import EncoderError, StorageError

onnx = pytest.importorskip("onnx", reason="the extra quantize is not installed")


@pytest.fixture(scope="module")
def lite() -> Iterator[OnnxEncoder]:
    """The packaged encoder."""
    encoder = load_lite(threads=1)
    yield encoder
    encoder.close()


def test_later_dense_convolutions_become_8_bit(lite, tmp_path, caplog):
    """Only dense convolutions after the kept share change; vectors stay near; nothing is said."""
    path = tmp_path / "new" / "model.onnx"
    with caplog.at_level(logging.INFO):
        quantize(lite, sample_pictures(lite, 2, skip=1), path, kept_share=0.9)
    assert caplog.text == ""
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    weights = [entry for entry in onnx.load(path).graph.initializer if entry.data_type == 3]
    assert 0 < len(weights) <= 12  # the last 6 of 64 convolutions, and their zero points

    def open_it(_path: Path, threads: int, _callers: int) -> Session:
        return open_session(path, threads)

    encoder = lite.with_engine(Engine("onnxruntime", "int8", open_it, 2, crew=True))
    pixels = sample_pictures(lite, 4)
    exact = lite.encode_images(pixels)
    assert (encoder.encode_images(pixels) * exact).sum(axis=1).min() > 0.98
    vectors, cells = encoder.encode_cells(pixels[:1])
    np.testing.assert_allclose(cells.sum(axis=(1, 2)), vectors, atol=1e-4)
    encoder.close()


def test_nothing_left_to_change_is_reported(lite, tmp_path):
    """When all convolutions are kept, there is no 8-bit model to write."""
    with pytest.raises(EncoderError, match="choose another precision"):
        quantize(lite, sample_pictures(lite, 1), tmp_path / "model.onnx", kept_share=1)


def test_place_that_cannot_be_written_is_reported(lite, tmp_path):
    """A folder that cannot be made is an error with its name."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file"):
        quantize(lite, sample_pictures(lite, 1), tmp_path / "file" / "model.onnx", kept_share=0.9)
