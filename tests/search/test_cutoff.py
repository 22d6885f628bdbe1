from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.search.cutoff import cut
from shopsight.search.query import Cutoff

CLEAR = np.array([0.9, 0.88, 0.85, 0.5, 0.49, 0.48, 0.47, 0.46, 0.45, 0.44], np.float32)


@pytest.mark.parametrize(("how", "kept"), [("none", 10), ("gap", 3), ("relative", 3)])
def test_clear_ranking_is_cut_where_it_falls(how: str, kept: int) -> None:
    """Three hits far above the rest are what either way keeps."""
    assert cut(CLEAR, Cutoff(how)) == kept


def test_gap_at_the_end_does_not_count() -> None:
    """One product far below all others is no reason to call these relevant."""
    tail = np.array([0.9, 0.7, 0.69, 0.68, 0.67, 0.66, 0.65, 0.1], np.float32)
    assert cut(tail, Cutoff.GAP) == 1


def test_relative_is_the_same_for_distances() -> None:
    """Scores of the L2 metric, all negative, are cut where the same cosines would be."""
    assert cut(2 * CLEAR - 2, Cutoff.RELATIVE) == cut(CLEAR, Cutoff.RELATIVE)


@pytest.mark.parametrize("how", list(Cutoff))
def test_equal_scores_are_all_kept(how: Cutoff) -> None:
    """Where no score falls there is nothing to cut."""
    assert cut(np.full(12, 0.5, np.float32), how) == 12


@given(st.lists(st.floats(-4, 4, width=32), max_size=80), st.sampled_from(list(Cutoff)))
def test_best_hit_is_always_kept(values: list[float], how: Cutoff) -> None:
    """Any ranking keeps at least its best hit and at most all."""
    kept = cut(np.sort(np.array(values, np.float32))[::-1], how)
    assert min(1, len(values)) <= kept <= len(values)
