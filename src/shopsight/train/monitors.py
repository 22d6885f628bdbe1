"""Writes the course of training where TensorBoard shows it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from torch.utils.tensorboard import SummaryWriter

log = logging.getLogger(__name__)

_STEPS_APART = 10


class Course:
    """Logs steps and epochs, to TensorBoard and as lines.

    Args:
        folder: For TensorBoard's files; ``None``: no such files.
        progress: Told the number of steps done and the total.
    """

    def __init__(self, folder: Path | None, progress: Callable[[int, int], None]) -> None:
        self._writer = None if folder is None else SummaryWriter(str(folder))
        self._progress = progress
        self._steps = 0

    def step(self, number: int, total: int, figures: dict[str, float]) -> None:
        """A step was done; ``number`` counts from 1."""
        self._steps = number
        self._progress(number, total)
        if self._writer is not None and number % _STEPS_APART == 0:
            for name, value in figures.items():
                self._writer.add_scalar(f"training/{name}", value, number)

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """An epoch was done and measured; number 0 is the start."""
        shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
        log.info("epoch %d: %s", number, shown)
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(f"validation/{name}", value, self._steps)
            self._writer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
