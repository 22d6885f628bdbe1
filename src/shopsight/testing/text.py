"""What every reader of text must do, as tests that plug-ins run on theirs. Needs pytest.

::

    class TestMyReader(TextReaderConformance):
        @pytest.fixture(scope="class")
        @classmethod
        def reader(cls):
            reader = MyReader()
            yield reader
            reader.close()
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from shopsight.images.boxes import Box
from shopsight.recognize.text import Reading, TextLine, TextReader

AMPLE_S = 60.0
"""A budget that no picture here uses up."""

Words = Sequence[tuple[str, tuple[float, float], int]]
"""Texts, where each begins (fractions of the picture), and its height in pixels."""

SHOWN: Words = (("CITRON", (0.1, 0.15), 90), ("model AX-2041", (0.1, 0.6), 48))


def written(texts: Words = SHOWN, *, size: tuple[int, int] = (800, 600)) -> NDArray[np.uint8]:
    """A picture with dark text on a light ground.

    Args:
        texts: What is written where.
        size: Width and height in pixels.

    Returns:
        ``(height, width, 3)`` uint8 RGB.
    """
    image = Image.new("RGB", size, (242, 239, 230))
    draw = ImageDraw.Draw(image)
    for text, (x, y), height in texts:
        font = ImageFont.load_default(height)
        draw.text((x * size[0], y * size[1]), text, fill=(25, 30, 40), font=font)
    return np.array(image)


def letters(text: str) -> str:
    """A text without case, white space and punctuation."""
    return re.sub(r"[\W_]+", "", text).casefold()


def check_lines(lines: Sequence[TextLine]) -> None:
    """Assert what holds for the lines of any picture."""
    for line in lines:
        assert line.text
        assert line.text == line.text.strip()
        assert 0 <= line.confidence <= 1
        assert Box.checked(*line.box) == line.box
    assert [line.box.y1 for line in lines] == sorted(line.box.y1 for line in lines)


class TextReaderConformance:
    """Derive a test class and give it a fixture ``reader``; see the module."""

    def test_is_a_reader(self, reader: TextReader) -> None:
        """A reader has the methods of the protocol."""
        assert isinstance(reader, TextReader)

    def test_reads_what_is_written(self, reader: TextReader) -> None:
        """Clear lines are read, from top to bottom, each where it is, and with some certainty."""
        reading = reader.read(written(), AMPLE_S)
        lines = reading.lines
        assert reading.complete
        check_lines(lines)
        assert [letters(line.text) for line in lines] == ["citron", "modelax2041"]
        assert all(line.confidence > 0.5 for line in lines)  # noqa: PLR2004  # surer than not
        assert lines[0].box.y2 < lines[1].box.y1
        assert lines[0].box.x1 == pytest.approx(0.1, abs=0.05)

    def test_without_time_nothing_is_read(self, reader: TextReader) -> None:
        """No line is begun after the time is up; that is no error, and the reading says so."""
        reading = reader.read(written(), 0.0)
        assert (reading.lines, reading.complete) == ((), False)

    @pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (17, 16), (1500, 1100)])
    def test_any_size_will_do(self, reader: TextReader, size: tuple[int, int]) -> None:
        """Pictures of any size and aspect are looked at without an error."""
        noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
        check_lines(reader.read(noise, AMPLE_S).lines)

    @pytest.mark.parametrize("level", [0, 127, 255])
    def test_plain_pictures_have_no_text(self, reader: TextReader, level: int) -> None:
        """A picture of one colour has no line."""
        assert reader.read(np.full((240, 320, 3), level, np.uint8), AMPLE_S) == Reading()

    def test_picture_is_left_alone(self, reader: TextReader) -> None:
        """Reading does not change the caller's picture, and needs no right to."""
        pixels = written()
        before = pixels.copy()
        pixels.flags.writeable = False
        reader.read(pixels, AMPLE_S)
        np.testing.assert_array_equal(pixels, before)

    def test_threads_share_a_reader(self, reader: TextReader) -> None:
        """Calls from several threads at once give what single calls give."""
        pixels = written()
        alone = [line.text for line in reader.read(pixels, AMPLE_S).lines]
        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(lambda _: reader.read(pixels, AMPLE_S), range(3)))
        assert [[line.text for line in one.lines] for one in together] == [alone] * 3
