from __future__ import annotations

import numpy as np
import pytest

from shopsight.evaluate.metrics import (
    brier_score,
    calibration_error,
    found_at,
    reciprocal_rank,
    wins,
)


def test_figures_of_the_first_right_answer() -> None:
    """Only the first right answer counts for the reciprocal rank and for whether it was found."""
    assert (reciprocal_rank([4, 5]), reciprocal_rank([])) == (0.25, 0)
    assert (found_at(5, [4, 9]), found_at(3, [4, 9]), found_at(5, [])) == (1, 0, 0)


def test_wins_count_ties_half() -> None:
    """The mean of the wins is the area under the curve, ties being worth a half."""
    won = wins(np.array([3.0, 2.0]), np.array([1.0, 2.0]))
    assert won.tolist() == [[1, 1], [1, 0.5]]


def test_honest_probabilities_have_no_calibration_error() -> None:
    """Predictions of 0.5 of which half come true are calibrated; their Brier score is 1/4."""
    chances, happened = np.full(100, 0.5), np.tile([0.0, 1.0], 50)
    assert calibration_error(chances, happened) == pytest.approx(0)
    assert brier_score(chances, happened) == 0.25


def test_boasting_is_a_calibration_error() -> None:
    """Predictions of 0.9 of which half come true are off by 0.4, however few there are."""
    assert calibration_error(np.full(40, 0.9), np.tile([0.0, 1.0], 20)) == pytest.approx(0.4)
    assert calibration_error(np.array([0.9]), np.array([1.0])) == pytest.approx(0.1)
