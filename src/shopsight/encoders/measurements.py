"""What is known about the speed and the exactness of engines on this machine."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import tempfile
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from shopsight.encoders.onnx import PlainOnnxEncoder

logger = logging.getLogger(__name__)

FORMAT = 1
"""Changes when engines compute otherwise, so that old measurements are made anew."""

_PACKAGES = ("onnxruntime", "onnxruntime-gpu", "openvino", "onnx")
_CPU_FACTS = ("model name", "flags", "Features", "CPU part")


class Candidate(BaseModel):
    """An engine that may be used.

    Attributes:
        backend: As in the settings.
        precision: As in the settings.
        kept_share: Of an 8-bit model, the share of the convolutions that are not.
    """

    model_config = ConfigDict(frozen=True)

    backend: str
    precision: str
    kept_share: float | None = None

    def __init__(self, backend: str, precision: str, kept_share: float | None = None) -> None:
        super().__init__(backend=backend, precision=precision, kept_share=kept_share)

    @property
    def name(self) -> str:
        """Both names, as people read them."""
        return f"{self.backend} {self.precision}"

    @property
    def exact(self) -> bool:
        """It computes in float32 throughout, so there is nothing to check."""
        return self.precision == "fp32" and self.backend in {"onnxruntime", "openvino"}


class Measurement(BaseModel):
    """How an engine did.

    Attributes:
        candidate: The engine.
        pictures_per_s: In batches, with all threads.
        least_cosine: Least cosine of a picture's vector to the one in float32.
        mean_cosine: The mean of those.
    """

    model_config = ConfigDict(frozen=True)

    candidate: Candidate
    pictures_per_s: float
    least_cosine: float
    mean_cosine: float


_LIST = TypeAdapter(list[Measurement])


def recall(
    cache: Path | None, encoder: PlainOnnxEncoder, backend: str, precision: str
) -> list[Measurement] | None:
    """What was measured for an encoder here before; ``None``: nothing.

    Args:
        cache: Folder of measurements.
        encoder: The encoder.
        backend: As set.
        precision: As set.
    """
    if cache is None:
        return None
    try:
        return _LIST.validate_json(_place(cache, encoder, backend, precision).read_bytes()) or None
    except (OSError, ValidationError):
        return None


def remember(
    cache: Path | None,
    encoder: PlainOnnxEncoder,
    backend: str,
    precision: str,
    found: list[Measurement],
) -> None:
    """Keep measurements for the next start. A folder that cannot be written is no error.

    Args:
        cache: Folder of measurements.
        encoder: The encoder.
        backend: As set.
        precision: As set.
        found: What to keep.
    """
    if cache is None:
        return
    place = _place(cache, encoder, backend, precision)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            made = Path(folder) / place.name
            made.write_bytes(_LIST.dump_json(found, indent=2))
            made.replace(place)
    except OSError as error:
        logger.warning("Speeds of the encoder are measured again next time: %s", error)


def _place(cache: Path, encoder: PlainOnnxEncoder, backend: str, precision: str) -> Path:
    """The file of measurements of this model, on such a machine, with these versions."""
    facts = {
        "format": FORMAT,
        "fingerprint": encoder.spec.fingerprint,
        "threads": encoder.threads,
        "wanted": [backend, precision],
        "cpu": _cpu(),
        "versions": [_version(package) for package in _PACKAGES],
    }
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return cache / f"{encoder.spec.fingerprint[:16]}-speed-{digest[:16]}.json"


def _cpu() -> list[str]:
    """What tells processors of different abilities apart."""
    found = [platform.machine(), platform.processor()]
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            first = list(takewhile(str.strip, file))
    except OSError:
        return found
    return found + [line for line in first if line.startswith(_CPU_FACTS)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
