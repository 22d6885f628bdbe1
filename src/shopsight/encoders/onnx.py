"""Encoders that run on ONNX Runtime."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from shopsight.encoders.base import EncoderSpec, Pixels, Vectors
from shopsight.encoders.checks import check_pixels
from shopsight.encoders.engines import RUN_SIZE, Engine, Session, usable_cores
from shopsight.encoders.files import EncodesFiles
from shopsight.encoders.specs import LITE, MODELS, ModelFacts, encoder_spec
from shopsight.errors import EncoderError
from shopsight.onnx_errors import ERRORS_ONLY, RUNTIME_ERRORS

PIXELS, EMBEDDING, CELLS, CELLS_SWITCH = "pixels", "embedding", "cells", "with_cells"
"""Names of the graph's inputs and outputs. The switch is false unless given."""

_UNFIT: tuple[type[Exception], ...] = (*RUNTIME_ERRORS, KeyError, EncoderError)


class PlainOnnxEncoder(EncodesFiles):
    """An image encoder in one ONNX file, without cells.

    The graph takes ``pixels`` ``(n, size, size, 3)`` uint8 and gives ``embedding``
    ``(n, dimension)``, unit rows. Normalisation is part of the graph.

    Safe to call from several threads; calls run beside each other and share the weights. Loading
    ends with a blank picture, so that the first real one is not slower than the rest.

    A few pictures are encoded with all threads on each; many are shared out, one thread on each,
    which does more in the same time because no thread waits for the others.

    Args:
        facts: What is known about the model.
        path: The ONNX file.
        threads: Threads for one call; 0: one per core this process may use.

    Raises:
        EncoderError: The file is missing, damaged, or not such a graph.
    """

    def __init__(self, facts: ModelFacts, path: Path, *, threads: int = 0) -> None:
        self._spec = encoder_spec(facts, path)
        self._path = path
        self._threads = threads or usable_cores()
        self._engine = CPU
        self._crew: _Crew | None = None
        self._hiring = threading.Lock()
        try:
            session = open_session(path, self._threads)
            self._session: Session | None = session
            self._has_cells = CELLS in {output.name for output in session.get_outputs()}
            self._warm(session, self._blank())
        except _UNFIT as error:
            raise EncoderError(
                f"The model of encoder {facts.name!r}, {path}, cannot be run: install the package "
                f"again, or export the model again ({error})"
            ) from error

    @property
    def spec(self) -> EncoderSpec:
        """Facts about this encoder."""
        return self._spec

    @property
    def has_cells(self) -> bool:
        """Whether the graph gives cells."""
        if self._session is None:
            raise self._closed()
        return self._has_cells

    @property
    def engine(self) -> Engine:
        """What runs the model."""
        return self._engine

    @property
    def path(self) -> Path:
        """The ONNX file."""
        return self._path

    @property
    def threads(self) -> int:
        """Threads for one call."""
        return self._threads

    def with_engine(self, engine: Engine) -> Self:
        """The same encoder, run by something else. Both must be closed.

        Args:
            engine: Runs the pictures; texts stay where they are.

        Raises:
            EncoderError: The engine cannot run this model, or this encoder is closed.
        """
        if self._session is None:
            raise self._closed()
        twin = copy.copy(self)
        twin._engine, twin._crew, twin._hiring = engine, None, threading.Lock()  # noqa: SLF001  # its own
        try:
            twin._session = engine.open(self._path, self._threads, 1)  # noqa: SLF001
            twin.encode_images(self._blank())
        except _UNFIT as error:
            raise EncoderError(
                f"The encoder {self._spec.name!r} cannot be run by {engine.name}: {error}"
            ) from error
        return twin

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Embed prepared pictures; see :meth:`shopsight.encoders.base.Encoder.encode_images`."""
        check_pixels(pixels, self._spec)
        vectors = np.empty((len(pixels), self._spec.dimension), np.float32)
        parts = list(_parts(len(pixels), self._engine.run_size))

        def encode(part: slice, session: Session | None) -> None:
            vectors[part] = self._embed(session, pixels[part])

        if len(parts) < self._threads or self._threads == 1 or not self._engine.crew:
            for part in parts:
                encode(part, self._session)
        else:
            crew = self._hired()
            list(crew.pool.map(lambda part: encode(part, crew.session), parts))
        return vectors

    def close(self) -> None:
        """Free the model, once the calls under way have ended. Further calls are errors."""
        self._session = None
        with self._hiring:
            if self._crew is not None:
                self._crew.pool.shutdown()
            self._crew = None

    def _warm(self, session: ort.InferenceSession, blank: Pixels) -> None:  # noqa: ARG002
        """Run once, which shows whether the graph is as it should be."""
        self.encode_images(blank)

    def _blank(self) -> Pixels:
        size = self._spec.preprocessing.size
        return np.zeros((1, size, size, 3), np.uint8)

    def _embed(self, session: Session | None, pixels: Pixels) -> Vectors:
        """One run of the graph; what takes pictures in another form differs here."""
        (vectors,) = self._run(session, [EMBEDDING], {PIXELS: pixels})
        return vectors

    def _hired(self) -> _Crew:
        """Threads that encode a part each, and the session they share; made at the first use."""
        with self._hiring:
            if self._crew is None and self._session is not None:
                callers = self._threads + self._engine.waiting
                pool = ThreadPoolExecutor(callers, thread_name_prefix="encode")
                self._crew = _Crew(self._engine.open(self._path, 1, self._threads), pool)
            if self._crew is None:
                raise self._closed()
            return self._crew

    def _closed(self) -> EncoderError:
        return EncoderError(f"The encoder {self._spec.name!r} is closed: load it again")

    def _run(
        self,
        session: Session | None,
        outputs: list[str],
        inputs: dict[str, NDArray[np.generic]],
    ) -> list[NDArray[np.float32]]:
        if session is None:
            raise self._closed()
        try:
            found: list[NDArray[np.float32]] = session.run(outputs, inputs)
        except RUNTIME_ERRORS as error:
            raise EncoderError(f"The encoder {self._spec.name!r} failed: {error}") from error
        return found


class OnnxEncoder(PlainOnnxEncoder):
    """An image encoder in one ONNX file, with cells.

    As :class:`PlainOnnxEncoder`; and the graph gives ``cells`` ``(n, h, w, dimension)`` when its
    boolean input ``with_cells`` is true, so that they cost nothing otherwise.
    """

    def encode_cells(self, pixels: Pixels) -> tuple[Vectors, NDArray[np.float32]]:
        """Embed pictures and cells; see :meth:`shopsight.encoders.base.CellEncoder.encode_cells`.

        The map of the encoder ``lite`` is 9 x 9 cells.
        """
        check_pixels(pixels, self._spec)
        vectors = np.empty((len(pixels), self._spec.dimension), np.float32)
        cells = np.empty((len(pixels), *self._cell_shape), np.float32)
        switch = np.array(True)
        for part in _parts(len(pixels), self._engine.run_size):
            vectors[part], cells[part] = self._run(
                self._session, [EMBEDDING, CELLS], {PIXELS: pixels[part], CELLS_SWITCH: switch}
            )
        return vectors, cells

    def _warm(self, session: ort.InferenceSession, blank: Pixels) -> None:
        shapes = {output.name: output.shape for output in session.get_outputs()}
        _, height, width, _ = shapes[CELLS]
        self._cell_shape = (int(height), int(width), self._spec.dimension)
        self.encode_cells(blank)


def load_model(facts: ModelFacts, path: Path, *, threads: int = 0) -> PlainOnnxEncoder:
    """Load a model, with cells if its graph has them.

    Args:
        facts: What is known about the model.
        path: The ONNX file.
        threads: Threads for one call; 0: one per core.

    Raises:
        EncoderError: The file is missing, damaged, or no graph of an encoder.
    """
    encoder = PlainOnnxEncoder(facts, path, threads=threads)
    if not encoder.has_cells:
        return encoder
    encoder.close()
    return OnnxEncoder(facts, path, threads=threads)


def load_lite(*, threads: int = 0) -> OnnxEncoder:
    """Load the packaged default encoder.

    Args:
        threads: Threads for one call; 0: one per core.

    Raises:
        EncoderError: The packaged model file is missing or damaged.
    """
    return OnnxEncoder(LITE, MODELS / LITE.file, threads=threads)


class _Crew(NamedTuple):
    session: Session
    pool: ThreadPoolExecutor


def open_session(
    path: Path, threads: int, providers: Sequence[str] = ("CPUExecutionProvider",)
) -> ort.InferenceSession:
    """A session for a model file; raises one of :data:`RUNTIME_ERRORS`.

    Args:
        path: The ONNX file.
        threads: Threads for one run.
        providers: ONNX Runtime's names of what computes, the preferred one first.
    """
    return ort.InferenceSession(path, _session_options(threads), providers=list(providers))


def _session_options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    # Threads that wait for work by spinning take the cores away from decoding and search.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _open_on_cpu(path: Path, threads: int, callers: int) -> Session:  # noqa: ARG001  # any number
    session: Session = open_session(path, threads)
    return session


CPU = Engine("onnxruntime", "fp32", _open_on_cpu, RUN_SIZE, crew=True)
"""ONNX Runtime on the CPU in float32: runs everything everywhere; what others are held against."""


def _parts(count: int, size: int) -> Iterator[slice]:
    """Slices of at most ``size`` that cover ``count`` pictures."""
    return (slice(start, start + size) for start in range(0, count, size))
