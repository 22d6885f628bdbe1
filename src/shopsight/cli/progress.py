"""Shows how long work is getting on: bars on a terminal, a log line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from shopsight.ingest.report import IngestCounters

log = logging.getLogger(__name__)

LOG_EVERY_S = 10.0
"""Seconds between log lines."""

REDRAW_EVERY_S = 0.1
"""Seconds between changes of a line on a terminal."""


class LoggedProgress:
    """Logs the figures of an ingest every ten seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def update(self, counters: IngestCounters) -> None:
        """Log if it is time."""
        now = time.monotonic()
        if now - self._last >= LOG_EVERY_S:
            self._last = now
            log.info("indexing: %s", describe(counters))


class BarProgress:
    """Shows the figures of an ingest in one moving line.

    Args:
        progress: Live display, already started.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("Indexing", total=None, figures="")
        self._last = 0.0

    def update(self, counters: IngestCounters) -> None:
        """Redraw, if it is time."""
        now = time.monotonic()
        if now - self._last >= REDRAW_EVERY_S:
            self._last = now
            self._progress.update(self._task, figures=describe(counters))


@contextmanager
def ingest_progress() -> Iterator[LoggedProgress | BarProgress]:
    """The progress display that suits where the error output goes."""
    if not sys.stderr.isatty():
        yield LoggedProgress()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield BarProgress(progress)


@contextmanager
def counted_progress(what: str, total: int) -> Iterator[_Counter]:
    """A bar for work of known size."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        yield _Counter(progress, what, total)


@contextmanager
def staged_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for work of several stages, each told by its name, what is done, and its total."""
    with ExitStack() as stack:
        stages: dict[str, _Counter] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in stages:
                stack.close()
                stages.clear()
                stages[what] = stack.enter_context(counted_progress(what, total))
            stages[what](done)

        yield show


class _Counter:
    """Callable that sets how many items are done."""

    def __init__(self, progress: Progress, what: str, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task(what, total=total)
        self._what = what
        self._total = total
        self._logged = time.monotonic()

    def __call__(self, done: int) -> None:
        self._progress.update(self._task, completed=done)
        if self._progress.disable and time.monotonic() - self._logged >= LOG_EVERY_S:
            self._logged = time.monotonic()
            log.info("%s: %d of %d", self._what, done, self._total)


def describe(counters: IngestCounters) -> str:
    """The figures that matter while it runs."""
    parts = [f"{counters.rows_read:,} products", f"{counters.images_encoded:,} pictures encoded"]
    if counters.images_read:
        parts.append(f"{counters.images_read:,} read")
    if counters.images_unchanged:
        parts.append(f"{counters.images_unchanged:,} unchanged")
    if problems := counters.rows_skipped + counters.images_failed:
        parts.append(f"{problems:,} left out")
    return ", ".join(parts)
