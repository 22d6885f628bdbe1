from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsight.regions.base import RegionFinder
from shopsight.regions.load import load_finder
from shopsight.testing.regions import RegionConformance

YOLOX = Path(__file__).parent.parent / "regions" / "files" / "yolox.onnx"


class TestDefault(RegionConformance):
    """The packaged network."""

    @pytest.fixture(scope="class")
    @classmethod
    def finder(cls) -> Iterator[RegionFinder]:
        """The finder under test."""
        finder = load_finder(threads=1)
        yield finder
        finder.close()


class TestYolox(RegionConformance):
    """A detector by file."""

    @pytest.fixture(scope="class")
    @classmethod
    def finder(cls) -> Iterator[RegionFinder]:
        """The finder under test."""
        finder = load_finder(str(YOLOX), threads=1)
        yield finder
        finder.close()
