"""The conformance suite of vector stores: what every store must do, as tests.

A package with a store of its own subclasses it in its tests::

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def place(self, tmp_path):
            return MyStore, str(tmp_path)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from shopsight.errors import VectorIndexError
from shopsight.index.base import (
    FieldType,
    Metric,
    Neighbors,
    Records,
    StoreFactory,
    StoreSchema,
    VectorStore,
)
from shopsight.index.filters import Compare, Filter, In, IsNull, Not, Op, evaluate, to_text
from shopsight.testing import store_cases as cases
from shopsight.testing.store_facets import FacetConformance
from shopsight.testing.store_text import TextConformance

OpenStore = Callable[..., VectorStore]

ROWS = 90
TOLERANCE = 1e-4
"""Scores of engines that keep vectors in full precision differ by rounding only."""


class StoreConformance(FacetConformance, TextConformance):
    """What every store must do. Subclasses override the fixture :meth:`place`."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> tuple[StoreFactory, str]:
        """The store's class and a URI where it may make collections, fresh for every test."""
        raise NotImplementedError(f"override the fixture `place` (suggested: {tmp_path})")

    @pytest.fixture
    def open_store(self, place: tuple[StoreFactory, str]) -> Iterator[OpenStore]:
        """Open ``(schema, *, name="shop", create=True)``; closed after the test."""
        factory, uri = place
        opened: list[VectorStore] = []

        def open_one(
            schema: StoreSchema | None = None, *, name: str = "shop", create: bool = True
        ) -> VectorStore:
            store = factory.open(uri, name, schema or cases.schema(), create=create)
            opened.append(store)
            return store

        yield open_one
        for store in opened:
            store.close()

    @pytest.fixture
    def filled(self, open_store: OpenStore) -> tuple[VectorStore, Records]:
        """A store with rows of every kind, and these rows."""
        store, rows = open_store(), cases.records(ROWS)
        store.upsert(rows)
        return store, rows

    # Rows

    def test_upsert_then_get(self, filled: tuple[VectorStore, Records]) -> None:
        """Rows come back as they were written, in the order asked for, unknown keys left out."""
        store, rows = filled
        wanted = ["row7", "nobody", "row0", "row89"]
        found = store.get(wanted)
        assert list(found.ids) == ["row7", "row0", "row89"]
        for place, key in enumerate(found.ids):
            row = rows.ids.index(key)
            assert found.product_ids[place] == rows.product_ids[row]
            assert found.attributes[place] == rows.attributes[row]
            assert found.texts[place] == rows.texts[row]
            np.testing.assert_array_equal(found.vectors[place], rows.vectors[row])
        bare = store.get(wanted, attributes=False)
        assert (bare.ids, bare.product_ids) == (found.ids, found.product_ids)
        assert np.array_equal(bare.vectors, found.vectors)

    def test_upsert_replaces(self, filled: tuple[VectorStore, Records]) -> None:
        """A second write of a key replaces product, vector and attributes, and adds no row."""
        store, _ = filled
        vector = np.full((1, cases.DIMENSION), 5, np.float32)
        store.upsert(Records(["row3"], ["other"], vector, [{"brand": "New"}]))
        found = store.get(["row3"])
        assert store.count() == ROWS
        assert (found.product_ids[0], dict(found.attributes[0])) == ("other", {"brand": "New"})
        assert store.search(vector[0], 1).ids[0] == "row3"

    def test_last_of_equal_ids_wins(self, open_store: OpenStore) -> None:
        """Of equal keys in one batch the last one is stored."""
        store = open_store()
        attributes = [{"price": 1.0}, {"price": 2.0}]
        store.upsert(Records(["a", "a"], ["p", "q"], cases.vectors(2), attributes))
        found = store.get(["a"])
        assert (store.count(), found.product_ids[0], found.attributes[0]["price"]) == (1, "q", 2.0)

    def test_empty_batches(self, open_store: OpenStore) -> None:
        """Writing, reading and deleting nothing works and changes nothing."""
        store = open_store()
        store.upsert(cases.records(0))
        assert (store.count(), store.delete(), len(store.get([]))) == (0, 0, 0)

    def test_odd_keys_and_values(self, open_store: OpenStore) -> None:
        """Quotes, newlines, backslashes, percent signs and Unicode survive in keys and values."""
        odd = ["it's", '"', "a\nb", "ü/日本", "%_\\", "x' OR 1=1 --", " ", "\U0001f98a", "\u0000z"]
        store = open_store()
        rows = Records(odd, odd, cases.vectors(len(odd)), [{"brand": key} for key in odd])
        store.upsert(rows)
        assert list(store.get(odd).ids) == odd
        assert all(store.count(Compare("brand", Op.EQ, key)) == 1 for key in odd)
        assert [store.delete(ids=[key]) for key in odd] == [1] * len(odd)

    def test_delete_by_key_and_filter(self, filled: tuple[VectorStore, Records]) -> None:
        """Deletion by keys and by filter removes just these rows, each counted once."""
        store, rows = filled
        where = Compare("on_sale", Op.EQ, value=True)
        gone = {"row1", "row2"} | _matching(rows, where)
        assert store.delete(ids=["row1", "row2", "nobody"], where=where) == len(gone)
        assert store.count() == ROWS - len(gone)
        assert set(store.get(rows.ids).ids) == set(rows.ids) - gone
        assert not gone & set(store.search(rows.vectors[1], ROWS, effort=100).ids)

    def test_ten_thousand_keys(self, open_store: OpenStore) -> None:
        """Lists of ten thousand keys can be read and deleted at once."""
        store = open_store()
        store.upsert(cases.records(300))
        keys = [f"row{number}" for number in range(10_000)]
        assert len(store.get(keys)) == 300  # noqa: PLR2004  # as written
        assert store.delete(ids=keys) == 300  # noqa: PLR2004  # as written

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_vectors_must_be_finite(self, filled: tuple[VectorStore, Records], bad: float) -> None:
        """A vector with NaN or infinity is refused by name, and nothing of its batch is written."""
        store, _ = filled
        batch = cases.records(2, prefix="bad")
        batch.vectors[1, 3] = bad
        with pytest.raises(VectorIndexError, match="bad1"):
            store.upsert(batch)
        with pytest.raises(VectorIndexError, match="finite"):
            store.search(batch.vectors[1], 3)
        assert store.count() == ROWS

    def test_shapes_must_fit(self, filled: tuple[VectorStore, Records]) -> None:
        """Vectors of another length, and searches for no neighbour, are refused."""
        store, _ = filled
        wrong = np.ones((1, cases.DIMENSION + 1), np.float32)
        with pytest.raises(VectorIndexError):
            store.upsert(Records(["a"], ["a"], wrong, [{}]))
        with pytest.raises(VectorIndexError):
            store.search(wrong[0], 3)
        with pytest.raises(VectorIndexError):
            store.search(np.ones(cases.DIMENSION, np.float32), 0)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("price", "5"),
            ("price", float("nan")),
            ("brand", 5),
            ("on_sale", 1),
            ("sizes", "M"),
            ("nowhere", 1),
            ("brand", "\ud800"),
        ],
    )
    def test_values_must_fit(self, open_store: OpenStore, name: str, value: Any) -> None:
        """A value that does not fit its field is refused, naming row and field."""
        store = open_store()
        with pytest.raises(VectorIndexError, match=f"bad.*{name}"):
            store.upsert(Records(["bad"], ["p"], cases.vectors(1), [{name: value}]))

    # Searches

    @pytest.mark.parametrize("metric", list(Metric))
    @pytest.mark.parametrize("optimized", [False, True])
    def test_search(self, open_store: OpenStore, metric: Metric, optimized: bool) -> None:
        """The nearest rows come first, with scores as defined, before and after optimising."""
        store, rows = open_store(cases.schema(metric)), cases.records(400)
        store.upsert(rows)
        if optimized:
            store.optimize()
        found = right = 0
        for query in cases.vectors(20, seed=5):
            result = store.search(query, 10)
            expected = _scores(rows, query, metric)
            right += len(set(result.ids) & set(_best(rows, expected, 10)))
            found += len(result)
            assert np.all(np.diff(result.scores) <= 0)
            _check_scores(result, rows, expected)
        assert found == 200  # noqa: PLR2004  # ten for each of twenty
        assert right / found >= (1 if store.capabilities.exact else 0.9)

    def test_more_neighbours_than_rows(self, filled: tuple[VectorStore, Records]) -> None:
        """Asking for more rows than there are gives them all, once each."""
        store, rows = filled
        result = store.search(rows.vectors[0], 10 * ROWS, effort=100)
        assert sorted(result.ids) == sorted(rows.ids)

    def test_empty_store(self, open_store: OpenStore) -> None:
        """A store without rows answers with nothing, also after optimising."""
        store = open_store()
        for _ in range(2):
            query = np.ones(cases.DIMENSION, np.float32)
            assert len(store.search(query, 5)) == 0
            assert len(store.search(query, 5, where=IsNull("brand"))) == 0
            assert (store.count(), store.count_products()) == (0, 0)
            assert list(store.scan()) == []
            store.optimize()

    def test_rows_without_direction(self, filled: tuple[VectorStore, Records]) -> None:
        """Under cosine a row of zeros can be stored but is never near; as a query it is refused."""
        store, rows = filled
        zeros = np.zeros((1, cases.DIMENSION), np.float32)
        store.upsert(Records(["zero"], ["p"], zeros, [{}]))
        store.optimize()
        assert len(store.get(["zero"])) == 1
        assert "zero" not in store.search(rows.vectors[0], 2 * ROWS, effort=100).ids
        with pytest.raises(VectorIndexError, match="zeros"):
            store.search(zeros[0], 3)

    def test_new_rows_are_found_at_once(self, filled: tuple[VectorStore, Records]) -> None:
        """What was written after optimising and after a first search is found by the next one."""
        store, rows = filled
        store.optimize()
        store.search(rows.vectors[0], 3)
        late = cases.records(30, prefix="late", seed=8)
        store.upsert(late)
        hits = [store.search(vector, 1).ids[0] for vector in late.vectors]
        assert sum(key in late.ids for key in hits) >= (30 if store.capabilities.exact else 27)
        store.delete(ids=late.ids)
        assert not set(late.ids) & set(store.search(late.vectors[0], 2 * ROWS, effort=100).ids)

    # Filters

    def test_every_operator(self, filled: tuple[VectorStore, Records]) -> None:
        """Every operator, type and null selects the right rows: bare, indexed, and with a tail."""
        store, rows = filled
        _check_counts(store, rows, cases.simple_filters())
        store.optimize()
        _check_rows(store, rows, cases.simple_filters())
        tail = cases.records(40, prefix="tail", seed=3)
        store.upsert(tail)
        store.delete(ids=rows.ids[:10])
        _check_counts(store, _joined(_without(rows, 10), tail), cases.simple_filters())

    def test_combined_filters(self, filled: tuple[VectorStore, Records]) -> None:
        """AND, OR and NOT in any nesting select the right rows, before and after optimising."""
        store, rows = filled
        _check_rows(store, rows, cases.random_filters(100))
        store.optimize()
        _check_counts(store, rows, cases.random_filters(100, seed=1))
        _check_rows(store, rows, cases.random_filters(100, seed=2))

    def test_filtered_search(self, filled: tuple[VectorStore, Records]) -> None:
        """A filter does not cost neighbours: the nearest of the matching rows are found."""
        store, rows = filled
        filters: list[Filter] = [Compare("price", Op.GT, 40), Not(In("brand", ("Kavoa", "kavoa")))]
        for where in filters:
            for _ in range(2):
                matching = _matching(rows, where)
                for query in cases.vectors(5, seed=6):
                    expected = _scores(rows, query, Metric.COSINE)
                    best = [key for key in _best(rows, expected, ROWS) if key in matching][:5]
                    result = store.search(query, 5, where=where)
                    assert set(result.ids) <= matching
                    assert len(set(result.ids) & set(best)) >= (
                        5 if store.capabilities.exact else 4
                    )
                store.optimize()

    def test_filter_that_matches_nothing(self, filled: tuple[VectorStore, Records]) -> None:
        """Where no row matches, the answer is empty and nothing is deleted."""
        store, rows = filled
        where = Compare("brand", Op.EQ, "nobody")
        assert len(store.search(rows.vectors[0], 5, where=where)) == 0
        assert (store.count(where), store.count_products(where), store.delete(where=where)) == (
            0,
            0,
            0,
        )

    def test_count_products(self, filled: tuple[VectorStore, Records]) -> None:
        """Products are counted once, however many of their rows match."""
        store, rows = filled
        where = Compare("stock", Op.GE, 2)
        product = dict(zip(rows.ids, rows.product_ids, strict=True))
        assert store.count_products() == len(set(rows.product_ids))
        assert store.count_products(where) == len({product[key] for key in _matching(rows, where)})

    # Shape, files and processes

    def test_new_fields(self, filled: tuple[VectorStore, Records]) -> None:
        """A new field is null in old rows, can be filtered by, and has one type for good."""
        store, rows = filled
        store.optimize()
        store.add_fields({"colors": FieldType.STRINGS, "weight": FieldType.NUMBER})
        store.add_fields({"weight": FieldType.NUMBER})
        late = Records(["a"], ["a"], cases.vectors(1), [{"weight": 2, "colors": ["red", "red"]}])
        store.upsert(late)
        assert store.schema.fields["colors"] is FieldType.STRINGS
        assert store.count(IsNull("weight")) == len(rows)
        assert store.count(Compare("colors", Op.CONTAINS, "red")) == 1
        assert dict(store.get(["a"]).attributes[0]) == {"weight": 2, "colors": ["red"]}
        assert store.get(["row5"]).attributes[0] == rows.attributes[5]
        with pytest.raises(VectorIndexError, match="weight"):
            store.add_fields({"weight": FieldType.STRING})
        with pytest.raises(VectorIndexError, match="Bad Name"):
            store.add_fields({"Bad Name": FieldType.STRING})

    def test_reopen(self, open_store: OpenStore) -> None:
        """A closed store opens again with its rows and fields; stored fields are kept."""
        store, rows = open_store(), cases.records(ROWS)
        store.upsert(rows)
        store.optimize()
        store.close()
        store.close()
        again = open_store(cases.schema(fields={"fresh": FieldType.STRING}), create=False)
        assert again.schema.fields == {**cases.FIELDS, "fresh": FieldType.STRING}
        assert again.count() == ROWS
        assert again.search(rows.vectors[4], 1).ids[0] == "row4"

    def test_open_what_is_not_there(self, open_store: OpenStore) -> None:
        """Opening a missing collection, or one of another shape, is an error that says so."""
        with pytest.raises(VectorIndexError, match="no index"):
            open_store(create=False)
        open_store()
        wrong = StoreSchema(dimension=cases.DIMENSION + 1)
        with pytest.raises(VectorIndexError, match="-dimensional"):
            open_store(wrong)
        with pytest.raises(VectorIndexError, match="-dimensional"):
            open_store(cases.schema(Metric.L2), create=False)

    def test_collections_are_apart(self, open_store: OpenStore) -> None:
        """Collections at one place do not see each other's rows; dropping one spares the others."""
        first, second = open_store(name="v0001"), open_store(name="v0002")
        first.upsert(cases.records(5))
        assert (first.count(), second.count()) == (5, 0)
        second.drop()
        assert first.count() == 5  # noqa: PLR2004  # as written
        with pytest.raises(VectorIndexError):
            open_store(name="v0002", create=False)

    def test_second_reader(self, open_store: OpenStore) -> None:
        """A reader that opened earlier sees another's writes after it refreshes."""
        writer, reader = open_store(), open_store()
        if not writer.capabilities.shared_reads:
            pytest.skip("this engine does not share")
        rows = cases.records(ROWS)
        query = rows.vectors[3]
        assert len(reader.search(query, 3)) == 0
        writer.upsert(rows)
        writer.add_fields({"fresh": FieldType.NUMBER})
        reader.refresh()
        assert reader.search(query, 1).ids[0] == "row3"
        assert reader.count(IsNull("fresh")) == ROWS
        writer.optimize()
        writer.delete(ids=["row3"])
        reader.refresh()
        assert "row3" not in reader.search(query, ROWS, effort=100).ids

    def test_state_tells_of_writes(self, open_store: OpenStore) -> None:
        """The state differs after writes, here or elsewhere, and after nothing else."""
        store, rows = open_store(), cases.records(ROWS)
        states = [store.state]
        store.upsert(rows)
        states.append(store.state)
        store.search(rows.vectors[0], 3)
        store.count()
        store.refresh()
        assert store.state == states[-1]
        store.delete(ids=rows.ids[:1])
        states.append(store.state)
        if store.capabilities.shared_reads:
            open_store().delete(ids=rows.ids[1:2])
            store.refresh()
            states.append(store.state)
        assert len(set(states)) == len(states)

    def test_scan(self, filled: tuple[VectorStore, Records]) -> None:
        """Scanning gives every row once, whatever the batch size."""
        store, rows = filled
        store.delete(ids=["row0"])
        parts = list(store.scan(7))
        assert sorted(key for part in parts for key in part.ids) == sorted(rows.ids[1:])
        assert max(len(part) for part in parts) <= 7  # noqa: PLR2004  # the batch size

    def test_export_and_import(self, open_store: OpenStore, tmp_path: Path) -> None:
        """An exported file brings all rows and fields into another collection."""
        source, rows = open_store(name="source"), cases.records(ROWS)
        source.upsert(rows)
        path = tmp_path / "rows.parquet"
        assert source.export(path) == ROWS
        target = open_store(cases.schema(fields={}), name="target")
        assert target.import_(path) == ROWS
        assert target.schema.fields == source.schema.fields
        found = target.get(rows.ids)
        assert list(found.attributes) == list(rows.attributes)
        assert list(found.texts) == list(rows.texts)
        np.testing.assert_array_equal(found.vectors, rows.vectors)
        other = open_store(cases.schema(Metric.L2), name="other")
        with pytest.raises(VectorIndexError, match="l2"):
            other.import_(path)

    def test_health(self, filled: tuple[VectorStore, Records]) -> None:
        """A sound store says so and counts its rows."""
        store, _ = filled
        health = store.health()
        assert (health.ok, health.rows) == (True, ROWS)
        assert 0 <= health.indexed <= ROWS


def _matching(rows: Records, where: Filter) -> set[str]:
    pairs = zip(rows.ids, rows.attributes, strict=True)
    return {key for key, attributes in pairs if evaluate(where, attributes)}


def _check_counts(store: VectorStore, rows: Records, filters: Iterator[Filter]) -> None:
    for where in filters:
        assert store.count(where) == len(_matching(rows, where)), to_text(where)


def _check_rows(store: VectorStore, rows: Records, filters: Iterator[Filter]) -> None:
    query = cases.vectors(1, seed=4)[0]
    for where in filters:
        found = store.search(query, len(rows), where=where, effort=100)
        assert set(found.ids) == _matching(rows, where), to_text(where)


def _scores(rows: Records, query: NDArray[np.float32], metric: Metric) -> NDArray[np.float64]:
    exact = np.asarray(rows.vectors, np.float64)
    if metric is Metric.L2:
        return -np.asarray(((exact - query) ** 2).sum(axis=1))
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(query)
    return np.asarray(exact @ query / lengths)


def _best(rows: Records, scores: NDArray[np.float64], k: int) -> list[str]:
    return [rows.ids[row] for row in np.argsort(-scores)[:k]]


def _check_scores(result: Neighbors, rows: Records, expected: NDArray[np.float64]) -> None:
    exact = [expected[rows.ids.index(key)] for key in result.ids]
    np.testing.assert_allclose(result.scores, exact, rtol=TOLERANCE, atol=TOLERANCE)
    assert list(result.product_ids) == [rows.product_ids[rows.ids.index(key)] for key in result.ids]


def _without(rows: Records, count: int) -> Records:
    return Records(
        rows.ids[count:],
        rows.product_ids[count:],
        rows.vectors[count:],
        rows.attributes[count:],
        rows.texts[count:],
    )


def _joined(first: Records, second: Records) -> Records:
    return Records(
        [*first.ids, *second.ids],
        [*first.product_ids, *second.product_ids],
        np.concatenate([first.vectors, second.vectors]),
        [*first.attributes, *second.attributes],
        [*first.texts, *second.texts],
    )
