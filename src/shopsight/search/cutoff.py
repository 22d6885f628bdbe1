"""Where a ranking ends: pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsight.search.query import Cutoff

RELATIVE = 0.5
"""Share of the way from the ranking's level up to its best score that a hit must have covered.

Shares of the scores themselves would mean nothing: cosines of unrelated pictures are far from 0,
how far depends on the encoder, and the L2 metric has negative scores. So scores are measured from
the median of the ranking, which is what a product has that nobody asked for.
"""

LEAST = 5
"""Hits needed to see a gap or a level; shorter rankings are kept whole."""


def cut(scores: NDArray[np.float32], how: Cutoff) -> int:
    """How many hits of a ranking are relevant.

    Args:
        scores: ``(n,)``, falling. Should reach beyond what is shown: at least the best 50 where
            there are so many, as both ways judge the best hits by those that follow.
        how: ``none`` keeps all. ``gap`` cuts before the largest fall from one score to the next in
            the upper half of the ranking (the first of equal ones), or keeps all if none falls.
            ``relative`` keeps hits at least :data:`RELATIVE` of the way from the median score to
            the best.

    Returns:
        Hits to keep, from the top: at least 1, unless there are none.
    """
    count = len(scores)
    if how is Cutoff.NONE or count < LEAST:
        return count
    values = np.asarray(scores, np.float64)
    if how is Cutoff.GAP:
        falls = values[:-1] - values[1:]
        upper = falls[: (count + 1) // 2]
        return int(np.argmax(upper)) + 1 if upper.max() > 0 else count
    level = float(np.median(values))
    least = level + RELATIVE * (float(values[0]) - level)
    return int(np.count_nonzero(values >= least))
