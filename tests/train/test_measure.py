from __future__ import annotations

import numpy as np
import pytest

from shopsight.train.measure import bootstrap, ranking, voted, wilson


def test_wilson_interval_of_a_textbook_case() -> None:
    """81 of 263: the interval that Newcombe (1998) gives for the score method."""
    figure = wilson(81, 263)
    assert figure.value == pytest.approx(0.3080, abs=1e-4)
    assert (figure.low, figure.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 0).high == 1
    assert wilson(20, 20).low < 1


def test_bootstrap_is_wider_for_few_groups() -> None:
    """Photos that succeed and fail together count as one."""
    values = np.repeat([0.0, 1.0, 1.0, 0.0], 25)
    alone = bootstrap(values, [str(n) for n in range(100)])
    together = bootstrap(values, [str(n // 25) for n in range(100)])
    assert alone.value == together.value == 0.5
    assert together.high - together.low > alone.high - alone.low


def test_ranking_hides_the_own_group() -> None:
    """By hand: the query's own picture is not an answer, and ranks start at 1."""
    angles = np.deg2rad([0, 10, 15, 90])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels, groups = np.array([0, 1, 0, 2]), np.arange(4)
    precision, first, possible = ranking(
        vectors, vectors, labels, labels, hidden=groups, gallery_groups=groups
    )
    assert possible.tolist() == [True, False, True, False]
    assert precision[[0, 2]].tolist() == [0.5, 0.5]
    assert first.sum() == 0


def test_votes_are_weighted_by_similarity() -> None:
    """Two near pictures outvote three far ones."""
    gallery = np.array([[1, 0], [1, 0], [0, 1], [0.1, 1], [0.1, 1]], np.float32)
    found = voted(np.array([[1, 0]], np.float32), gallery, np.array([1, 1, 0, 0, 0]), k=5)
    assert found.tolist() == [1]
