from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from shopsight.recognize.rapidocr_reader import RapidOcrReader
from shopsight.recognize.text import CUT_SHORT
from shopsight.recognize.timely_reader import TimelyReader
from shopsight.testing.text import AMPLE_S, TextReaderConformance, letters, written


class TestRapidOcr(TextReaderConformance):
    """RapidOCR with its bundled models."""

    @pytest.fixture(scope="class")
    @classmethod
    def reader(cls) -> Iterator[RapidOcrReader]:
        """The reader, with its models loaded once."""
        reader = RapidOcrReader(threads=1)
        yield reader
        reader.close()
        reader.close()

    def test_turned_lines_are_read(self, reader: RapidOcrReader) -> None:
        """Upside down and sideways text is read too."""
        pixels = written((("PEPPERMINT TEA", (0.05, 0.4), 80),))
        for turns in (1, 2, 3):
            (line,) = reader.read(np.rot90(pixels, turns), AMPLE_S).lines
            assert letters(line.text) == "pepperminttea"


def test_slow_moments_pass() -> None:
    """A reader that ran on a machine that was stuck for a moment is not put off for ever."""
    reader = RapidOcrReader(threads=1)
    reader.prepare()
    assert reader._models is not None
    reader._models.seconds_per_pixel = 1.0
    shown = written()
    assert reader.read(shown, AMPLE_S) == CUT_SHORT
    assert any(reader.read(shown, AMPLE_S).complete for _ in range(40))
    reader.close()


class TestTimely(TextReaderConformance):
    """The same, kept to its budget."""

    @pytest.fixture(scope="class")
    @classmethod
    def reader(cls) -> Iterator[TimelyReader]:
        """The reader, with its models loaded once."""
        reader = TimelyReader(RapidOcrReader(threads=1))
        reader.prepare()
        yield reader
        reader.close()
