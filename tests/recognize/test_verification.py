from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.encoders.places import Places, unit
from shopsight.errors import StorageError
from shopsight.recognize.verification import (
    Case,
    Verification,
    agreement,
    fit_verification,
    presence_figures,
)

RNG = np.random.default_rng(0)
CENTRE = np.zeros(16, np.float32)
KNOWN = Verification(
    centre=tuple(CENTRE.tolist()), weights=(10, 5, 0.2, 1), presence=(0.5, 1), offset=-6
)


def thing(seed: int, *, count: int = 6) -> Places:
    """Places of a thing that no other seed gives."""
    rng = np.random.default_rng(seed)
    looks = unit(rng.standard_normal((count, 16)).astype(np.float32))
    colors = rng.uniform(0.05, 0.9, (count, 3)).astype(np.float32)
    return Places(looks, colors, np.full(count, 1 / count, np.float32))


def with_colors(places: Places, colors: np.ndarray) -> Places:
    """The same places in other colours."""
    return Places(places.looks, colors.astype(np.float32), places.weights)


def test_a_thing_agrees_with_itself() -> None:
    """Looks are all alike, no colour is off, and no light is coloured, wherever the places lie."""
    places = thing(1)
    order = np.random.default_rng(2).permutation(len(places.weights))
    moved = Places(places.looks[order], places.colors[order], places.weights)
    found = agreement(moved, places, CENTRE)
    assert found.looks == pytest.approx(1, abs=1e-4)
    assert found.colors == pytest.approx(0, abs=0.5)
    assert found.light == pytest.approx(0, abs=0.02)
    assert agreement(thing(3), places, CENTRE).looks < 0.8


def test_light_is_allowed_for() -> None:
    """In dim orange light nearly all of the difference is the light's; another colour is not."""
    places = thing(1)
    lit = agreement(with_colors(places, places.colors * (0.6, 0.45, 0.3)), places, CENTRE)
    painted = places.colors.copy()
    painted[:3] = painted[:3, ::-1]
    other = agreement(with_colors(places, painted), places, CENTRE)
    assert lit.colors > -6
    assert other.colors < 2 * lit.colors
    assert lit.light < -0.3


def test_agreement_decides_between_equal_scores() -> None:
    """Of two hits with one score the one that agrees in its places is taken."""
    right, wrong = thing(1), thing(2)
    verdict = KNOWN.judge(right, [0.8, 0.8, 0.8], ["a", "b", "c"], [wrong, right])
    assert verdict.confidences.argmax() == 1
    assert verdict.confidences[2] <= verdict.confidences[0] + 1e-9
    assert verdict.confidences.sum() == pytest.approx(verdict.presence)
    none = KNOWN.judge(thing(5), [0.8, 0.8, 0.8], ["a", "b", "c"], [wrong, right])
    assert none.presence < verdict.presence


def test_leads_are_over_other_groups() -> None:
    """Variants of one design are no rivals of each other; a lone group leads over nothing."""
    sums = np.array([3.0, 2.9, 1.0])
    np.testing.assert_allclose(presence_figures(sums, ["a", "a", "b"]), [3, 2])
    np.testing.assert_allclose(presence_figures(sums, ["a", "a", "a"]), [3, 0])


def cases(count: int) -> list[Case]:
    """Photos whose right hit differs in its colours only, and the same without it."""
    made = []
    for _ in range(count):
        rows = np.column_stack(
            [
                RNG.normal(0.7, 0.02, 5),
                RNG.normal(0.6, 0.02, 5),
                RNG.normal(-20, 3, 5),
                -RNG.random(5),
            ]
        )
        rows[0, 2] = RNG.normal(-5, 2)
        made.append(Case(rows, list("abcde"), 0))
        made.append(Case(rows[1:], list("bcde"), None))
    return made


def test_what_tells_things_apart_is_learnt() -> None:
    """Where only colours tell, they are what counts, and without the thing presence falls."""
    known = fit_verification(cases(40), CENTRE)
    assert known is not None
    spreads = np.array([0.02, 0.02, 3, 0.3])
    assert (np.array(known.weights) * spreads).argmax() == 2
    assert min(*known.weights, *known.presence) >= 0
    assert Verification.from_json(known.model_dump_json()) == known


@pytest.mark.parametrize("some", [[], cases(3)[::2], cases(3)[1::2]])
def test_nothing_is_learnt_from_one_side(some: list[Case]) -> None:
    """Without present or without absent things there is nothing to tell apart."""
    assert fit_verification(some, CENTRE) is None


def test_damaged_numbers_are_an_error() -> None:
    """What cannot be read says what to do."""
    with pytest.raises(StorageError, match="shopsight calibrate"):
        Verification.from_json("{}")


@given(
    colors=st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=8),
    scores=st.lists(st.floats(-1, 1), min_size=1, max_size=12),
)
def test_verdicts_are_probabilities(
    colors: list[tuple[float, float, float]], scores: list[float]
) -> None:
    """Whatever the colours, black and white too, and however few hits, all is finite, 0 to 1."""
    places = Places(
        np.eye(16, dtype=np.float32)[: len(colors)],
        np.array(colors, np.float32),
        np.full(len(colors), 1 / len(colors), np.float32),
    )
    scores = sorted(scores, reverse=True)
    verdict = KNOWN.judge(thing(1), scores, [str(n) for n in range(len(scores))], [places])
    assert np.isfinite(verdict.confidences).all()
    assert verdict.confidences.min() >= 0
    assert verdict.confidences.sum() == pytest.approx(verdict.presence)
    assert 0 <= verdict.presence <= 1
