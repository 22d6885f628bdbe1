from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopsight.errors import DecodeError, FeedError
from shopsight.evaluate.metrics import coverage_at, macro_f1
from shopsight.evaluate.recognition import Case, Outcome, measured, ranked, recognized
from shopsight.evaluate.resampling import Clusters
from shopsight.recognize.answers import Alternative, Recognition


def outcome(right: str, guess: str, confidence: float, *, answered: bool = True) -> Outcome:
    """A photo that shows something (or nothing), and what was guessed."""
    case = Case(Path(f"{right}{confidence}.jpg"), frozenset(filter(None, [right])), right)
    guesses = (Alternative(guess, confidence), Alternative("other", confidence / 2))
    return Outcome(case, guess if answered else None, guesses, latency_ms=10)


def test_guesses_are_ranked_once_each() -> None:
    """Answer and alternatives make one ranking by confidence, in which no answer comes twice."""
    found = Recognition("a", 0.4, (Alternative("b", 0.7), Alternative("a", 0.2)))
    assert ranked(found) == [Alternative("b", 0.7), Alternative("a", 0.4)]
    assert ranked(Recognition(None, 0.3, (Alternative("c", 0.3),))) == [Alternative("c", 0.3)]
    assert ranked(Recognition(None, 0.0)) == []


def test_figures_of_hand_made_outcomes() -> None:
    """Each figure is what its definition gives for eight photos counted by hand."""
    outcomes = [
        outcome("a", "a", 0.9),
        outcome("a", "a", 0.8),
        outcome("a", "b", 0.3, answered=False),
        outcome("b", "b", 0.7),
        outcome("b", "x", 0.6),
        outcome("other", "b", 0.2, answered=False),
        outcome("", "a", 0.1, answered=False),
        outcome("", "b", 0.65),
    ]
    found = measured(outcomes)
    value = {name: one.value for name, one in found.figures.items()}
    assert (found.photos, found.absent) == (6, 2)
    assert value["accuracy"] == pytest.approx(3 / 6)
    assert value["top-5"] == pytest.approx(4 / 6)
    assert value["macro-F1"] == pytest.approx((2 * 2 / 5 + 2 * 1 / 5 + 0) / 3)
    assert value["coverage at 95 %"] == pytest.approx(3 / 6)
    assert value["answered"] == pytest.approx(4 / 6)
    assert value["answers right"] == pytest.approx(3 / 4)
    assert value["false answers"] == pytest.approx(1 / 2)
    assert value["open-set AUROC"] == pytest.approx((6 + 3) / 12)
    assert all(one.low <= one.value <= one.high for one in found.figures.values())
    assert found.confusions == [("a", "b", 1), ("b", "x", 1), ("other", "b", 1)]


def test_answers_may_fit_without_being_equal() -> None:
    """Whether an answer is right is asked of the task: a parent category fits its child."""
    case = Case(Path("p.jpg"), frozenset(["A > B"]))
    seen = Outcome(case, "A", (Alternative("A > C", 0.6),))
    assert measured([seen]).figures["answers right"].value == 0
    fits = measured([seen], fits=lambda said, right: any(one.startswith(said) for one in right))
    assert fits.figures["answers right"].value == 1
    assert fits.figures["accuracy"].value == 0


def test_photos_that_cannot_be_used_count_as_not_recognised() -> None:
    """A damaged photo is named, stops nothing, and lowers the accuracy."""

    def recognize(photo: Path) -> Recognition:
        if photo.name == "bad.jpg":
            raise DecodeError("is no picture", reason="damaged")
        return Recognition("a", 0.9, timings_ms={"total": 5.0})

    cases = [Case(Path(name), frozenset(["a"])) for name in ("good.jpg", "bad.jpg")]
    done: list[int] = []
    found = measured(recognized(cases, recognize, progress=done.append))
    assert found.figures["accuracy"].value == 0.5
    assert found.failed == {"bad.jpg": "is no picture"}
    assert found.latency_ms["p50"] == 5
    assert done == [1, 2]


def test_nothing_labelled_is_an_error() -> None:
    """Photos of nothing alone cannot be measured on, and the message says so."""
    with pytest.raises(FeedError, match="no photo with a label"):
        measured([outcome("", "a", 0.5)])


def test_macro_f1_counts_classes_alike() -> None:
    """A class of one photo counts as much as one of many; one not drawn is left out."""
    expected, guessed = np.array([0, 0, 0, 1]), np.array([0, 0, 0, 2])
    assert macro_f1(expected, guessed, np.ones(4), 2) == pytest.approx(0.5)
    assert macro_f1(expected, guessed, np.array([1.0, 1, 1, 0]), 2) == pytest.approx(1)
    assert macro_f1(expected, np.array([0, 0, 1, 1]), np.ones(4), 2) == pytest.approx(
        (2 * 2 / 5 + 2 * 1 / 3) / 2
    )


def test_coverage_takes_equal_confidences_together() -> None:
    """Photos of one confidence are all answered or none, so luck in their order gains nothing."""
    known = np.ones(4, np.bool_)
    right = np.array([1.0, 1, 0, 1])
    assert coverage_at(0.95, np.array([0.9, 0.8, 0.7, 0.6]), right, known, np.ones(4)) == 0.5
    assert coverage_at(0.95, np.array([0.9, 0.7, 0.7, 0.6]), right, known, np.ones(4)) == 0.25
    assert coverage_at(0.95, np.full(4, 0.5), right, known, np.ones(4)) == 0


def test_interval_of_any_statistic_agrees_with_that_of_a_mean() -> None:
    """Given a mean, the general bootstrap gives exactly the interval of the one for means."""
    values = np.random.default_rng(1).random(40)
    clusters = Clusters([str(number // 3) for number in range(40)])
    general = clusters.statistic(lambda counts: float(np.average(values, weights=counts)))
    mean = clusters.interval(values)
    assert (general.value, general.low, general.high) == pytest.approx(
        (mean.value, mean.low, mean.high)
    )
