"""What runs a model, and how pictures are shared out to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

RUN_SIZE = 2
"""Pictures per run of a processor. Larger batches are no faster, and take more memory."""

DEVICE_RUN = 64
"""Pictures per run of a graphics processor."""

DEVICES = {"cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"}
"""Backends that are devices beside the processor -> ONNX Runtime's name for what drives them."""

SMALLEST_BATCH, LARGEST_BATCH = 32, 256
"""Pictures per batch when indexing: fewer leave threads idle, more only take memory."""


class Session(Protocol):
    """A model that is ready to run. Safe to call from several threads."""

    def run(
        self, output_names: Sequence[str], input_feed: Mapping[str, NDArray[np.generic]]
    ) -> list[NDArray[Any]]:
        """Run the graph.

        Args:
            output_names: Names of the outputs wanted.
            input_feed: Input's name -> its value.

        Returns:
            The outputs, in the order of their names.
        """
        ...


Open = Callable[[Path, int, int], Session]
"""Makes a session from a model file, the threads for one run, and the calls made at once."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to run a model.

    Attributes:
        backend: Name of the library, or of what it drives.
        precision: Of the numbers inside the model: ``fp32``, ``bf16`` or ``int8``.
        open: Makes sessions; may raise ``EncoderError`` or what the library raises.
        run_size: Pictures per run, at most.
        crew: Many pictures are best shared out to runs beside each other, one thread on each. A
            device that is one whole takes run after run instead.
        waiting: Runs of a crew that wait beside those under way, for libraries whose own threads
            would otherwise be idle until the next run is handed to them.
    """

    backend: str
    precision: str
    open: Open
    run_size: int
    crew: bool
    waiting: int = 0

    @property
    def name(self) -> str:
        """Both names, as people read them."""
        return f"{self.backend} {self.precision}"


def batch_size(backend: str, threads: int = 0) -> int:
    """Pictures per batch that keep everything busy when indexing.

    Args:
        backend: As set. A device needs more at once than a processor's cores.
        threads: As set; 0: one per core.
    """
    if backend in DEVICES:
        return 2 * DEVICE_RUN
    wanted = 4 * RUN_SIZE * (threads or usable_cores())
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, wanted))


def usable_cores() -> int:
    """Cores that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
