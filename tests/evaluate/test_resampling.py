from __future__ import annotations

from math import comb

import numpy as np
import pytest

from shopsight.evaluate.resampling import Clusters


def test_interval_of_independent_queries() -> None:
    """With a query per cluster the interval is that of a mean: 1.96 standard errors either way."""
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = Clusters([str(number) for number in range(400)]).interval(values)
    error = values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_clusters_widen_intervals() -> None:
    """Four copies of every query tell no more than one: the interval stays as wide."""
    values = np.random.default_rng(2).integers(0, 2, 100).astype(float)
    alone = Clusters([str(number) for number in range(100)]).interval(values)
    copied = Clusters([str(number) for number in range(100)] * 4).interval(np.tile(values, 4))
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))


def test_same_seed_same_interval() -> None:
    """The random numbers are fixed, so that a report can be made again."""
    values = np.arange(30.0)
    names = [str(number % 7) for number in range(30)]
    assert Clusters(names).interval(values) == Clusters(names).interval(values)
    assert Clusters(names).interval(values) != Clusters(names, seed=1).interval(values)


def test_p_value_is_that_of_mcnemar() -> None:
    """For right and wrong answers the test agrees with the exact test of McNemar."""
    differences = np.array([1.0] * 12 + [-1.0] * 3 + [0.0] * 85)
    found = Clusters([str(number) for number in range(100)]).p_value(differences)
    exact = 2 * sum(comb(15, few) for few in range(4)) / 2**15
    assert found == pytest.approx(exact, abs=0.01)


def test_no_difference_is_no_evidence() -> None:
    """Encoders that answer alike have a p-value of 1."""
    assert Clusters(["a", "b"]).p_value(np.zeros(2)) == 1


def test_one_cluster_is_no_evidence() -> None:
    """However many photos of one product an encoder wins, it is one observation."""
    assert Clusters(["a"] * 50).p_value(np.ones(50)) == pytest.approx(1)


def test_separation_is_the_area_under_the_curve() -> None:
    """Scores above all those of absent things separate perfectly; uncounted ones are ignored."""
    present = np.array([0.9, 0.8, 0.1, np.nan])
    counted = np.array([True, True, False, False])
    found = Clusters(["a", "b", "c", "d"]).separation(present, np.array([0.5, 0.4]), counted)
    assert found.value == 1
    half = Clusters(["a", "b"]).separation(np.ones(2), np.ones(3), np.array([True, True]))
    assert (half.value, half.low, half.high) == (0.5, 0.5, 0.5)
