"""Models in 8-bit integers, calibrated on catalogue pictures."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from shopsight.encoders.base import Pixels
from shopsight.encoders.engines import Engine, Session
from shopsight.encoders.onnx import CPU, PlainOnnxEncoder
from shopsight.errors import EncoderError, MissingExtraError, StorageError
from shopsight.onnx_errors import ERRORS_ONLY, RUNTIME_ERRORS

EXTRA = "quantize"
"""The extra of this package that brings what writes such models."""

KEPT_SHARES = (0.1, 0.4, 0.75)
"""Shares of the convolutions, from the picture on, that stay in float32: tried one after another.

Of raw EfficientNet-Lite2 they give a least cosine of .996, .9979 and .9983 to the float32 model.
"""

_UNFIT: tuple[type[Exception], ...] = (*RUNTIME_ERRORS, KeyError, TypeError)

Feed = Mapping[str, NDArray[np.generic]]
"""Input's name -> its value."""


def quantize(encoder: PlainOnnxEncoder, pixels: Pixels, path: Path, *, kept_share: float) -> None:
    """Write a model in which part of the convolutions are 8-bit.

    Those are the dense ones: depthwise convolutions lose most and gain least. All else stays in
    float32. Weights have a scale per channel, activations one per tensor, from their range on the
    pictures.

    Args:
        encoder: Runs the float32 model.
        pixels: ``(n, size, size, 3)`` uint8, typical pictures to calibrate on.
        path: The ONNX file to write.
        kept_share: Share of the convolutions, counted from the picture on, left as they are, 0 to
            1.

    Raises:
        MissingExtraError: The package ``onnx`` is not installed.
        EncoderError: The model has no convolution to change, or cannot be quantised.
        StorageError: The file cannot be written.
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise MissingExtraError("The encoder precision 'int8'", EXTRA) from error
    names = _dense_convolutions(onnx.load(encoder.path), kept_share)
    if not names:
        raise EncoderError(
            f"The model of encoder {encoder.spec.name!r} has no convolutions that could be 8-bit: "
            "choose another precision"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder, _quiet():
            made = Path(folder) / "model.onnx"
            quantize_static(
                encoder.path,
                made,
                _Feeds(_recorded(encoder, pixels)),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                nodes_to_quantize=names,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            made.replace(path)
    except OSError as error:
        raise StorageError(f"The 8-bit model {path} cannot be written: {error}") from error
    except _UNFIT as error:
        raise EncoderError(
            f"The model of encoder {encoder.spec.name!r} cannot be made 8-bit: {error}"
        ) from error


def _dense_convolutions(model: Any, kept_share: float) -> list[str]:
    """Names of the convolutions that may be 8-bit, in the graph's order."""
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    changeable = convolutions[round(len(convolutions) * kept_share) :]
    return [node.name for node in changeable if node.name and _groups(node) == 1]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the quantiser tells the root logger, a line for every other layer."""
    root = logging.getLogger()
    ort.set_default_logger_severity(ERRORS_ONLY)

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    root.addFilter(is_error)
    try:
        yield
    finally:
        root.removeFilter(is_error)


def _groups(node: Any) -> int:
    return next((int(entry.i) for entry in node.attribute if entry.name == "group"), 1)


def _recorded(encoder: PlainOnnxEncoder, pixels: Pixels) -> list[Feed]:
    """What the graph is given for some pictures, one by one; encoders differ in that."""
    feeds: list[Feed] = []

    def open_recorder(path: Path, threads: int, callers: int) -> Session:
        return _Recorder(CPU.open(path, threads, callers), feeds)

    recorder = encoder.with_engine(Engine("recorder", "fp32", open_recorder, 1, crew=False))
    try:
        feeds.clear()  # the blank picture of the start
        recorder.encode_images(pixels)
    finally:
        recorder.close()
    return feeds


class _Recorder:
    """A session that remembers what it was given."""

    def __init__(self, session: Session, feeds: list[Feed]) -> None:
        self._session = session
        self._feeds = feeds

    def run(self, output_names: Sequence[str], input_feed: Feed) -> list[NDArray[Any]]:
        self._feeds.append(dict(input_feed))
        return self._session.run(output_names, input_feed)


class _Feeds:
    """What the calibrator reads from: it asks for one input after another."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._left = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._left, None)
