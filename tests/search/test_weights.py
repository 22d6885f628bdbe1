from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shopsight.encoders.base import COLOR, SHAPE, EncoderSpec, Part
from shopsight.errors import QueryError
from shopsight.images.preprocessing import Preprocessing
from shopsight.index.base import Metric, Neighbors
from shopsight.index.nearness import scores
from shopsight.index.weighted import rescored, weighted
from shopsight.search.focus import Focus
from shopsight.search.weights import FOCUSED, focuses, part_weights

SHAPE_DIMENSIONS, DIMENSIONS = 12, 16
TWO_PARTS = (
    Part(name=SHAPE, start=0, stop=SHAPE_DIMENSIONS),
    Part(name=COLOR, start=SHAPE_DIMENSIONS, stop=DIMENSIONS),
)
seeds = st.integers(0, 2**32 - 1)
shares = st.floats(0.05, 0.95)
"""Of the squared length, held by the colour part."""


def spec(parts: tuple[Part, ...] = TWO_PARTS) -> EncoderSpec:
    """Facts of an encoder with these parts."""
    return EncoderSpec(
        name="any",
        dimension=DIMENSIONS,
        preprocessing=Preprocessing(size=32),
        fingerprint="1",
        licence="Apache-2.0",
        source="here",
        parts=parts,
    )


def unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of length 1."""
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def vectors(seed: int, count: int, share: float) -> NDArray[np.float32]:
    """Unit rows whose colour parts hold a share of the squared length."""
    values = np.random.default_rng(seed).normal(size=(count, DIMENSIONS))
    shape, color = values[:, :SHAPE_DIMENSIONS], values[:, SHAPE_DIMENSIONS:]
    both = [np.sqrt(1 - share) * unit(shape), np.sqrt(share) * unit(color)]
    return np.concatenate(both, axis=1).astype(np.float32)


def part_cosines(
    query: NDArray[np.float32], rows: NDArray[np.float32], part: Part
) -> NDArray[np.float64]:
    """Cosines of one part of a query with that of some rows."""
    inside = slice(part.start, part.stop)
    return unit(rows[:, inside].astype(float)) @ unit(query[inside].astype(float))


def search(
    metric: Metric, query: NDArray[np.float32], rows: NDArray[np.float32], focus: Focus
) -> NDArray[np.float32]:
    """Scores of all rows, as a store and the weighting around it give them."""
    weights = part_weights(spec(), query, focus)
    assert weights is not None
    searched = weighted(query, weights)
    names = [str(number) for number in range(len(rows))]
    found = Neighbors(names, names, scores(metric, rows, searched))
    return rescored(found, query, searched, metric).scores


@settings(deadline=None)
@given(seeds, shares, st.sampled_from([Focus.SHAPE, Focus.COLOR]))
def test_the_score_is_a_mean_of_the_parts(seed: int, share: float, focus: Focus) -> None:
    """The part in focus makes up nine tenths of the score, whatever share the vectors give it."""
    query, *_ = rows = vectors(seed, 8, share)
    chosen, other = TWO_PARTS if focus is Focus.SHAPE else reversed(TWO_PARTS)
    expected = FOCUSED * part_cosines(query, rows, chosen)
    expected += (1 - FOCUSED) * part_cosines(query, rows, other)
    np.testing.assert_allclose(search(Metric.COSINE, query, rows, focus), expected, atol=1e-4)


@settings(deadline=None)
@given(seeds, shares, st.sampled_from([Focus.SHAPE, Focus.COLOR]))
def test_both_metrics_agree(seed: int, share: float, focus: Focus) -> None:
    """With L2, scores are minus the squared distances of unit vectors that have those cosines."""
    query, *_ = rows = vectors(seed, 8, share)
    cosines = search(Metric.COSINE, query, rows, focus)
    np.testing.assert_allclose(search(Metric.L2, query, rows, focus), 2 * (cosines - 1), atol=1e-3)


@settings(deadline=None)
@given(seeds, shares, st.sampled_from(Metric), st.sampled_from([Focus.SHAPE, Focus.COLOR]))
def test_the_photo_itself_scores_best(
    seed: int, share: float, metric: Metric, focus: Focus
) -> None:
    """The query's own vector gets the score of a perfect match, and no other one gets more."""
    query, *_ = rows = vectors(seed, 8, share)
    found = search(metric, query, rows, focus)
    assert found[0] == pytest.approx(1 if metric is Metric.COSINE else 0, abs=1e-4)
    assert found.argmax() == 0


@settings(deadline=None)
@given(seeds, shares, st.floats(0.01, 100))
def test_weighting_keeps_the_length(seed: int, share: float, scale: float) -> None:
    """A weighted query is as long as it was, and weights that are all equal change nothing."""
    query = vectors(seed, 1, share)[0] * np.float32(scale)
    weights = np.random.default_rng(seed).uniform(0.1, 10, DIMENSIONS).astype(np.float32)
    length = np.linalg.norm(query)
    np.testing.assert_allclose(np.linalg.norm(weighted(query, weights)), length, rtol=1e-5)
    equal = np.full(DIMENSIONS, 3, np.float32)
    np.testing.assert_allclose(weighted(query, equal), query, rtol=1e-5)


def test_a_query_without_direction_stays_as_it_is() -> None:
    """Zeros have nothing to weight; the store says what is wrong with them."""
    zeros = np.zeros(DIMENSIONS, np.float32)
    np.testing.assert_array_equal(weighted(zeros, np.ones(DIMENSIONS, np.float32)), zeros)


def test_balanced_weights_nothing() -> None:
    """The balanced focus leaves vectors alone, with one part and with two."""
    query = vectors(1, 1, 0.25)[0]
    assert part_weights(spec(), query, Focus.BALANCED) is None
    assert part_weights(spec(()), query, Focus.BALANCED) is None


def test_one_part_is_all_shape() -> None:
    """Where there is only shape, it is in focus already, and colour is an error that says so."""
    query = vectors(1, 1, 0.25)[0]
    assert focuses(spec(())) == (Focus.SHAPE, Focus.BALANCED)
    assert focuses(spec()) == (Focus.SHAPE, Focus.BALANCED, Focus.COLOR)
    assert part_weights(spec(()), query, Focus.SHAPE) is None
    with pytest.raises(QueryError, match=r"'any' have no part for it.*shopsight reindex"):
        part_weights(spec(()), query, Focus.COLOR)


@pytest.mark.parametrize("empty", [slice(0, SHAPE_DIMENSIONS), slice(SHAPE_DIMENSIONS, None)])
def test_an_empty_part_cannot_count_more(empty: slice) -> None:
    """A query with nothing in one part is searched as it is: there is nothing to divide by."""
    query = vectors(1, 1, 0.25)[0]
    query[empty] = 0
    for focus in Focus:
        assert part_weights(spec(), query, focus) is None


def test_a_third_part_shares_the_rest() -> None:
    """Parts out of focus keep their proportions to each other."""
    parts = (
        Part(name=SHAPE, start=0, stop=8),
        Part(name="text", start=8, stop=12),
        Part(name=COLOR, start=12, stop=16),
    )
    weights = part_weights(spec(parts), vectors(1, 1, 0.25)[0], Focus.COLOR)
    assert weights is not None
    assert np.ptp(weights[:12]) == 0
    assert weights[12] > weights[0]


def test_names_of_focuses() -> None:
    """A focus is found by its name; another name is refused with those there are."""
    assert Focus.named("color") is Focus.COLOR
    assert Focus.named(Focus.SHAPE) is Focus.SHAPE
    with pytest.raises(QueryError, match="'colour': take one of shape, balanced, color"):
        Focus.named("colour")
