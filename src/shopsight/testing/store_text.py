"""The part of the stores' conformance suite that is about searching texts.

:class:`shopsight.testing.store.StoreConformance` contains it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shopsight.errors import VectorIndexError
from shopsight.index.base import Neighbors, Records, VectorStore
from shopsight.index.filters import And, Compare, Filter, IsNull, Not, Op, evaluate
from shopsight.testing import store_cases as cases

OpenStore = Callable[..., VectorStore]

ROWS = 120
CLEARLY = 1.05
"""Ratio of two scores from which on their order must be right; engines may round lengths."""

QUERIES = ["red", "杯", "mx200", "red mug", "衬衫 cotton 红色", "dot nobody tall", "x9 x9 red"]


class TextConformance:
    """What every store must do with texts. The fixture ``open_store`` is the whole suite's."""

    @pytest.mark.parametrize("seed", range(3))
    def test_ranking_of_texts(self, open_store: OpenStore, seed: int) -> None:
        """Rows with any of the terms are found, best first, as BM25 has it, and no others."""
        store, rows = open_store(), cases.records(ROWS, seed=seed)
        store.upsert(rows)
        for _ in range(2):
            for query in QUERIES:
                expected = _bm25(rows, query)
                _check_ranking(store.search_text(query, ROWS), expected, rows)
                few = store.search_text(query, 5)
                _check_best(few, expected, 5)
            store.optimize()

    def test_ranking_across_many_writes(self, open_store: OpenStore) -> None:
        """Frequencies are those of all rows, however many writes brought and replaced them."""
        store, rows = open_store(), cases.records(ROWS, seed=5)
        before = replace(rows, texts=cases.texts(ROWS, seed=6))
        for written in (before, rows):
            for start in range(0, ROWS, 30):
                store.upsert(_part(written, range(start, start + 30)))
                if start == 30:  # noqa: PLR2004  # once in the middle
                    store.optimize()
        store.delete(ids=rows.ids[::7])
        store.optimize()
        left = _part(rows, [row for row in range(ROWS) if row % 7])
        for query in QUERIES:
            _check_ranking(store.search_text(query, ROWS), _bm25(left, query), rows)

    def test_products_that_have_words(self, open_store: OpenStore) -> None:
        """They are those of the best rows, each once, and facets count among them alone."""
        store, rows = open_store(), cases.records(ROWS, seed=4)
        store.upsert(rows)
        where = Compare("price", Op.GE, 10)
        for _ in range(2):
            for query in QUERIES:
                for filter_, most in ((None, ROWS), (where, ROWS), (None, 7)):
                    found = store.text_products(query, most, where=filter_)
                    expected = set(store.search_text(query, most, where=filter_).product_ids)
                    assert (set(found), len(found)) == (expected, len(expected))
                    assert all(product in found for product in expected)
                    assert store.facets(["brand"], within=found) == store.facets(
                        ["brand"], within=expected
                    )
            late = cases.records(20, prefix="late", seed=9)
            before = store.text_products(QUERIES[0], 2 * ROWS)
            store.upsert(late)
            store.delete(ids=rows.ids[:10])
            assert store.facets(["brand"], within=before) == store.facets(
                ["brand"], within=set(before)
            )
            store.optimize()
        assert len(store.text_products("", 5)) == len(store.text_products("unsaid", 5)) == 0
        assert store.facets(["brand"], within=store.text_products("unsaid", 5)) == {"brand": {}}

    def test_texts_and_filters(self, open_store: OpenStore) -> None:
        """A filter costs no hits: the best of the rows that pass it are found."""
        store, rows = open_store(), cases.records(ROWS, seed=2)
        store.upsert(rows)
        filters: list[Filter] = [
            Compare("price", Op.GE, 10),
            And((IsNull("brand"), Not(Compare("on_sale", Op.EQ, value=True)))),
            Compare("brand", Op.EQ, "日本"),
            Compare("brand", Op.EQ, "nobody"),
        ]
        attributes = dict(zip(rows.ids, rows.attributes, strict=True))
        for where in filters:
            for query in QUERIES:
                expected = {
                    key: score
                    for key, score in _bm25(rows, query).items()
                    if evaluate(where, attributes[key])
                }
                assert set(store.search_text(query, ROWS, where=where).ids) == set(expected)
        store.optimize()
        for where in filters:
            for query in QUERIES:
                expected = {
                    key: score
                    for key, score in _bm25(rows, query).items()
                    if evaluate(where, attributes[key])
                }
                _check_ranking(store.search_text(query, ROWS, where=where), expected, rows)
                _check_best(store.search_text(query, 2, where=where), expected, 2)

    @pytest.mark.parametrize("optimized", [False, True])
    def test_special_terms(self, open_store: OpenStore, optimized: bool) -> None:
        """Terms that look like syntax, or that engines like to change, stand for themselves."""
        store = open_store()
        texts = [*cases.SPECIAL_TERMS, "red run"]
        store.upsert(_rows_with(texts))
        if optimized:
            store.optimize()
        for place, term in enumerate(cases.SPECIAL_TERMS):
            assert list(store.search_text(term, 50).ids) == [f"text{place}"], term
        assert len(store.search_text(" ".join(cases.SPECIAL_TERMS), 50)) == len(texts) - 1

    @pytest.mark.parametrize("optimized", [False, True])
    def test_nothing_to_find(self, open_store: OpenStore, optimized: bool) -> None:
        """Unknown terms, no terms and impossible ones find nothing; rows without terms neither."""
        store = open_store()
        assert len(store.search_text("red", 5)) == 0
        store.upsert(_rows_with(["red mug", "", " \t "]))
        store.upsert(Records(["bare"], ["p"], cases.vectors(1), [{}]))
        if optimized:
            store.optimize()
        for query in ["", "  \n", "blue", "re", "reds", "mug:", "\ud800", "red_mug"]:
            assert len(store.search_text(query, 5)) == 0, query
        assert list(store.search_text("red \ud800", 5).ids) == ["text0"]
        with pytest.raises(VectorIndexError, match="place"):
            store.search_text("red", 0)

    def test_texts_change(self, open_store: OpenStore) -> None:
        """A new text replaces the old one at once; a deleted row is not found any more."""
        store = open_store()
        store.upsert(_rows_with(["red mug", "red shirt", "blue mug"]))
        for optimized in (False, True):
            suffix = str(optimized).lower()
            store.upsert(_rows_with([f"green {suffix}"]))
            assert set(store.search_text("red", 5).ids) == {"text1"}
            assert set(store.search_text("mug", 5).ids) == {"text2"}
            assert set(store.search_text(f"green {suffix}", 5).ids) == {"text0"}
            store.optimize()
        store.delete(ids=["text1"])
        assert len(store.search_text("red shirt", 5)) == 0
        store.optimize()
        assert len(store.search_text("red shirt", 5)) == 0
        assert set(store.search_text("blue green", 5).ids) == {"text0", "text2"}

    def test_white_space_parts_terms(self, open_store: OpenStore) -> None:
        """Any white space parts terms, and single spaces are what is stored."""
        store = open_store()
        store.upsert(_rows_with(["  red\u3000mug\n\tdot\u00a0x9 \u2028tall\x1cmx200 "]))
        assert store.get(["text0"]).texts == ["red mug dot x9 tall mx200"]
        for query in ["mug", "x9\u3000nobody", "mx200", "\ttall "]:
            assert len(store.search_text(query, 5)) == 1, query

    def test_bad_texts(self, open_store: OpenStore) -> None:
        """Texts that are no Unicode, or too few of them, are refused, and nothing is written."""
        store = open_store()
        with pytest.raises(VectorIndexError, match="text1"):
            store.upsert(_rows_with(["red", "\ud800"]))
        with pytest.raises(VectorIndexError, match="text"):
            store.upsert(replace(_rows_with(["red", "mug"]), texts=["red"]))
        assert store.count() == 0

    def test_texts_travel(self, open_store: OpenStore, tmp_path: Path) -> None:
        """Texts are kept by reading, scanning, closing, exporting, importing, and other readers."""
        store, reader = open_store(), open_store()
        rows = cases.records(ROWS)
        store.upsert(rows)
        store.optimize()
        wanted = dict(zip(rows.ids, rows.texts, strict=True))
        scanned = [pair for part in store.scan(50) for pair in _texts_of(part)]
        assert sorted(scanned) == sorted(wanted.items())
        assert store.export(tmp_path / "rows.parquet") == ROWS
        other = open_store(name="other")
        other.import_(tmp_path / "rows.parquet")
        assert dict(_texts_of(other.get(rows.ids))) == wanted
        reader.refresh()
        store.close()
        again = open_store(create=False)
        for found in (other, reader, again):
            expected = _bm25(rows, "mug 红色")
            _check_ranking(found.search_text("mug 红色", ROWS), expected, rows)

    def test_other_readers_see_new_texts(self, open_store: OpenStore) -> None:
        """A reader that opened an empty collection finds what another wrote after it refreshes."""
        writer, reader = open_store(), open_store()
        if not writer.capabilities.shared_reads:
            pytest.skip("this engine does not share")
        assert len(reader.search_text("red", 5)) == 0
        writer.upsert(_rows_with(["red"]))
        reader.refresh()
        assert list(reader.search_text("red", 5).ids) == ["text0"]
        writer.optimize()
        writer.upsert(_rows_with(["blue", "red mug"]))
        reader.refresh()
        assert list(reader.search_text("red", 5).ids) == ["text1"]

    def test_stores_with_texts_say_so(self, open_store: OpenStore) -> None:
        """Shopsight searches texts in every store, so every store must offer it."""
        assert open_store().capabilities.text_search


def _rows_with(texts: Sequence[str]) -> Records:
    keys = [f"text{place}" for place in range(len(texts))]
    vectors = cases.vectors(len(texts))
    return Records(keys, keys, vectors, [{} for _ in keys], texts)


def _part(rows: Records, places: Sequence[int]) -> Records:
    return Records(
        [rows.ids[row] for row in places],
        [rows.product_ids[row] for row in places],
        rows.vectors[list(places)],
        [rows.attributes[row] for row in places],
        [rows.texts[row] for row in places],
    )


def _texts_of(rows: Records) -> list[tuple[str, str]]:
    return list(zip(rows.ids, rows.texts, strict=True))


def _bm25(rows: Records, query: str) -> dict[str, float]:
    """Scores of the rows that have any of the terms, straight from the formula."""
    texts = {key: text.split() for key, text in _texts_of(rows) if text.split()}
    mean = sum(map(len, texts.values())) / len(texts)
    scores: dict[str, float] = {}
    for term in set(query.split()):
        having = [key for key, terms in texts.items() if term in terms]
        rarity = math.log(1 + (len(texts) - len(having) + 0.5) / (len(having) + 0.5))
        for key in having:
            times = texts[key].count(term)
            dampened = times + 1.2 * (1 - 0.75 + 0.75 * len(texts[key]) / mean)
            scores[key] = scores.get(key, 0) + rarity * times * 2.2 / dampened
    return scores


def _check_ranking(found: Neighbors, expected: Mapping[str, float], rows: Records) -> None:
    """All rows that have a term were found, in an order that agrees with the expected scores."""
    assert sorted(found.ids) == sorted(expected)
    assert np.all(np.diff(found.scores) <= 0)
    assert np.all(found.scores > 0)
    products = dict(zip(rows.ids, rows.product_ids, strict=True))
    assert list(found.product_ids) == [products[key] for key in found.ids]
    least = math.inf
    for key in found.ids:
        assert expected[key] <= least * CLEARLY
        least = min(least, expected[key])


def _check_best(found: Neighbors, expected: Mapping[str, float], k: int) -> None:
    """The best rows were found, but for those that are nearly as good."""
    best = sorted(expected.values(), reverse=True)[:k]
    assert len(found) == len(set(found.ids)) == len(best)
    assert all(expected[key] * CLEARLY >= best[-1] for key in found.ids)
