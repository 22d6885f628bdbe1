from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from shopsight.errors import EncoderError
from shopsight.images.boxes import Box
from shopsight.recognize.text import CUT_SHORT, Reading, TextLine
from shopsight.recognize.timely_reader import TimelyReader

BLANK = np.zeros((8, 8, 3), np.uint8)
FOUND = Reading((TextLine("CITRON", 0.9, Box(0, 0, 1, 1)),))
AMPLE_S, SHORT_S = 60.0, 0.02


class StuckReader:
    """Reads a line, but not before it is let go; cares for no budget."""

    def __init__(self) -> None:
        self.begun, self.let_go, self.closed = Event(), Event(), False
        self.budgets: list[float] = []

    def prepare(self) -> None:
        """Nothing is to be loaded."""

    def read(self, pixels: NDArray[np.uint8], budget_s: float) -> Reading:
        """Read the line."""
        self.budgets.append(budget_s)
        self.begun.set()
        assert self.let_go.wait(AMPLE_S)
        if pixels.any():
            raise EncoderError("the model failed")
        return FOUND

    def close(self) -> None:
        """Note it."""
        self.closed = True


@pytest.fixture
def stuck() -> StuckReader:
    """A reader that is stuck."""
    return StuckReader()


@pytest.fixture
def timely(stuck: StuckReader) -> Iterator[TimelyReader]:
    """The same, kept to its budget."""
    reader = TimelyReader(stuck)
    yield reader
    stuck.let_go.set()
    reader.close()
    reader.close()
    assert stuck.closed


def test_the_answer_does_not_wait(timely: TimelyReader, stuck: StuckReader) -> None:
    """When the time is up, the answer is there, and says that reading was cut short."""
    assert timely.read(BLANK, SHORT_S) == CUT_SHORT
    assert not stuck.let_go.is_set()


def test_one_straggler_at_most(timely: TimelyReader, stuck: StuckReader) -> None:
    """While a picture is read on in the background, no further one is begun; then all is well."""
    timely.read(BLANK, SHORT_S)
    assert [timely.read(BLANK, SHORT_S) for _ in range(3)] == [CUT_SHORT] * 3
    assert len(stuck.budgets) == 1
    stuck.let_go.set()
    assert timely.read(BLANK, AMPLE_S) == FOUND


def test_pictures_take_turns(timely: TimelyReader, stuck: StuckReader) -> None:
    """Who has time waits for the turn, and is told how much of it is left."""
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(timely.read, BLANK, AMPLE_S) for _ in range(2)]
        assert stuck.begun.wait(AMPLE_S)
        assert len(stuck.budgets) == 1
        stuck.let_go.set()
        assert [one.result() for one in both] == [FOUND, FOUND]
    assert max(stuck.budgets) < AMPLE_S


def test_errors_arrive(timely: TimelyReader, stuck: StuckReader) -> None:
    """What the reader raises is raised, and the next picture is read none the less."""
    stuck.let_go.set()
    with pytest.raises(EncoderError, match="the model failed"):
        timely.read(BLANK + 1, AMPLE_S)
    assert timely.read(BLANK, AMPLE_S) == FOUND


def test_without_time_nothing_is_begun(timely: TimelyReader, stuck: StuckReader) -> None:
    """No time, no work."""
    assert timely.read(BLANK, 0.0) == CUT_SHORT
    assert stuck.budgets == []


def test_closed_readers_say_so(timely: TimelyReader) -> None:
    """After closing, reading is an error each time, and nobody waits for a turn."""
    timely.close()
    for _ in range(2):
        with pytest.raises(EncoderError, match="closed"):
            timely.read(BLANK, AMPLE_S)
