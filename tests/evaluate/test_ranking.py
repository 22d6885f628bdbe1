from __future__ import annotations

import numpy as np
import pytest

from shopsight.errors import QueryError
from shopsight.evaluate.ranking import Gallery, Problem, Query, SearchOptions, solve
from shopsight.index.base import Metric
from shopsight.search.focus import Focus
from shopsight.testing.fakes import ThumbnailEncoder, TwoPartEncoder

SPEC = ThumbnailEncoder().spec


def unit(rows: int, seed: int) -> np.ndarray:
    """Random unit vectors of the thumbnail encoder's length."""
    found = np.random.default_rng(seed).normal(size=(rows, SPEC.dimension)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def problem(*queries: Query, owners: list[int], absent: tuple[int, ...] = ()) -> Problem:
    """A problem whose gallery are the first pictures."""
    return Problem(
        gallery=np.arange(len(owners)),
        owners=np.array(owners),
        owner_titles=[str(owner) for owner in range(max(owners) + 1)],
        queries=queries,
        figures=("recall@1", "hit@1", "map", "mrr"),
        absent=np.array(absent, np.intp),
    )


def query(row: int | None, *relevant: int, excluded: tuple[int, ...] = ()) -> Query:
    """A query for some owners."""
    return Query(
        row, np.array(relevant), len(relevant), "c", "x", np.array(excluded, dtype=np.intp)
    )


def test_owner_counts_once_by_its_best_row() -> None:
    """Two pictures of the best owner do not push the right one down to the third rank."""
    vectors = unit(4, 1)
    vectors[3] = 0.7 * vectors[0] + 0.69 * vectors[1] + 0.2 * vectors[2]
    found = solve(
        problem(query(3, 1), owners=[0, 0, 1]), vectors, Gallery(SPEC, vectors[:3], SearchOptions())
    )
    assert found.figures["map"].tolist() == [0.5]
    assert (found.first[0], found.right[0]) == (0, False)


def test_excluded_owners_are_not_found() -> None:
    """What is excluded, such as the query itself, takes no rank."""
    vectors = unit(3, 2)
    vectors[1] = vectors[0]
    found = solve(
        problem(query(0, 1, excluded=(0,)), owners=[0, 1, 2]),
        vectors,
        Gallery(SPEC, vectors, SearchOptions()),
    )
    assert found.figures["recall@1"].tolist() == [1]
    assert found.first[0] == 1


def test_failed_query_counts_as_not_found() -> None:
    """A query without a usable picture has no answer, and all its figures are 0."""
    vectors = unit(2, 3)
    found = solve(
        problem(query(None, 0), owners=[0, 1]), vectors, Gallery(SPEC, vectors, SearchOptions())
    )
    assert [values.tolist() for values in found.figures.values()] == [[0]] * 4
    assert found.first[0] == -1
    assert np.isnan(found.scores[0])


def test_absent_things_have_a_best_score() -> None:
    """Queries without a right answer give the score of what comes first."""
    vectors = unit(3, 4)
    found = solve(
        problem(query(0, 0), owners=[0, 1], absent=(2,)),
        vectors,
        Gallery(SPEC, vectors[:2], SearchOptions()),
    )
    assert found.absent_scores == pytest.approx([max(vectors[:2] @ vectors[2])], abs=1e-6)


def test_l2_and_standardized_scores() -> None:
    """The shop's metric and standardisation apply: distances are negative, scaled rows differ."""
    vectors = unit(120, 5)
    order, plain = Gallery(SPEC, vectors, SearchOptions(Metric.L2)).ranked(vectors[0])
    _, scaled = Gallery(SPEC, vectors, SearchOptions(Metric.L2, standardize=True)).ranked(
        vectors[0]
    )
    assert order[0] == 0
    assert plain[0] == pytest.approx(0, abs=1e-6)
    assert plain.max() <= 0
    assert scaled[1:].mean() < 10 * plain[1:].mean()


def test_focus_needs_a_part() -> None:
    """A focus on colour is refused for vectors that have no colours, else taken."""
    color = SearchOptions(focus=Focus.COLOR)
    with pytest.raises(QueryError, match="thumbnail"):
        Gallery(SPEC, unit(1, 6), color)
    spec = TwoPartEncoder().spec
    vector = np.ones(spec.dimension, np.float32)
    _, found = Gallery(spec, vector[None], color).ranked(vector)
    assert found == pytest.approx([1], abs=1e-5)
