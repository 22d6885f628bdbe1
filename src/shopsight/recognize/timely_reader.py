"""Keeps reading text to its budget, whatever the reader does."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from shopsight.errors import EncoderError
from shopsight.recognize.text import CUT_SHORT, Reading, TextReader

OWN_SHARE = 0.85
"""Of the time that is left, what the reader is told: the line that it began last ends within the
rest, and is not lost."""


class TimelyReader:
    """A :class:`~shopsight.recognize.text.TextReader` that answers when its budget is up.

    Another reader works in a thread, one picture at a time: it uses all cores as it is, and so at
    most one picture is ever read on after its answer was given. Who waits for the turn longer than
    the budget gets nothing read, too.

    Args:
        reader: Does the reading.
    """

    def __init__(self, reader: TextReader) -> None:
        self._reader = reader
        self._turn = Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="ocr")

    def prepare(self) -> None:
        """Load the models; see the protocol.

        Raises:
            EncoderError: A model cannot be loaded.
        """
        self._reader.prepare()

    def read(self, pixels: NDArray[np.uint8], budget_s: float) -> Reading:
        """Read the lines on an upright picture; see the protocol.

        Raises:
            EncoderError: The model failed, or the reader is closed.
        """
        if budget_s <= 0:
            return CUT_SHORT
        self.prepare()
        deadline = time.perf_counter() + budget_s
        if not self._turn.acquire(timeout=budget_s):
            return CUT_SHORT
        left = deadline - time.perf_counter()
        try:
            reading = self._pool.submit(self._reader.read, pixels, OWN_SHARE * left)
        except RuntimeError as error:
            self._turn.release()
            raise EncoderError("The reader of text is closed.") from error
        reading.add_done_callback(self._done)
        wait([reading], timeout=max(deadline - time.perf_counter(), 0.0))
        return reading.result() if reading.done() else CUT_SHORT

    def close(self) -> None:
        """Wait for what is being read, and free the models. May be called twice."""
        self._pool.shutdown()
        self._reader.close()

    def _done(self, _: Future[Reading]) -> None:
        self._turn.release()
