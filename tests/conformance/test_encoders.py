from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder
from shopsight.testing.encoder import EncoderConformance


class BuiltIn(EncoderConformance):
    """An encoder that comes with Shopsight."""

    name: ClassVar[str]
    threads: ClassVar[int] = 1

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Iterator[Encoder]:
        """The encoder under test."""
        encoder = load_encoder(cls.name, threads=cls.threads)
        yield encoder
        encoder.close()


class TestThumbnail(BuiltIn):
    """The encoder for tests is a whole encoder."""

    name = "thumbnail"


class TestTwoPart(BuiltIn):
    """The encoder for tests of parts is a whole encoder."""

    name = "two-part"


class TestSpeaking(BuiltIn):
    """The encoder for tests of words is a whole encoder."""

    name = "speaking"


class TestLite(BuiltIn):
    """The packaged default encoder."""

    name = "lite"


class TestLiteThreaded(BuiltIn):
    """The packaged default encoder with several threads per call."""

    name = "lite"
    threads = 2


class TestShortened(BuiltIn):
    """The packaged default encoder with half its numbers."""

    name = "lite@128"
