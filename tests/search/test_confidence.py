from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.errors import StorageError
from shopsight.search.confidence import Calibration, Reliability, Samples, figures
from shopsight.search.confidence_fit import fit_logistic, fit_temperature
from shopsight.search.confidence_reliability import expected_error, reliability_table
from shopsight.search.query import Match

CALIBRATION = Calibration(
    version="v0001",
    fingerprint="abc",
    weights=(12.0, 8.0, 4.0),
    offset=-10.0,
    temperature=0.03,
    threshold=0.4,
    absent_share=0.1,
    products=100,
    samples=Samples(pictures=100, views=300),
    reliability=Reliability(error=0.03, separation=0.9, rejected=0.07, noticed=0.8),
)


def scores(*values: float) -> np.ndarray:
    """Scores of a ranking."""
    return np.array(values, np.float32)


rankings = st.lists(st.floats(-4, 1, width=32), min_size=1, max_size=60)


@given(rankings, st.data())
def test_confidences_are_probabilities(values: list[float], data: st.DataObject) -> None:
    """Whatever the scores, confidences are not negative, add up to 1 at most, and order as they."""
    groups = [data.draw(st.sampled_from("abc")) for _ in values]
    found = CALIBRATION.judge(scores(*values), groups)
    assert len(found.confidences) == len(found.matches) == len(values)
    assert found.confidences.dtype == np.float32
    assert (found.confidences >= 0).all()
    assert found.confidences.sum() <= 1 + 1e-5
    assert found.confidences[int(np.argmax(values))] == found.confidences.max()


@given(rankings, st.randoms(use_true_random=False))
def test_order_of_products_does_not_matter(values: list[float], random: object) -> None:
    """A ranking by price is judged as the same one by score: each product keeps its confidence."""
    order = list(range(len(values)))
    random.shuffle(order)
    names = [str(place) for place in range(len(values))]
    straight = CALIBRATION.judge(scores(*values), names)
    mixed = CALIBRATION.judge(scores(*[values[n] for n in order]), [names[n] for n in order])
    assert mixed.confidences == pytest.approx(straight.confidences[order], abs=1e-6)


@given(st.floats(0, 0.9), st.floats(0.001, 0.1))
def test_better_best_score_is_surer(best: float, more: float) -> None:
    """Raising the best score alone never lowers the probability that the thing is sold here."""
    rest = [0.0] * 10
    names = [str(place) for place in range(11)]
    low = CALIBRATION.judge(scores(best, *rest), names)
    high = CALIBRATION.judge(scores(best + more, *rest), names)
    assert high.presence >= low.presence


def test_sure_hit_is_the_same_item() -> None:
    """A hit far above all others is the same item; its sibling is a near-duplicate, others not."""
    found = CALIBRATION.judge(scores(0.95, 0.8, 0.6, 0.5), ["mugs", "mugs", "bowl", "lamp"])
    assert found.matches == (
        Match.SAME_ITEM,
        Match.NEAR_DUPLICATE,
        Match.SIMILAR,
        Match.SIMILAR,
    )
    assert not found.no_match
    assert found.confidences[0] > 0.9


def test_rivals_share_the_probability() -> None:
    """Two listings that score alike are near-duplicates, each about half as sure as one alone."""
    found = CALIBRATION.judge(scores(0.95, 0.95, 0.5), ["one", "other", "lamp"])
    assert found.matches[:2] == (Match.NEAR_DUPLICATE, Match.NEAR_DUPLICATE)
    assert found.confidences[0] == pytest.approx(found.confidences[1])
    assert 0.3 < found.confidences[0] <= 0.5


def test_poor_scores_match_nothing() -> None:
    """Where nothing scores well, nothing matches, and every hit is only similar."""
    found = CALIBRATION.judge(scores(0.4, 0.39, 0.38, 0.3), ["a", "b", "c", "d"])
    assert found.no_match
    assert set(found.matches) == {Match.SIMILAR}
    assert found.presence < 0.2


def test_empty_answer_matches_nothing() -> None:
    """An answer without hits has no confidences, and nothing matches."""
    found = CALIBRATION.judge(scores(), [])
    assert (len(found.confidences), found.matches, found.no_match) == (0, (), True)


def test_groups_must_fit_the_scores() -> None:
    """Groups of other products than were scored are refused."""
    with pytest.raises(ValueError, match="2 scores of 1 groups"):
        CALIBRATION.judge(scores(0.9, 0.8), ["a"])


def test_margin_is_over_another_group() -> None:
    """Siblings do not count as rivals of the best hit, and a lone group has no margin."""
    mixed = figures(np.array([0.9, 0.85, 0.6]), ["mugs", "mugs", "lamp"])
    assert mixed == pytest.approx([0.9, 0.3, (0.9 + 0.85 + 0.6) / 3])
    assert figures(np.array([0.9, 0.85]), ["mugs", "mugs"])[1] == 0


def test_json_round_trip() -> None:
    """A calibration that was stored judges as before; a damaged one says what to run."""
    assert Calibration.from_json(CALIBRATION.model_dump_json()) == CALIBRATION
    with pytest.raises(StorageError, match="shopsight calibrate"):
        Calibration.from_json('{"version": "v0001"}')
    with pytest.raises(StorageError, match="shopsight calibrate"):
        Calibration.from_json("no JSON")


def test_logistic_finds_its_weights_again() -> None:
    """From outcomes drawn with known weights, these are recovered, a useless one being 0."""
    rng = np.random.default_rng(1)
    rows = rng.normal(0, 1, (20_000, 3))
    chances = 1 / (1 + np.exp(-(2 * rows[:, 0] + 0.5 * rows[:, 1] - 1 * rows[:, 2] - 1)))
    outcomes = (rng.random(len(rows)) < chances).astype(float)
    weights, offset = fit_logistic(rows, outcomes, np.ones(len(rows)))
    assert weights[2] == 0
    assert weights[0] / weights[1] == pytest.approx(4, rel=0.15)
    assert 1.4 < weights[0] < 2.1
    assert offset < -0.7


def test_logistic_of_separable_rows_is_finite() -> None:
    """Figures that tell present from absent perfectly, or are all equal, give finite weights."""
    rows = np.column_stack([np.linspace(0, 1, 40), np.full(40, 0.3)])
    weights, offset = fit_logistic(rows, (rows[:, 0] > 0.5).astype(float), np.ones(40))
    assert np.isfinite([*weights, offset]).all()
    assert weights[0] > 0
    assert weights[1] == 0


def test_temperature_is_found_again() -> None:
    """From right products drawn by a softmax of known temperature, that is recovered."""
    rng = np.random.default_rng(2)
    rankings = [np.sort(rng.normal(0.5, 0.1, 20))[::-1] for _ in range(2000)]
    odds = [np.exp(each / 0.05) for each in rankings]
    right = [int(rng.choice(20, p=each / each.sum())) for each in odds]
    found = fit_temperature(rankings, right, np.ones(2000))
    assert found == pytest.approx(0.05, rel=0.1)


def test_reliability_table_by_hand() -> None:
    """Bins hold what they should, weights count, and the error is the weighted mean distance."""
    table = reliability_table(
        np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0]), np.array([1.0, 1, 1, 5])
    )
    assert [(round(each.happened, 3), each.weight) for each in table] == [(0.5, 0.25), (1.0, 0.75)]
    assert expected_error(table) == pytest.approx(0.25 * 0.4 + 0.75 * 0.1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_reliability_holds_every_prediction(pairs: list[tuple[float, bool]]) -> None:
    """No prediction falls between bins, certain ones included, and the error is 0 to 1."""
    chances, outcomes = np.array([each[0] for each in pairs]), np.array([each[1] for each in pairs])
    table = reliability_table(chances, outcomes.astype(float))
    assert sum(each.weight for each in table) == pytest.approx(1)
    assert 0 <= expected_error(table) <= 1 + 1e-9
    assert all(each.low - 1e-9 <= each.predicted <= each.high + 1e-9 for each in table)
