from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import lancedb
import pyarrow.parquet as pq
import pytest

from shopsight.index.base import Metric, Records, VectorStore
from shopsight.index.bm25 import TermIndex
from shopsight.index.collection import Collection
from shopsight.index.exact import ExactStore
from shopsight.index.filters import IsNull
from shopsight.index.lance import LanceStore
from shopsight.index.rows import TERMS, arrow_schema, to_arrow
from shopsight.index.versions import IndexManifest
from shopsight.testing import store_cases as cases

STORES = {"exact": ExactStore, "lance": LanceStore}
Older = Callable[[Path, Records], None]


def opened(name: str, uri: Path, *, create: bool = False) -> VectorStore:
    """A store in a folder."""
    return STORES[name].open(str(uri), "shop", cases.schema(), create=create)


def rows_with(*texts: str) -> Records:
    """Rows with these texts."""
    keys = [f"text{place}" for place in range(len(texts))]
    return Records(keys, keys, cases.vectors(len(texts)), [{"brand": key} for key in keys], texts)


def make_older(name: str, uri: Path, rows: Records) -> None:
    """A collection as it was made before rows had texts."""
    if name == "lance":
        schema = arrow_schema(cases.schema())
        table = to_arrow(rows, cases.schema()).select([c for c in schema.names if c != TERMS])
        lancedb.connect(uri).create_table("shop", table)
        return
    uri.mkdir()
    connection = sqlite3.connect(uri / "shop.sqlite")
    connection.executescript("""
        CREATE TABLE collection (shape TEXT NOT NULL);
        CREATE TABLE rows (
            id TEXT PRIMARY KEY, product_id TEXT NOT NULL, vector BLOB NOT NULL,
            attributes TEXT NOT NULL
        ) WITHOUT ROWID;
    """)
    connection.execute("INSERT INTO collection VALUES (?)", (cases.schema().model_dump_json(),))
    for key, product, vector in zip(rows.ids, rows.product_ids, rows.vectors, strict=True):
        values = (key, product, vector.tobytes(), f'{{"brand": "{key}"}}')
        connection.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", values)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("name", STORES)
def test_older_collections_gain_texts(name: str, tmp_path: Path):
    """A collection from before texts opens, says what to do, and finds the rows written since."""
    rows = rows_with("red mug", "red", "blue")
    make_older(name, tmp_path / "index", rows)
    reader = opened(name, tmp_path / "index")
    store = opened(name, tmp_path / "index")
    assert len(store.search_text("red", 5)) == 0
    assert list(store.get(rows.ids).texts) == ["", "", ""]
    assert "shopsight reindex" in store.health().detail
    assert store.search(rows.vectors[2], 1).ids == ["text2"]
    store.upsert(rows_with("red mug"))
    for _ in range(2):
        assert store.search_text("red", 5).ids == ["text0"]
        assert store.get(["text0", "text1"]).texts == ["red mug", ""]
        store.optimize()
    assert "reindex" not in store.health().detail
    reader.refresh()
    assert reader.search_text("red", 5).ids == ["text0"]
    assert reader.count(IsNull("brand")) == 0
    store.close()
    reader.close()


@pytest.mark.parametrize("name", STORES)
def test_older_exports_are_imported(name: str, tmp_path: Path):
    """A file that was exported before rows had texts brings its rows, without texts."""
    rows = rows_with("red", "blue")
    source = opened(name, tmp_path / "source", create=True)
    source.upsert(rows)
    source.export(tmp_path / "new.parquet")
    table = pq.read_table(tmp_path / "new.parquet")
    pq.write_table(table.drop_columns([TERMS]), tmp_path / "old.parquet")
    target = opened(name, tmp_path / "target", create=True)
    assert target.import_(tmp_path / "old.parquet") == 2
    assert target.get(rows.ids).texts == ["", ""]
    assert dict(target.get(["text1"]).attributes[0]) == {"brand": "text1"}
    source.close()
    target.close()


@pytest.mark.parametrize("name", STORES)
def test_attributes_are_updated_with_texts_or_without(name: str, tmp_path: Path):
    """New attributes leave texts and vectors alone, unless new texts come with them."""
    store = opened(name, tmp_path, create=True)
    collection = Collection(
        IndexManifest(name="v0001", encoder="e", fingerprint="f", dimension=cases.DIMENSION), store
    )
    rows = rows_with("red", "blue")
    collection.upsert(rows)
    assert collection.update_attributes(["text0"], [{"brand": "new"}]) == set()
    assert collection.search_text("red", 5).ids == ["text0"]
    changed: list[dict[str, str]] = [{"brand": "b"}, {}, {"brand": "a"}]
    lost = collection.update_attributes(["text1", "gone", "text0"], changed, ["B", "", "A"])
    assert lost == {"gone"}
    found = store.get(["text0", "text1"])
    assert list(found.texts) == ["A", "B"]
    assert [row["brand"] for row in found.attributes] == ["a", "b"]
    assert (found.vectors == rows.vectors).all()
    assert len(collection.search_text("red blue", 5)) == 0
    collection.close()


def test_lance_index_covers_all_rows_after_optimising(tmp_path: Path):
    """Optimising brings all rows into the index of texts, however few there are."""
    store = LanceStore.open(str(tmp_path), "shop", cases.schema(), create=True)
    store.upsert(rows_with("red", "blue"))
    store.upsert(rows_with("red", "green", "blue"))
    store.optimize()
    (index,) = lancedb.connect(tmp_path).open_table("shop").list_indices()
    assert index.columns == [TERMS]
    assert (index.num_indexed_rows, index.num_unindexed_rows) == (3, 0)
    store.close()


@pytest.mark.parametrize("texts", [[], [""], ["", "red", ""], ["red red", "red"]])
def test_term_index_of_few_texts(texts: list[str]):
    """An index of no texts, or with rows of none, finds just the rows with the term."""
    rows, scores = TermIndex.of(texts).search(["red", "nobody"])
    assert list(rows) == [row for row, text in enumerate(texts) if "red" in text]
    assert (scores > 0).all()


def test_bm25_by_hand():
    """Scores are those of the formula, worked out by hand for three short texts."""
    index = TermIndex.of(["red red mug", "mug", "", "dot mug"])
    rows, scores = index.search(["red"])
    assert list(rows) == [0]
    assert scores[0] == pytest.approx(1.1824, abs=1e-4)  # one of three texts, 1.5 of the mean long
    rows, scores = index.search(["mug"])
    assert list(rows) == [0, 1, 3]
    assert scores[1] == pytest.approx(0.1679, abs=1e-4)  # three of three, half of the mean long


def test_metric_makes_no_difference_to_texts(tmp_path: Path):
    """Texts are searched alike in collections of another metric."""
    for name, factory in STORES.items():
        schema = cases.schema(Metric.L2)
        store = factory.open(str(tmp_path / name), "shop", schema, create=True)
        store.upsert(rows_with("red", "blue"))
        assert store.search_text("blue", 5).ids == ["text1"]
        store.close()
