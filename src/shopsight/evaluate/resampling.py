"""How sure a figure is: bootstrap intervals and paired tests, clusters kept together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.evaluate.metrics import Floats, wins

RESAMPLES = 2000
"""Of a bootstrap: the ends of a 95 % interval then vary by about a fiftieth of its width."""

SIGNS = 10_000
"""Random assignments of a permutation test: the smallest p-value is 1 / 10,001."""

_PART = 200  # resamples at once, bounds the memory


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Plain values, for JSON."""
        return {
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
        }


class Clusters:
    """Queries that belong together, such as photos of one product.

    Such queries succeed and fail together, so whole clusters are resampled: to take them for
    independent would make intervals too narrow.

    Args:
        names: Per query, the name of its cluster; at least one.
        seed: Of the random numbers: the same seed gives the same intervals and p-values.
    """

    def __init__(self, names: Sequence[str], seed: int = 0) -> None:
        found, self.number = np.unique(np.asarray(names), return_inverse=True)
        self.count = len(found)
        self._sizes = np.bincount(self.number, minlength=self.count).astype(np.float64)
        self._seed = seed

    def interval(self, values: Floats) -> Interval:
        """Mean of a figure per query, with the percentile bootstrap interval of clusters.

        Sources: Efron, Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; resampling
        whole clusters: Field, Welsh, Bootstrapping clustered data (2007). One seed draws the same
        clusters for every figure, so the interval of a difference is paired.

        Args:
            values: ``(n,)``, one per query.
        """
        sums = self._sums(values)
        means = [
            (counts @ sums) / (counts @ self._sizes) for counts in _counts(self.count, self._seed)
        ]
        return _interval(float(values.mean()), np.concatenate(means))

    def statistic(self, figure: Callable[[Floats], float]) -> Interval:
        """Any figure of the queries, with its interval: drawn as for :meth:`interval`.

        Args:
            figure: Of ``(n,)`` numbers that say how often each query counts.
        """
        values = [
            figure(row[self.number]) for counts in _counts(self.count, self._seed) for row in counts
        ]
        return _interval(figure(np.ones(len(self.number))), np.array(values))

    def p_value(self, differences: Floats) -> float:
        """Two-sided paired randomisation test: probability of a mean at least so far from 0.

        Under the null hypothesis the two encoders are exchangeable within each cluster, so the sign
        of a cluster's sum is a coin flip (Fisher; Smucker, Allan, Carterette, A Comparison of
        Statistical Significance Tests for Information Retrieval Evaluation, 2007). Sampled, with
        the correction of Phipson and Smyth (2010). With one query per cluster and figures of 0 and
        1 it is McNemar's test.

        Args:
            differences: ``(n,)``, one encoder's figure minus the other's, per query.
        """
        sums = self._sums(differences)
        sums = sums[sums != 0]
        observed = abs(float(sums.sum())) - 1e-9  # as large up to rounding counts as large
        generator = np.random.default_rng(self._seed)
        as_far = 0
        for start in range(0, SIGNS, _PART):
            signs = generator.integers(0, 2, (min(_PART, SIGNS - start), len(sums))) * 2 - 1
            as_far += int(np.count_nonzero(np.abs(signs @ sums) >= observed))
        return (1 + as_far) / (1 + SIGNS)

    def separation(self, present: Floats, absent: Floats, counted: NDArray[np.bool_]) -> Interval:
        """Area under the curve of present above absent scores, with its bootstrap interval.

        Args:
            present: ``(n,)`` scores, one per query of these clusters.
            counted: ``(n,)``: which of them to use; at least one.
            absent: ``(m,)`` scores of queries without an answer, each a cluster of its own.
        """
        won = wins(present[counted], absent)
        names, number = np.unique(self.number[counted], return_inverse=True)
        sizes = np.bincount(number)
        per_cluster = np.zeros((len(names), len(absent)))
        np.add.at(per_cluster, number, won)
        means = []
        pairs = zip(
            _counts(len(names), self._seed), _counts(len(absent), self._seed + 1), strict=True
        )
        for here, there in pairs:
            total = ((here @ per_cluster) * there).sum(axis=1)
            means.append(total / ((here @ sizes) * there.sum(axis=1)))
        return _interval(float(won.mean()), np.concatenate(means))

    def _sums(self, values: Floats) -> Floats:
        return np.bincount(self.number, values, self.count).astype(np.float64)


def _counts(clusters: int, seed: int) -> list[NDArray[np.float64]]:
    """How often each cluster is drawn, ``(resamples, clusters)``, in parts."""
    generator = np.random.default_rng(seed)
    shares = np.full(clusters, 1 / clusters)
    parts: list[Floats] = []
    for _ in range(RESAMPLES // _PART):
        drawn: NDArray[np.int64] = generator.multinomial(clusters, shares, size=_PART)
        parts.append(drawn.astype(np.float64))
    return parts


def _interval(value: float, resampled: Floats) -> Interval:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Interval(value, float(low), float(high))
