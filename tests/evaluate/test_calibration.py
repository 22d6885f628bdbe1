from __future__ import annotations

import numpy as np
import pytest

from shopsight.evaluate.calibration import calibrate, fit_curve


def test_curve_is_found_again() -> None:
    """From many outcomes drawn with a known curve, its slope and offset are recovered."""
    generator = np.random.default_rng(3)
    scores = generator.uniform(0, 1, 20_000)
    chances = 1 / (1 + np.exp(-(8 * scores - 4)))
    slope, offset = fit_curve(scores, (generator.random(20_000) < chances).astype(float))
    assert slope == pytest.approx(8, abs=0.4)
    assert offset == pytest.approx(-4, abs=0.2)


def test_separable_scores_do_not_diverge() -> None:
    """Scores that tell right from wrong perfectly still give a finite curve."""
    slope, offset = fit_curve(np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert np.isfinite([slope, offset]).all()
    assert slope > 0


def test_equal_scores_predict_the_share() -> None:
    """Where all scores are the same, the prediction is the share of right answers."""
    slope, offset = fit_curve(np.full(100, 0.7), np.tile([0.0, 1.0], 50))
    assert slope * 0.7 + offset == pytest.approx(0, abs=1e-6)


def test_scores_that_mean_something_calibrate_better() -> None:
    """Informative scores have a lower Brier score than meaningless ones, and a small error."""
    generator = np.random.default_rng(4)
    scores = generator.uniform(0, 1, 2000)
    right = generator.random(2000) < 1 / (1 + np.exp(-(10 * scores - 5)))
    good = calibrate(scores, right, np.arange(2000))
    useless = calibrate(generator.random(2000), right, np.arange(2000))
    assert good is not None
    assert useless is not None
    assert good.error < 0.06
    assert good.brier < 0.8 * useless.brier


@pytest.mark.parametrize(("count", "right"), [(10, 5), (100, 0), (100, 100), (100, 2)])
def test_too_few_queries_say_nothing(count: int, right: int) -> None:
    """With few queries, or hardly any right or wrong, there is no figure rather than a bad one."""
    outcome = np.arange(count) < right
    assert calibrate(np.linspace(0, 1, count), outcome, np.arange(count)) is None
