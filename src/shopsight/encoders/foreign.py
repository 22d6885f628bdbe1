"""Encoders in ONNX files of other makers, which take normalised floats.

Beside ``NAME.onnx`` lies ``NAME.json`` with the facts that the file does not say; or the file
carries the same JSON in its metadata, under the key ``shopsight``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shopsight.encoders.base import Pixels, Vectors
from shopsight.encoders.onnx import PlainOnnxEncoder
from shopsight.encoders.specs import ModelFacts
from shopsight.errors import EncoderError
from shopsight.images.preprocessing import Preprocessing
from shopsight.onnx_errors import RUNTIME_ERRORS

METADATA_KEY = "shopsight"
"""Key of the facts in a file's metadata."""

EXAMPLE = (
    '{"size": 224, "fit": "crop", "crop_ratio": 0.875, "interpolation": "bicubic", '
    '"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "licence": "MIT"}'
)
"""Facts as people write them, with ImageNet's usual normalisation."""

_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_PICTURES, _TOKENS = 2, 3  # axes of the output: vectors, or vectors of patches


class ForeignFacts(Preprocessing):
    """What must be known to use a file: the geometry of its input, and these.

    Attributes:
        name: Name of the encoder; empty: that of the file.
        mean: Subtracted from red, green and blue, which are 0 to 1 by then.
        std: Divides what is left.
        layout: Order of the axes: ``nchw`` or ``nhwc``.
        input: Name of the input for the pictures; empty: the first.
        output: Name of the output with the vectors; empty: the first.
        pooling: How an output ``(n, patches, dimension)`` becomes one vector: the ``first`` row, or
            the ``mean`` of all.
        licence: SPDX identifier of the weights.
        source: Where they come from; empty: the file's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    layout: Literal["nchw", "nhwc"] = "nchw"
    input: str = ""
    output: str = ""
    pooling: Literal["first", "mean"] = "first"
    licence: str = Field(default="LicenseRef-unknown", min_length=1)
    source: str = ""


class _Graph(BaseModel):
    """What a file says itself."""

    model_config = ConfigDict(frozen=True)

    input: str
    output: str
    floats: Literal["tensor(float)", "tensor(float16)"]
    one_by_one: bool
    dimension: int


class ForeignEncoder(PlainOnnxEncoder):
    """An image encoder in an ONNX file of another maker.

    Args:
        path: The ONNX file.
        threads: Threads for one call; 0: one per core.

    Raises:
        EncoderError: The file cannot be read or run, or its facts are missing or wrong; the message
            says what to write.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        session = _opened(path)
        self._facts = _facts(path, session)
        self._graph = _graph(path, session, self._facts)
        del session
        shared = set(Preprocessing.model_fields)
        facts = ModelFacts(
            name=self._facts.name or path.stem,
            file=path.name,
            dimension=self._graph.dimension,
            preprocessing=Preprocessing.model_validate(self._facts.model_dump(include=shared)),
            licence=self._facts.licence,
            source=self._facts.source or path.name,
        )
        super().__init__(facts, path, threads=threads)
        told = self._facts.model_dump_json(exclude={"name", "licence", "source"})
        fingerprint = hashlib.sha256((self._spec.fingerprint + told).encode()).hexdigest()
        self._spec = self._spec.model_copy(update={"fingerprint": fingerprint})

    def _embed(self, session: ort.InferenceSession | None, pixels: Pixels) -> Vectors:
        batch = _normalised(pixels, self._facts).astype(_FLOATS[self._graph.floats])
        parts = [batch[i : i + 1] for i in range(len(batch))] if self._graph.one_by_one else [batch]
        found = [
            self._run(session, [self._graph.output], {self._graph.input: part})[0] for part in parts
        ]
        return _unit(_pooled(np.concatenate(found).astype(np.float32), self._facts.pooling))


def _normalised(pixels: Pixels, facts: ForeignFacts) -> NDArray[np.float32]:
    mean = np.array(facts.mean, np.float32) * 255
    scale = np.float32(1 / 255) / np.array(facts.std, np.float32)
    batch: NDArray[np.float32] = (pixels.astype(np.float32) - mean) * scale
    if facts.layout == "nchw":
        batch = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
    return batch


def _pooled(found: NDArray[np.float32], pooling: str) -> NDArray[np.float32]:
    if found.ndim == _PICTURES:
        return found
    pooled: NDArray[np.float32] = found[:, 0] if pooling == "first" else found.mean(axis=1)
    return pooled


def _unit(vectors: NDArray[np.float32]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return scaled


def _opened(path: Path) -> ort.InferenceSession:
    """A session that only serves to look at the graph, and so is not optimised."""
    if not path.is_file():
        raise EncoderError(f"There is no file {path}: give the path of an ONNX file")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    try:
        session: ort.InferenceSession = ort.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
    except RUNTIME_ERRORS as error:
        raise EncoderError(f"{path} is no ONNX file that can be run: {error}") from error
    return session


def _facts(path: Path, session: ort.InferenceSession) -> ForeignFacts:
    beside = path.with_suffix(".json")
    embedded: str | None = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    try:
        text = beside.read_text(encoding="utf-8") if beside.is_file() else embedded
    except (OSError, UnicodeDecodeError) as error:
        raise EncoderError(f"{beside} cannot be read: {error}") from error
    if text is None:
        raise EncoderError(
            f"Nothing says how {path.name} takes its pictures: write {beside}, such as {EXAMPLE}, "
            "with the figures of the model's own preparation; docs/encoders.md lists the fields"
        )
    try:
        return ForeignFacts.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise EncoderError(
            f"{beside if beside.is_file() else path} cannot be used: {where}: {first['msg']}. "
            f"It should look like {EXAMPLE}"
        ) from error


def _graph(path: Path, session: ort.InferenceSession, facts: ForeignFacts) -> _Graph:
    inputs = {found.name: found for found in session.get_inputs()}
    outputs = {found.name: found for found in session.get_outputs()}
    taken, given = facts.input or next(iter(inputs)), facts.output or next(iter(outputs))
    if taken not in inputs or given not in outputs:
        raise EncoderError(
            f"{path.name} has the inputs {', '.join(inputs)} and the outputs {', '.join(outputs)}, "
            f"but its facts name {taken!r} and {given!r}: correct them in {path.stem}.json"
        )
    batch, kind = inputs[taken].shape[0], inputs[taken].type
    if kind not in _FLOATS or (isinstance(batch, int) and batch != 1):
        raise EncoderError(
            f"The input {taken!r} of {path.name} is {kind} of shape {inputs[taken].shape}; floats "
            "with any number of pictures, or one, are needed: export the model with such an input"
        )
    blank = _normalised(np.zeros((1, facts.size, facts.size, 3), np.uint8), facts)
    try:
        (found,) = session.run([given], {taken: blank.astype(_FLOATS[kind])})
    except RUNTIME_ERRORS as error:
        raise EncoderError(
            f"{path.name} does not take a picture of {facts.size} x {facts.size} pixels, "
            f"{facts.layout}: correct {path.stem}.json, or export the model again ({error})"
        ) from error
    if found.ndim not in {_PICTURES, _TOKENS}:
        raise EncoderError(
            f"The output {given!r} of {path.name} has the shape {found.shape}, not (n, dimension) "
            f"or (n, patches, dimension): name another of {', '.join(outputs)} as `output`"
        )
    return _Graph(
        input=taken,
        output=given,
        floats=kind,
        one_by_one=batch == 1,
        dimension=found.shape[-1],
    )
