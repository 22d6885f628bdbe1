from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from shopsight.catalog.database import Database
from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogStore
from shopsight.errors import StorageError
from shopsight.index.base import FieldType, StoreSchema
from shopsight.index.collection import Collection
from shopsight.index.exact import ExactStore
from shopsight.index.versions import IndexManifest
from shopsight.wiring.kept import LEAST_PAUSE_S
from shopsight.wiring.known_words import KnownWords

LONG = 1e6
"""Seconds after which words may be read again, however long the reading took."""


class Catalog(CatalogStore):
    """A catalogue that counts how often it is read, and that can be slow or out of order."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.readings = 0
        self.broken = False
        self.open = threading.Event()
        self.open.set()

    def every(self, chunk: int = 1000) -> Iterator[Product]:
        """All products, once the catalogue is open."""
        self.readings += 1
        assert self.open.wait(timeout=30)
        if self.broken:
            raise StorageError("The disk is gone.")
        return super().every(chunk)

    def put(self, **titles: str) -> None:
        """Add or rename products by id."""
        made = [
            Product(id=key, title=title, image_link="a.jpg", attributes={"color": "red"})
            for key, title in titles.items()
        ]
        self.save(made, known=self.states(list(titles)), run_id="test")


@dataclass
class Time:
    """A clock that stands still until it is put forward."""

    now: float = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """One mug."""
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    catalog = Catalog(database)
    catalog.put(a="Steel mug")
    yield catalog
    database.close()


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    """An index whose rows have colours."""
    schema = StoreSchema(dimension=4, fields={"color": FieldType.STRING})
    store = ExactStore.open(str(tmp_path / "index"), "v0001", schema, create=True)
    manifest = IndexManifest(name="v0001", encoder="any", fingerprint="1", dimension=4)
    yield Collection(manifest, store)
    store.close()


def finished() -> None:
    """Wait for readings that are under way."""
    for thread in threading.enumerate():
        if thread.name == "words":
            thread.join(timeout=30)


def test_words_are_read_once(catalog: Catalog, collection: Collection, tmp_path: Path) -> None:
    """The catalogue is read when its words are first needed, and not again while it stays so."""
    known = KnownWords(catalog, collection, tmp_path / "data" / "words.bin")
    assert catalog.readings == 0
    first = known.vocabulary()
    assert set(first.terms) >= {"steel", "mug"}
    assert first.fields["color"].values == {"red": 1}
    known.refresh()
    assert known.vocabulary() is first
    assert catalog.readings == 1


def test_the_next_process_finds_them_in_a_file(
    catalog: Catalog, collection: Collection, tmp_path: Path
) -> None:
    """Words that were read once come from the file after that, without a look at the products."""
    path = tmp_path / "data" / "words.bin"
    made = KnownWords(catalog, collection, path).vocabulary()
    again = KnownWords(catalog, collection, path).vocabulary()
    assert catalog.readings == 1
    assert again.to_bytes() == made.to_bytes()
    assert [file.name for file in path.parent.iterdir()] == ["words.bin"]


def test_the_file_is_renewed(catalog: Catalog, collection: Collection, tmp_path: Path) -> None:
    """A file of another state of the catalogue, or of other fields, is not used but written anew.

    The next process finds the new words in it.
    """
    path = tmp_path / "words.bin"
    KnownWords(catalog, collection, path).vocabulary()
    catalog.put(b="Steel kettle")
    assert "kettle" in KnownWords(catalog, collection, path).vocabulary().terms
    collection.add_fields({"size": FieldType.STRING})
    KnownWords(catalog, collection, path).vocabulary()
    assert catalog.readings == 3
    assert "kettle" in KnownWords(catalog, collection, path).vocabulary().terms
    assert catalog.readings == 3


@pytest.mark.parametrize("damage", ["empty", "cut short", "garbage", "no line", "other version"])
def test_a_damaged_file_is_ignored(
    catalog: Catalog, collection: Collection, tmp_path: Path, damage: str
) -> None:
    """Whatever happened to the file, the words are those of the catalogue, and it is repaired."""
    path = tmp_path / "words.bin"
    KnownWords(catalog, collection, path).vocabulary()
    whole = path.read_bytes()
    head = whole.partition(b"\n")[0]
    broken = {
        "empty": b"",
        "cut short": whole[:-5],
        "garbage": head + b"\n" + b"\x00garbage" * 9,
        "no line": head,
        "other version": b"0" + whole,
    }
    path.write_bytes(broken[damage])
    assert "mug" in KnownWords(catalog, collection, path).vocabulary().terms
    assert catalog.readings == 2
    assert path.read_bytes() == whole


@pytest.mark.parametrize("obstacle", ["a file for a folder", "a folder for the file"])
def test_a_file_that_cannot_be_written_does_no_harm(
    catalog: Catalog, collection: Collection, tmp_path: Path, obstacle: str
) -> None:
    """Where nothing can be kept the words are known all the same, and nothing is left behind."""
    path = tmp_path / "data" / "words.bin"
    if obstacle == "a file for a folder":
        path.parent.write_text("in the way")
    else:
        path.mkdir(parents=True)
    assert "mug" in KnownWords(catalog, collection, path).vocabulary().terms
    assert not list(tmp_path.glob("data/words.[!b]*"))


def test_new_words_are_read_beside_searches(
    catalog: Catalog, collection: Collection, tmp_path: Path
) -> None:
    """While a changed catalogue is read anew, the old words serve; after that the new ones do."""
    clock = Time()
    known = KnownWords(catalog, collection, tmp_path / "words.bin", clock=clock)
    old = known.vocabulary()
    catalog.put(b="Steel kettle")
    clock.now += LONG
    catalog.open.clear()
    known.refresh()
    known.refresh()
    assert known.vocabulary() is old
    catalog.open.set()
    finished()
    assert "kettle" in known.vocabulary().terms
    assert catalog.readings == 2


def test_a_catalogue_that_keeps_changing_is_not_read_all_the_time(
    catalog: Catalog, collection: Collection, tmp_path: Path
) -> None:
    """Between two readings there is a pause, whatever changes; then the change is seen."""
    clock = Time()
    known = KnownWords(catalog, collection, tmp_path / "words.bin", clock=clock)
    known.vocabulary()
    catalog.put(b="Steel kettle")
    clock.now += LEAST_PAUSE_S / 2
    known.refresh()
    finished()
    assert "kettle" not in known.vocabulary().terms
    clock.now += LEAST_PAUSE_S
    known.refresh()
    finished()
    assert "kettle" in known.vocabulary().terms


def test_nothing_is_read_before_there_are_words(
    catalog: Catalog, collection: Collection, tmp_path: Path
) -> None:
    """A refresh before the first query reads nothing: words are not needed yet."""
    KnownWords(catalog, collection, tmp_path / "words.bin").refresh()
    finished()
    assert catalog.readings == 0


def test_a_failure_leaves_the_old_words(
    catalog: Catalog, collection: Collection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If the catalogue cannot be read anew, that is logged, the old words serve, and it is retried.

    The first reading has no old words to fall back on: its error is the caller's.
    """
    clock = Time()
    known = KnownWords(catalog, collection, tmp_path / "words.bin", clock=clock)
    catalog.broken = True
    with pytest.raises(StorageError, match="disk is gone"):
        known.vocabulary()
    catalog.broken = False
    old = known.vocabulary()
    catalog.put(b="Steel kettle")
    clock.now += LONG
    catalog.broken = True
    with caplog.at_level(logging.WARNING):
        known.refresh()
        finished()
    assert "old ones serve" in caplog.text
    assert known.vocabulary() is old
    catalog.broken = False
    known.refresh()
    finished()
    assert "kettle" in known.vocabulary().terms


def test_threads_read_the_catalogue_once(
    catalog: Catalog, collection: Collection, tmp_path: Path
) -> None:
    """Of several first queries one reads the catalogue, and all get its words."""
    known = KnownWords(catalog, collection, tmp_path / "words.bin")
    catalog.open.clear()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(known.vocabulary) for _ in range(4)]
        catalog.open.set()
        found = [one.result(timeout=30) for one in asked]
    assert catalog.readings == 1
    assert all(one is found[0] for one in found)
