from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from shopsight.errors import VectorIndexError
from shopsight.index.base import FieldType, Records
from shopsight.index.filters import Compare, Op
from shopsight.index.lance import LanceStore
from shopsight.index.lance_indexes import LanceOptions
from shopsight.testing import store_cases as cases

INDEXED = LanceOptions(flat_bytes=0, index_rows=1)


def opened(uri: Path, options: LanceOptions | None = None) -> LanceStore:
    """A store in a folder."""
    return LanceStore.open(str(uri), "shop", cases.schema(), create=True, options=options)


def test_index_is_built_above_the_threshold_only(tmp_path: Path):
    """Few vectors are searched exhaustively; enough of them get an index, which covers all."""
    options = LanceOptions(flat_bytes=150 * 4 * cases.DIMENSION)
    store = opened(tmp_path, options)
    store.upsert(cases.records(100))
    store.optimize()
    assert store.health().indexed == 0
    store.upsert(cases.records(100, prefix="more", seed=1))
    store.optimize()
    health = store.health()
    assert (health.indexed, health.rows) == (200, 200)
    assert health.extra["index"].startswith("IVF")
    store.close()


def test_index_grows_with_the_rows(tmp_path: Path):
    """Some new rows extend the index; many make it be built anew with more cells."""
    store = opened(tmp_path, INDEXED)
    sizes = []
    for step, count in enumerate([100, 50, 450]):
        store.upsert(cases.records(count, prefix=f"step{step}-", seed=step))
        store.optimize()
        health = store.health()
        assert health.indexed == health.rows
        sizes.append(health.extra["index"])
    assert sizes[0] == sizes[1] != sizes[2]
    store.close()


def test_superseded_files_go(tmp_path: Path):
    """Optimising drops the files of old versions once nobody should read them any more."""
    store = opened(tmp_path, LanceOptions(keep_s=0.001))
    for number in range(10):
        store.upsert(cases.records(10, seed=number))
    table = tmp_path / "shop.lance"
    before = len(list((table / "data").iterdir()))
    store.optimize()
    assert len(list((table / "data").iterdir())) < before / 2
    store.optimize()
    assert len({path.parent for path in (table / "_indices").rglob("*.lance")}) == 1
    assert store.count() == 10
    store.close()


def test_reader_outlives_compaction(tmp_path: Path):
    """A reader that does not refresh goes on answering while a writer compacts."""
    writer, reader = opened(tmp_path, INDEXED), opened(tmp_path, INDEXED)
    rows = cases.records(60)
    for start in range(0, 60, 20):
        part = slice(start, start + 20)
        writer.upsert(
            Records(
                rows.ids[part], rows.product_ids[part], rows.vectors[part], rows.attributes[part]
            )
        )
    reader.refresh()
    assert reader.search(rows.vectors[50], 1).ids[0] == "row50"
    writer.optimize()
    assert reader.search(rows.vectors[50], 1).ids[0] == "row50"
    reader.refresh()
    hits = [reader.search(vector, 1).ids[0] for vector in rows.vectors]
    assert sum(hit == key for hit, key in zip(hits, rows.ids, strict=True)) >= 57
    writer.close()
    reader.close()


def test_memory_is_renewed_after_many_unknown_rows(tmp_path: Path):
    """Rows that a search had to read from disk are in memory after the next refresh."""
    store = opened(tmp_path, INDEXED)
    store.upsert(cases.records(50))
    store.optimize()
    store.search(cases.vectors(1)[0], 3)
    late = cases.records(300, prefix="late", seed=2)
    store.upsert(late)
    for vector in late.vectors[:30]:
        store.search(vector, 10)
    assert len(store._searcher.loaded or ()) == 50
    store.refresh()
    assert len(store._searcher.loaded or ()) == 350
    hits = [store.search(vector, 1).ids[0] for vector in late.vectors[:50]]
    assert sum(key in late.ids for key in hits) >= 45
    store.close()


def test_filter_that_leaves_out_what_is_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where next to nothing that the index proposes passes, the nearest that pass are found."""
    monkeypatch.setattr("shopsight.index.lance_search._COMPARED_AT_ONCE", 0)
    store = opened(tmp_path, INDEXED)
    rows = cases.records(3000)
    query = rows.vectors[0]
    units = rows.vectors / np.linalg.norm(rows.vectors, axis=1, keepdims=True)
    order = np.argsort(-(units @ (query / np.linalg.norm(query))))
    far = order[len(rows) // 2 :]
    attributes = [{"brand": "near"} for _ in rows.ids]
    for place in far:
        attributes[place] = {"brand": "far"}
    store.upsert(Records(rows.ids, rows.product_ids, rows.vectors, attributes))
    store.optimize()
    found = store.search(query, 5, where=Compare("brand", Op.EQ, "far"))
    assert set(found.ids) == {rows.ids[place] for place in far[:5]}
    near = store.search(query, 5, where=Compare("brand", Op.EQ, "near"))
    assert near.ids[0] == rows.ids[order[0]]
    store.close()


def test_columns_take_no_more_memory_than_they_may(tmp_path: Path):
    """Filters and counts are right when columns are too large to be kept, and nothing is then."""
    rows = cases.records(400)
    where = Compare("brand", Op.CONTAINS, "k")
    roomy = opened(tmp_path / "roomy")
    roomy.upsert(rows)
    tight = opened(tmp_path / "tight", LanceOptions(resident_bytes=4 * 5000))
    tight.upsert(rows)
    for store in (roomy, tight):
        assert store.count_products(where) > 0
        for field in cases.FIELDS:
            store.facets([field], where=where)
    assert tight.facets(["brand"], where=where) == roomy.facets(["brand"], where=where)
    assert tight.count_products(where) == roomy.count_products(where)
    assert 0 < tight._columns.nbytes <= 5000 < roomy._columns.nbytes
    roomy.close()
    tight.close()


def test_searches_while_writing(tmp_path: Path):
    """Threads that search while another writes always get sound answers."""
    store = opened(tmp_path, INDEXED)
    first = cases.records(100)
    store.upsert(first)
    store.optimize()
    failures: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                for vector in first.vectors[:5]:
                    found = store.search(vector, 5, where=Compare("price", Op.GE, -1e300))
                    assert len(found) == len(set(found.ids)) == 5
                    assert np.isfinite(found.scores).all()
        except BaseException as error:  # noqa: BLE001  # handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(8):
        store.upsert(cases.records(20, prefix=f"{number}-", seed=number))
        if number % 3 == 2:
            store.optimize()
            store.refresh()
    done.set()
    for thread in threads:
        thread.join()
    store.close()
    assert not failures


def test_two_that_add_the_same_fields_agree(tmp_path: Path):
    """A reader and a writer that learn of new fields at once both have them, and may write."""
    writer, reader = opened(tmp_path), opened(tmp_path)
    fields = {"fresh": FieldType.STRING, "weight": FieldType.NUMBER}
    reader.add_fields(fields)
    writer.add_fields(fields)
    rows = cases.records(3)
    attributes = [{"fresh": "yes", "weight": 2.0} for _ in rows.ids]
    writer.upsert(Records(rows.ids, rows.product_ids, rows.vectors, attributes))
    reader.refresh()
    assert reader.count(Compare("fresh", Op.EQ, "yes")) == 3
    reader.close()
    writer.close()


def test_closed_store_says_so(tmp_path: Path):
    """Using a closed store is a clear error instead of a hang."""
    store = opened(tmp_path)
    store.close()
    with pytest.raises(VectorIndexError, match="closed"):
        store.count()


def test_opening_for_reading_makes_no_folder(tmp_path: Path):
    """A mistyped place is not created by looking there."""
    with pytest.raises(VectorIndexError, match="no index"):
        LanceStore.open(str(tmp_path / "typo"), "shop", cases.schema(), create=False)
    assert not (tmp_path / "typo").exists()
