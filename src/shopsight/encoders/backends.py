"""Which engine runs an encoder: the one that was asked for, or the fastest that is exact enough."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import onnxruntime as ort
from pydantic import BaseModel, ConfigDict, Field

from shopsight.encoders.base import Pixels
from shopsight.encoders.engines import DEVICE_RUN, DEVICES, RUN_SIZE, Engine, Session
from shopsight.encoders.files import LIMITS
from shopsight.encoders.measurements import Candidate, Measurement, recall, remember
from shopsight.encoders.onnx import CPU, PlainOnnxEncoder, open_session
from shopsight.encoders.quantize import KEPT_SHARES, quantize
from shopsight.errors import (
    EncoderError,
    MissingExtraError,
    SettingsError,
    ShopsightError,
    StorageError,
)
from shopsight.images.prepare import load_pixels
from shopsight.sample_shop import ROOT

logger = logging.getLogger(__name__)

Backend = Literal["auto", "onnxruntime", "openvino", "cuda", "coreml"]
Precision = Literal["auto", "fp32", "bf16", "int8"]

LEAST_COSINE = 0.998
"""Of every picture's vector to the one in float32. Below it, an engine is not used."""

CHECKED = 24
"""Pictures of the sample shop that engines are compared on."""

CALIBRATED = 16
"""Other pictures of the sample shop that 8-bit models are calibrated on."""

ROUNDS = 3
"""Times that each engine encodes them; the best counts, since others may use the machine too."""

WORTHWHILE = 1.1
"""Ratio of speeds from which another engine is worth its memory and its start."""

_PRECISIONS: dict[str, tuple[str, ...]] = {
    "onnxruntime": ("fp32", "int8"),
    "openvino": ("fp32", "bf16", "int8"),
    "cuda": ("fp32",),
    "coreml": ("fp32",),
}
_PACKAGES = {
    "cuda": "install onnxruntime-gpu in place of onnxruntime, and the NVIDIA driver",
    "coreml": "it is part of onnxruntime on macOS only",
}


class EngineChoice(BaseModel):
    """What the settings say about engines.

    Attributes:
        backend: A backend, or ``auto``.
        precision: A precision, or ``auto``.
        cache: Folder for measurements and 8-bit models; without it, nothing is measured unless a
            backend or a precision is asked for, and 8-bit models cannot be made.
        measure: Compare engines now, which takes seconds, if this was never done here. Otherwise,
            with both on ``auto`` and no measurement, the encoder stays on ONNX Runtime.
    """

    model_config = ConfigDict(frozen=True)

    backend: Backend = "auto"
    precision: Precision = "auto"
    cache: Path | None = Field(default=None)
    measure: bool = False


def with_fastest(encoder: PlainOnnxEncoder, choice: EngineChoice) -> PlainOnnxEncoder:
    """An encoder on the engine that a choice leads to.

    Engines other than ONNX Runtime and OpenVINO in float32 are checked on the sample shop's
    pictures once, and not used if a vector's cosine to float32 is below :data:`LEAST_COSINE`. What
    was found is kept in ``choice.cache``, for this model, these versions, and this processor.

    Args:
        encoder: On ONNX Runtime in float32; closed by this if another one is returned.
        choice: What is wanted.

    Raises:
        SettingsError: The backend has no such precision.
        MissingExtraError: The backend asked for is not installed.
        EncoderError: The backend asked for cannot run here, or not this model.
    """
    candidates = _candidates(choice)
    if len(candidates) == 1 and candidates[0].exact:
        return _moved(encoder, engine_of(candidates[0], encoder, choice))
    found = recall(choice.cache, encoder, choice.backend, choice.precision)
    if found is None:
        if (choice.backend, choice.precision) == ("auto", "auto") and not choice.measure:
            return encoder
        found = _compared(encoder, candidates, choice)
        remember(choice.cache, encoder, choice.backend, choice.precision, found)
    best = fastest(found)
    try:
        moved = _moved(encoder, engine_of(best, encoder, choice))
    except ShopsightError as error:
        if (choice.backend, choice.precision) != ("auto", "auto"):
            raise
        logger.warning("The encoder cannot run on %s: %s", best.name, error)
        return encoder
    logger.info("The encoder %s runs on %s", encoder.spec.name, best.name)
    return moved


def fastest(measurements: list[Measurement]) -> Candidate:
    """The fastest candidate that is exact enough; the first is what is used otherwise.

    Args:
        measurements: At least one, the first in float32.
    """
    first, *others = measurements
    fit = [
        other
        for other in others
        if other.least_cosine >= LEAST_COSINE
        and other.pictures_per_s >= WORTHWHILE * first.pictures_per_s
    ]
    return max(fit, key=lambda other: other.pictures_per_s, default=first).candidate


def compare(encoder: PlainOnnxEncoder, choice: EngineChoice) -> list[Measurement]:
    """Speed and exactness of all engines here that a choice allows.

    Args:
        encoder: On ONNX Runtime in float32.
        choice: What is wanted.

    Raises:
        ShopsightError: As :func:`with_fastest`.
    """
    return _compared(encoder, _candidates(choice), choice)


def sample_pictures(encoder: PlainOnnxEncoder, count: int, *, skip: int = 0) -> Pixels:
    """Catalogue pictures of the sample shop, spread over its products.

    Args:
        encoder: They are prepared for it.
        count: How many.
        skip: Pictures to leave out before each one taken: other numbers give other pictures.
    """
    paths = sorted((ROOT / "images").glob("*.jpg"))
    chosen = [paths[(number * len(paths) // count + skip) % len(paths)] for number in range(count)]
    preprocessing = encoder.spec.preprocessing
    return np.stack([load_pixels(path.read_bytes(), preprocessing, LIMITS) for path in chosen])


def _candidates(choice: EngineChoice) -> list[Candidate]:
    """Engines that a choice allows here, the one to fall back on first."""
    if choice.backend != "auto":
        _check(choice.backend, choice.precision)
        if choice.backend in DEVICES:
            return [Candidate(CPU.backend, "fp32"), Candidate(choice.backend, "fp32")]
        precisions = [choice.precision]
        if choice.precision == "auto":
            precisions = [*_automatic(choice.backend)]
        elif choice.precision != "fp32":
            precisions = ["fp32", choice.precision]
        return [Candidate(choice.backend, precision) for precision in precisions]
    first = Candidate(CPU.backend, "fp32")
    if choice.precision == "fp32":
        return [first]
    if choice.precision != "auto":
        able = [
            Candidate(backend, choice.precision)
            for backend, precisions in _PRECISIONS.items()
            if choice.precision in precisions and _is_here(backend)
        ]
        if choice.precision == "bf16":
            _check("openvino", "bf16")
        return [first, *able]
    found = [
        Candidate(backend, precision)
        for backend in _PRECISIONS
        if _is_here(backend)
        for precision in _automatic(backend)
    ]
    if any(candidate.precision == "bf16" for candidate in found):  # as fast as int8, and nearer
        found = [candidate for candidate in found if candidate.precision != "int8"]
    return [first, *(candidate for candidate in found if candidate != first)]


def _automatic(backend: str) -> Iterator[Precision]:
    """Precisions of a backend that are worth a look here."""
    yield "fp32"
    if backend == "openvino":
        from shopsight.encoders import openvino

        if openvino.has_bf16():
            yield "bf16"
            return
    if "int8" in _PRECISIONS[backend] and find_spec("onnx") is not None:
        yield "int8"


def _is_here(backend: str) -> bool:
    if backend in DEVICES:
        return DEVICES[backend] in ort.get_available_providers()
    return find_spec(backend) is not None


def _check(backend: str, precision: str) -> None:
    """Raise what keeps a backend from being used with a precision."""
    if precision not in ("auto", *_PRECISIONS[backend]):
        able = " or ".join(name for name, found in _PRECISIONS.items() if precision in found)
        raise SettingsError(
            f"The encoder backend {backend!r} has no precision {precision!r}: choose the backend "
            f"{able}, or one of its own precisions ({', '.join(_PRECISIONS[backend])})"
        )
    if backend in DEVICES and not _is_here(backend):
        raise EncoderError(
            f"The encoder backend {backend!r} is not part of the ONNX Runtime installed here: "
            f"{_PACKAGES[backend]}, or choose another backend"
        )
    if backend == "openvino":
        from shopsight.encoders import openvino

        if precision == "bf16" and not openvino.has_bf16():
            raise EncoderError(
                "This processor does not compute in bfloat16: choose the precision fp32 or auto"
            )
        openvino.load_core()


def engine_of(candidate: Candidate, encoder: PlainOnnxEncoder, choice: EngineChoice) -> Engine:
    """The engine of a candidate; what it needs is made if it is not there.

    Args:
        candidate: The engine in words.
        encoder: It is for this model; on ONNX Runtime in float32.
        choice: Where 8-bit models are kept.

    Raises:
        MissingExtraError: A package is not installed.
        SettingsError: 8-bit models have no folder to be in.
        EncoderError: The model cannot be made 8-bit.
        StorageError: The 8-bit model cannot be written.
    """
    backend, precision = candidate.backend, candidate.precision
    if backend in DEVICES:
        open_it = partial(_open_on_device, DEVICES[backend])
        return Engine(backend, precision, open_it, DEVICE_RUN, crew=False)
    model = None
    if precision == "int8":
        model = _eight_bit(encoder, candidate, choice)
    if backend == "openvino":
        from shopsight.encoders import openvino

        return openvino.engine(precision, model)
    if model is None:
        return CPU
    return Engine(backend, precision, partial(_open_model, model), RUN_SIZE, crew=True)


def _open_model(model: Path, path: Path, threads: int, callers: int) -> Session:  # noqa: ARG001
    session: Session = open_session(model, threads)
    return session


def _open_on_device(provider: str, path: Path, threads: int, callers: int) -> Session:  # noqa: ARG001
    session = None
    if provider in ort.get_available_providers():
        session = open_session(path, threads, (provider, "CPUExecutionProvider"))
    # Of a provider that does not start there is only a warning, and the processor does the work.
    if session is None or provider not in session.get_providers():
        raise EncoderError(
            f"ONNX Runtime could not start {provider}: install its driver and libraries, "
            "or choose another encoder backend"
        )
    started: Session = session
    return started


def _eight_bit(encoder: PlainOnnxEncoder, candidate: Candidate, choice: EngineChoice) -> Path:
    """The 8-bit model of a candidate, made at the first need."""
    if choice.cache is None:
        raise SettingsError("The encoder precision 'int8' needs a folder for its models")
    share = candidate.kept_share if candidate.kept_share is not None else KEPT_SHARES[0]
    path = choice.cache / f"{encoder.spec.fingerprint[:16]}-int8-{round(share * 100)}.onnx"
    if not path.exists():
        pixels = sample_pictures(encoder, CALIBRATED, skip=1)
        quantize(encoder, pixels, path, kept_share=share)
    return path


def _moved(encoder: PlainOnnxEncoder, engine: Engine) -> PlainOnnxEncoder:
    """The encoder on an engine; the old one is closed if that is another."""
    if engine == encoder.engine:
        return encoder
    moved = encoder.with_engine(engine)
    encoder.close()
    return moved


class _Trial(NamedTuple):
    candidate: Candidate
    encoder: PlainOnnxEncoder
    least: float
    mean: float


def _compared(
    encoder: PlainOnnxEncoder, candidates: list[Candidate], choice: EngineChoice
) -> list[Measurement]:
    """Encode the same pictures with all engines, taking turns."""
    pixels = sample_pictures(encoder, CHECKED)
    exact = encoder.encode_images(pixels)
    with ExitStack() as stack:
        trials = [
            trial
            for candidate in candidates
            for trial in stack.enter_context(_tried(encoder, candidate, choice, pixels, exact))
        ]
        times = [[_seconds(trial.encoder, pixels) for trial in trials] for _ in range(ROUNDS)]
    return [
        Measurement(
            candidate=trial.candidate,
            pictures_per_s=len(pixels) / best,
            least_cosine=trial.least,
            mean_cosine=trial.mean,
        )
        for trial, best in zip(trials, np.min(times, axis=0).tolist(), strict=True)
    ]


@contextmanager
def _tried(
    encoder: PlainOnnxEncoder,
    candidate: Candidate,
    choice: EngineChoice,
    pixels: Pixels,
    exact: np.ndarray,
) -> Iterator[list[_Trial]]:
    """A candidate at work; of 8-bit models, the one with the fewest exceptions that will do."""
    shares = KEPT_SHARES if candidate.precision == "int8" else (None,)
    twin = None
    trials: list[_Trial] = []
    try:
        for share in shares:
            tried = candidate.model_copy(update={"kept_share": share})
            twin = encoder.with_engine(engine_of(tried, encoder, choice))
            cosines = (twin.encode_images(pixels) * exact).sum(axis=1)
            trials = [_Trial(tried, twin, float(cosines.min()), float(cosines.mean()))]
            if share is None or cosines.min() >= LEAST_COSINE:
                break
            if share != shares[-1]:
                twin.close()
    except MissingExtraError:
        raise
    except (EncoderError, StorageError) as error:
        if (choice.backend, choice.precision) != ("auto", "auto"):
            raise
        logger.warning("The encoder cannot run on %s: %s", candidate.name, error)
        trials = []
    try:
        yield trials
    finally:
        if twin is not None:
            twin.close()


def _seconds(encoder: PlainOnnxEncoder, pixels: Pixels) -> float:
    start = time.perf_counter()
    encoder.encode_images(pixels)
    return time.perf_counter() - start
