"""Fits the numbers of a calibration: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.search.confidence import Floats, Reliability, logistic, shares
from shopsight.search.confidence_cases import Case
from shopsight.search.confidence_reliability import expected_error, reliability_table

ABSENT_SHARE = 0.1
"""Share of shoppers' photos that is taken to show something that the shop does not sell."""

REJECTED = 0.08
"""Share of what is in the shop that may get ``no_match``, so that as many absent things as can be
are noticed. A tenth is the most that is allowed."""

MADE_UP_WORTH = 50.0
"""Labelled photos that count as much as all made-up ones together."""

_RIDGE = 1e-3
"""Penalty of squared weights, per row: keeps what can be told apart perfectly finite."""

_STEPS, _ENOUGH = 100, 1e-9
_TEMPERATURES = np.geomspace(1e-3, 1.0, 121)
"""Tried relative to the spread of scores: each 6 % above the last, closer than can be told."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The numbers of a calibration; see :class:`.confidence.Calibration`."""

    weights: tuple[float, float, float]
    offset: float
    temperature: float
    threshold: float
    absent_share: float

    def presence(self, cases: Sequence[Case]) -> Floats:
        """Probability that what the cases show is in the shop, ``(n,)``."""
        rows: Floats = np.array([case.figures for case in cases])
        return logistic(rows @ np.array(self.weights) + self.offset)

    def best(self, cases: Sequence[Case]) -> Floats:
        """Confidence of their best hits, ``(n,)``."""
        first: Floats = np.array([shares(case.scores, self.temperature).max() for case in cases])
        return first * self.presence(cases)


def fit_curve(cases: Sequence[Case]) -> Curve:
    """Find the numbers under which what happened is most likely.

    Present and absent cases count alike when the weights are found; the offset is then moved to
    the share of absent ones that is expected, which changes no weight (King, Zeng, Logistic
    Regression in Rare Events Data, 2001).

    Args:
        cases: Present and absent ones; at least one of each.
    """
    present, counts = _present(cases), _counts(cases)
    absent_share = _absent_share(cases)
    weights, offset = fit_logistic(
        np.array([case.figures for case in cases]), present.astype(np.float64), counts
    )
    offset += float(np.log((1 - absent_share) / absent_share))
    found = [(n, case.right) for n, case in enumerate(cases) if case.right is not None]
    temperature = fit_temperature(
        [cases[n].scores for n, _ in found],
        [right for _, right in found],
        counts[[n for n, _ in found]],
    )
    best, margin, top = weights.tolist()
    curve = Curve((best, margin, top), offset, temperature, 0.0, absent_share)
    chances = curve.presence(cases)
    threshold = _quantile(chances[present], counts[present], REJECTED)
    return Curve((best, margin, top), offset, temperature, threshold, absent_share)


def cross_checked(cases: Sequence[Case], seed: int) -> Reliability:
    """How calibrations fitted on half of the things do on the other half.

    Args:
        cases: As for :func:`fit_curve`; cases of one name stay together.
        seed: Of the division.
    """
    names = sorted({case.name for case in cases})
    order = np.random.default_rng(seed).permutation(len(names))
    half = {names[number]: place % 2 for place, number in enumerate(order.tolist())}
    sides = [[n for n, case in enumerate(cases) if half[case.name] == side] for side in (0, 1)]
    predicted, chances, rejected = (np.zeros(len(cases)) for _ in range(3))
    for held, used in (sides, sides[::-1]):
        curve = fit_curve([cases[n] for n in used])
        there = [cases[n] for n in held]
        predicted[held], chances[held] = curve.best(there), curve.presence(there)
        rejected[held] = chances[held] < curve.threshold
    present, counts = _present(cases), _counts(cases)
    expected = _absent_share(cases)
    counts = counts * np.where(present, 1 - expected, expected)
    outcomes = np.array([float(case.right == 0) for case in cases])
    table = reliability_table(predicted, outcomes, counts)
    won = np.heaviside(chances[present][:, None] - chances[~present], 0.5)
    return Reliability(
        error=expected_error(table),
        separation=float(np.average(won.mean(axis=1), weights=counts[present])),
        rejected=float(np.average(rejected[present], weights=counts[present])),
        noticed=float(np.average(rejected[~present], weights=counts[~present])),
        bins=table,
    )


def _present(cases: Sequence[Case]) -> NDArray[np.bool_]:
    return np.array([case.present for case in cases])


def _counts(cases: Sequence[Case]) -> Floats:
    """How much each case counts: as much for present as for absent ones; see MADE_UP_WORTH."""
    present = _present(cases)
    real = np.array([case.real for case in cases])
    counts = np.ones(len(cases))
    for side in (present, ~present):
        made_up = side & ~real
        counts[made_up] = MADE_UP_WORTH / max(int(made_up.sum()), 1)
        counts[side] /= counts[side].sum()
    return counts


def _absent_share(cases: Sequence[Case]) -> float:
    """Counted in labelled photos, where any is of something absent, and the guess mixed."""
    real = [case for case in cases if case.real]
    absent = sum(not case.present for case in real)
    if not absent:
        return ABSENT_SHARE
    return (absent + MADE_UP_WORTH * ABSENT_SHARE) / (len(real) + MADE_UP_WORTH)


def _quantile(values: Floats, counts: Floats, share: float) -> float:
    """The value below which that share of the counts is."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(counts[order]) / counts.sum()
    return float(values[order[int(np.searchsorted(below, share))]])


def fit_logistic(rows: Floats, outcomes: Floats, counts: Floats) -> tuple[Floats, float]:
    """Logistic regression whose weights are not negative, by Newton's method.

    The penalised likelihood is concave, so where weights come out negative they are held at 0,
    one after the other, the most negative first, and the rest is fitted again.

    Args:
        rows: ``(n, k)``.
        outcomes: ``(n,)``, 0 or 1, both present.
        counts: ``(n,)``, how much each row counts; not negative.

    Returns:
        ``(k,)`` weights, none negative, and the offset, both for the rows as they are.
    """
    share = counts / counts.sum()
    centre = share @ rows
    spread = np.sqrt(share @ (rows - centre) ** 2)
    scaled = (rows - centre) / np.where(spread > 0, spread, 1)
    free = np.flatnonzero(spread > 0)
    while True:
        theta = _newton(np.column_stack([scaled[:, free], np.ones(len(rows))]), outcomes, share)
        if not len(free) or theta[:-1].min() >= 0:
            break
        free = np.delete(free, int(np.argmin(theta[:-1])))
    weights = np.zeros(rows.shape[1])
    weights[free] = theta[:-1] / spread[free]
    return weights, float(theta[-1] - weights @ centre)


def _newton(inputs: Floats, outcomes: Floats, share: Floats) -> Floats:
    """Weights of most penalised likelihood; the last, of the constant, is not penalised."""
    ridge = np.full(inputs.shape[1], _RIDGE)
    ridge[-1] = 0
    theta = np.zeros(inputs.shape[1])

    def loss(at: Floats) -> float:
        values = inputs @ at
        return float(share @ (np.logaddexp(0, values) - outcomes * values) + ridge @ at**2 / 2)

    now = loss(theta)
    for _ in range(_STEPS):
        chances = logistic(inputs @ theta)
        gradient = inputs.T @ (share * (chances - outcomes)) + ridge * theta
        bend = (share * chances * (1 - chances))[:, None] * inputs
        curvature = inputs.T @ bend + np.diag(ridge + _ENOUGH)
        step = np.linalg.solve(curvature, gradient)
        scale = 1.0
        while (then := loss(theta - scale * step)) > now and scale > _ENOUGH:
            scale /= 2
        if now - then < _ENOUGH:
            break
        theta, now = theta - scale * step, then
    return theta


def fit_temperature(rankings: Sequence[Floats], right: Sequence[int], counts: Floats) -> float:
    """Temperature of the softmax that gives the right products the greatest likelihood.

    Args:
        rankings: Of each photo the scores of products; at least one photo.
        right: Of each photo, where in its scores the right product is.
        counts: ``(n,)``, how much each photo counts.
    """
    spread = float(np.median([float(np.ptp(scores)) for scores in rankings])) or 1.0
    best, most = 1.0, -np.inf
    for temperature in (_TEMPERATURES * spread).tolist():
        likelihoods = [
            shares(scores, temperature)[place]
            for scores, place in zip(rankings, right, strict=True)
        ]
        likelihood = float(counts @ np.log(np.maximum(likelihoods, np.finfo(np.float64).tiny)))
        if likelihood > most:
            best, most = temperature, likelihood
    return best
