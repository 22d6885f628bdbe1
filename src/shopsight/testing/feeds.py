"""What every feed reader must do, as tests that plug-ins run on theirs. Needs pytest.

::

    class TestMyFeed(FeedConformance):
        reader = MyFeed

        def write_example(self, folder):
            path = folder / "feed.my"
            path.write_text(...)
            return path, ["first-id", "second-id", ...]
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from shopsight.catalog.feed_source import FeedSource
from shopsight.catalog.feeds import FeedReader, read_feed
from shopsight.catalog.product import Product, RowError
from shopsight.errors import FeedError

MOMENT = datetime(2026, 3, 15, 12, tzinfo=UTC)
"""The moment at which test feeds are read."""

_CUTS = 12


def read_all(path: Path, **options: Any) -> tuple[list[Product], list[RowError]]:
    """Products and problems of a feed, apart. Options as for :func:`read_feed`."""
    options = {"label": path.name, "now": MOMENT, **options}
    items = list(read_feed(path, **options))
    products = [item for item in items if isinstance(item, Product)]
    return products, [item for item in items if isinstance(item, RowError)]


class FeedConformance(ABC):
    """Tests of one reader.

    Attributes:
        reader: The class under test.
    """

    reader: ClassVar[type[FeedReader]]

    @abstractmethod
    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """Write a good feed of three products or more; return its path and their ids in order."""

    def _source(self, path: Path) -> FeedSource:
        return FeedSource(path=path, label="the feed", default_currency="EUR", now=MOMENT)

    def _read(self, path: Path) -> tuple[list[Product], list[RowError]]:
        """What is read; of a feed that cannot be read to its end, what comes before."""
        products: list[Product] = []
        problems: list[RowError] = []
        try:
            for item in self.reader().read(self._source(path)):
                if isinstance(item, Product):
                    products.append(item)
                else:
                    problems.append(item)
        except FeedError:
            pass
        return products, problems

    def test_it_has_a_name(self) -> None:
        """The name is what users write after --format."""
        assert self.reader.name
        assert self.reader.name == self.reader.name.lower()

    def test_it_recognises_its_format(self, tmp_path: Path) -> None:
        """The beginning of a good feed is recognised, that of prose and noise is not."""
        path, _ = self.write_example(tmp_path)
        assert self.reader.sniff(self._source(path).head)
        for number, data in enumerate((b"Dear all,\nplease find attached.\n", _noise(5000))):
            other = tmp_path / f"other-{number}"
            other.write_bytes(data)
            assert not self.reader.sniff(self._source(other).head)

    def test_it_reads_all_products_in_order(self, tmp_path: Path) -> None:
        """A good feed gives its products, all of them, in the same order every time, no errors."""
        path, ids = self.write_example(tmp_path)
        products, problems = self._read(path)
        assert [product.id for product in products] == ids
        assert [problem for problem in problems if problem.severity == "error"] == []
        assert self._read(path) == (products, problems)

    def test_one_instance_reads_several_feeds_at_once(self, tmp_path: Path) -> None:
        """Two feeds read in turns do not disturb each other."""
        path, ids = self.write_example(tmp_path)
        reader = self.reader()
        pairs = zip(reader.read(self._source(path)), reader.read(self._source(path)), strict=True)
        found = [one.id for one, other in pairs if isinstance(one, Product) and one == other]
        assert found == ids

    def test_it_is_lazy_and_can_be_stopped(self, tmp_path: Path) -> None:
        """A first item is there without reading on, and reading can be given up."""
        path, _ = self.write_example(tmp_path)
        items = iter(self.reader().read(self._source(path)))
        assert next(items) is not None
        if hasattr(items, "close"):
            items.close()

    def test_problems_name_the_feed(self, tmp_path: Path) -> None:
        """Every report names the feed by the label it was given."""
        path, _ = self.write_example(tmp_path)
        path.write_bytes(path.read_bytes().replace(b"http", b"\xff\x00\n", 3))
        _, problems = self._read(path)
        assert {problem.source for problem in problems} <= {"the feed"}

    @pytest.mark.parametrize("part", range(_CUTS))
    def test_a_cut_off_feed_ends_in_a_feed_error_or_a_report(
        self, tmp_path: Path, part: int
    ) -> None:
        """Wherever a download broke off, no other exception comes, and good products stay good."""
        path, ids = self.write_example(tmp_path)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * part // _CUTS])
        products, _ = self._read(path)
        assert len(products) <= len(ids)

    @pytest.mark.parametrize("seed", range(8))
    def test_noise_raises_nothing_but_feed_errors(self, tmp_path: Path, seed: int) -> None:
        """Random bytes, and a good feed with random bytes in it, never crash the reader."""
        path, _ = self.write_example(tmp_path)
        data = bytearray(path.read_bytes())
        noise = _noise(60, seed)
        for high, low, value in zip(noise[::3], noise[1::3], noise[2::3], strict=True):
            data[(high * 256 + low) % len(data)] = value
        path.write_bytes(data)
        self._read(path)
        path.write_bytes(_noise(2000, seed))
        assert self._read(path)[0] == []


def _noise(size: int, seed: int = 0) -> bytes:
    return hashlib.shake_256(bytes([seed])).digest(size)
