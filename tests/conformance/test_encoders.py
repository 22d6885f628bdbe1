from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopsight.encoders import load_encoder
from shopsight.encoders.base import Encoder
from shopsight.testing.encoder import EncoderConformance


class TestThumbnail(EncoderConformance):
    """The encoder for tests is a whole encoder."""

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Iterator[Encoder]:
        """The encoder under test."""
        encoder = load_encoder("thumbnail", threads=1)
        yield encoder
        encoder.close()


class TestTwoPart(EncoderConformance):
    """The encoder for tests of parts is a whole encoder."""

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Iterator[Encoder]:
        """The encoder under test."""
        encoder = load_encoder("two-part", threads=1)
        yield encoder
        encoder.close()


class TestLite(EncoderConformance):
    """The packaged default encoder."""

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Iterator[Encoder]:
        """The encoder under test."""
        encoder = load_encoder("lite", threads=1)
        yield encoder
        encoder.close()


class TestLiteThreaded(EncoderConformance):
    """The packaged default encoder with several threads per call."""

    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls) -> Iterator[Encoder]:
        """The encoder under test."""
        encoder = load_encoder("lite", threads=2)
        yield encoder
        encoder.close()
