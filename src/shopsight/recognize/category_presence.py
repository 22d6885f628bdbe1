"""Whether a photo shows anything of the kinds that the gallery has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.recognize.category_blend import Cases, Logits
from shopsight.recognize.category_gallery import Near
from shopsight.search.confidence import logistic
from shopsight.search.confidence_fit import fit_logistic

ABSENT_SHARE = 0.1
"""Share of photos that is taken to show nothing of the shop's kinds."""

_RARE, _STEEP = 0.05, 4.0
_FEWEST = 8  # present and absent cases each; fewer tell nothing


@dataclass(frozen=True, slots=True)
class Presence:
    """Turns nearness into the probability that a photo shows something of the gallery's kinds.

    Attributes:
        weights: How much the score of the nearest picture and the best score of a class count.
        offset: Added.
    """

    weights: tuple[float, float]
    offset: float

    def probabilities(self, scores: Logits, near: Sequence[Near]) -> NDArray[np.float64]:
        """Probabilities ``(n,)``; the arguments are those of :meth:`.Blend.probabilities`."""
        return logistic(_figures(scores, near) @ np.array(self.weights) + self.offset)


def fit_presence(cases: Cases, scores: Logits, kinds: NDArray[np.intp]) -> Presence | None:
    """Learn it from cases, each once as it is and once with all of its kind taken away.

    Args:
        cases: Things asked for.
        scores: ``(n, classes)`` of the discriminant for them.
        kinds: ``(classes,)``: classes of one kind are taken away together.

    Returns:
        ``None``: there are too few cases. With one kind only nothing can be taken away; then the
        nearest picture must be about as near as usual: where only a twentieth of the cases is less
        near, the probability is a half.
    """
    if len(cases) < _FEWEST:
        return None
    if len(np.unique(kinds)) == 1:
        nearest = _figures(scores, cases.near)[:, 0]
        low, usual = np.quantile(nearest, [_RARE, 0.5])
        steep = _STEEP / max(float(usual - low), 1e-6)
        return Presence((steep, 0.0), -steep * float(low))
    gone = kinds[cases.classes][:, None] == kinds
    others = [
        near.where(kinds[near.classes] != kinds[number])
        for near, number in zip(cases.near, cases.classes.tolist(), strict=True)
    ]
    others = [  # all of the nearest are of the kind: nothing else is nearer than the last of them
        found if len(found) else near.where(np.arange(len(near)) == len(near) - 1)
        for found, near in zip(others, cases.near, strict=True)
    ]
    present = _figures(scores, cases.near)
    absent = _figures(np.where(gone, -np.inf, scores), others)
    rows = np.concatenate([present, absent])
    outcomes = np.repeat([1.0, 0.0], [len(present), len(absent)])
    weights, offset = fit_logistic(rows, outcomes, np.ones(len(rows)))
    offset += float(np.log((1 - ABSENT_SHARE) / ABSENT_SHARE))
    return Presence((float(weights[0]), float(weights[1])), offset)


def _figures(scores: Logits, near: Sequence[Near]) -> NDArray[np.float64]:
    """Score of the nearest picture and best score of a class, ``(n, 2)``."""
    nearest = np.array([some.scores[0] if len(some) else np.nan for some in near], np.float64)
    lowest = float(np.nanmin(nearest)) if np.any(~np.isnan(nearest)) else 0.0
    return np.stack([np.where(np.isnan(nearest), lowest, nearest), scores.max(axis=1)], axis=1)
