"""How much discriminant and neighbours say of a class, found out from the gallery itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shopsight.recognize.category_gallery import Gallery, Near
from shopsight.recognize.discriminant import Moments

NEAREST = 50
"""Neighbours that are asked."""

_FOLDS = 10
_MOST_CASES = 1000
_FEWEST_CASES = 20  # fewer do not tell one blend from another
_MOST_NUMBERS = 2_000_000  # cases times classes: bounds time and memory of fitting
_KNOWN = -1  # in place of a fold: nothing is kept from these cases
_UNSURE = 0.05  # of the neighbours' say, to all classes alike: a class without neighbours may be

_SHRINKAGES = (0.03, 0.1, 0.3, 0.5, 0.8)
_SHARPNESSES = (0.02, 0.035, 0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8, 1.1)
_REACHES = (0.1, 0.2, 0.4)
_WEIGHTS = (0.0, 0.2, 0.4, 0.7, 1.0, 1.5)
_CHANGES = (0.5, 0.7, 1.0, 1.4)

Logits = NDArray[np.float32]
Classes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Blend:
    """How scores become probabilities; the defaults are for galleries too small to tell.

    Attributes:
        shrinkage: Of the discriminant's covariance.
        sharpness: How much its scores count: one divided by a temperature.
        reach: Difference of scores by which a neighbour counts e times less, as a share of that
            between the first and the last neighbour.
        neighbours: How much the neighbours count.
    """

    shrinkage: float = 0.5
    sharpness: float = 0.1
    reach: float = 0.2
    neighbours: float = 0.4

    def probabilities(self, scores: Logits, near: Sequence[Near]) -> NDArray[np.float64]:
        """Probabilities of the classes, ``(n, classes)``; rows add up to 1.

        Args:
            scores: ``(n, classes)`` of the discriminant.
            near: The neighbours of each.
        """
        logits = self.sharpness * scores
        if self.neighbours:
            logits = logits + self.neighbours * heard(near, scores.shape[1], self.reach)
        return _softmax(logits)


class Look(NamedTuple):
    """Something to ask for: a vector ``(dimension,)``, its class, and its group of variants."""

    vector: NDArray[np.float32]
    number: int
    group: str


@dataclass(frozen=True, slots=True)
class Cases:
    """Things asked for, with what is found where their own group may not help.

    Attributes:
        vectors: ``(n, dimension)``.
        classes: ``(n,)``.
        folds: ``(n,)``: which part of the gallery each must not see.
        near: Neighbours.
    """

    vectors: NDArray[np.float32]
    classes: Classes
    folds: Classes
    near: Sequence[Near]

    def __len__(self) -> int:
        return len(self.classes)

    def and_(self, other: Cases) -> Cases:
        """These and others."""
        return Cases(
            np.concatenate([self.vectors, other.vectors]),
            np.concatenate([self.classes, other.classes]),
            np.concatenate([self.folds, other.folds]),
            [*self.near, *other.near],
        )


def heard(near: Sequence[Near], classes: int, reach: float) -> Logits:
    """Logarithms of the shares of classes among neighbours, ``(n, classes)``."""
    shares = np.full((len(near), classes), _UNSURE / classes, np.float32)
    for place, some in enumerate(near):
        if len(some):
            spread = max(float(some.scores[0] - some.scores[-1]), 1e-6)
            weights = np.exp((some.scores - some.scores[0]) / (reach * spread))
            shares[place] += (
                (1 - _UNSURE) * np.bincount(some.classes, weights, classes) / weights.sum()
            )
    return np.log(shares)


class Learner:
    """Reads a gallery once: the moments of its parts, and some cases to try blends on.

    Groups of variants are never split between parts, and each class is dealt out evenly.

    Args:
        gallery: The gallery.
        classes: How many classes there are.
        keep: Whether cases are wanted; without them, a tenth of the memory is needed.
        seed: Of the choice of cases.
    """

    def __init__(self, gallery: Gallery, classes: int, *, keep: bool = True, seed: int = 0) -> None:
        self._gallery = gallery
        self._classes = classes
        self._folds = _FOLDS if keep else 1
        self._counts = np.zeros(classes)
        self._parts: list[Moments] = []
        self._fold_of: dict[str, int] = {}
        self._dealt = np.zeros(classes, np.intp)
        self._random = np.random.default_rng(seed)
        self._most = max(_FEWEST_CASES, min(_MOST_CASES, _MOST_NUMBERS // max(classes, 1)))
        self._kept: list[Look] = []
        self._seen = self._offered = 0
        for batch in gallery.batches():
            if len(batch.groups):
                self._take(batch.vectors, batch.classes, batch.groups)

    @property
    def pictures(self) -> int:
        """Pictures in the gallery."""
        return self._seen

    def moments(self) -> Moments:
        """Of the whole gallery."""
        total = Moments(self._parts[0].sums.shape[1], self._classes)
        for part in self._parts:
            total.counts += part.counts
            total.sums += part.sums
            total.products += part.products
        return total

    def looks(self) -> list[Look]:
        """Some pictures of the gallery, for want of photos."""
        return self._kept

    def cases(self, looks: Sequence[Look]) -> Cases:
        """What it would be like to ask for pictures whose group is not in the gallery.

        Args:
            looks: Pictures, or photos made up from them. Those whose class has no other group are
                left out.
        """
        dimension = self._parts[0].sums.shape[1]
        kept = [look for look in looks if look.group in self._fold_of and not self.alone(look)]
        near = []
        for look in kept:
            found = self._gallery.nearest(look.vector, NEAREST + _FOLDS)
            others = np.array([name != look.group for name in found.groups], np.bool_)
            others &= np.cumsum(others) <= NEAREST
            near.append(found.where(others))
        return Cases(
            np.array([look.vector for look in kept], np.float32).reshape(len(kept), dimension),
            np.array([look.number for look in kept], np.intp),
            np.array([self._fold_of[look.group] for look in kept], np.intp),
            near,
        )

    def alone(self, look: Look) -> bool:
        """Whether nothing of a look's class would be left without the part it is in."""
        part = self._parts[self._fold_of[look.group]] if look.group in self._fold_of else None
        return part is not None and part.counts[look.number] == self._counts[look.number]

    def known_cases(self, looks: Sequence[Look]) -> Cases:
        """What it would be like to ask for photos of what is in the gallery.

        Args:
            looks: Photos made up from pictures; the pictures themselves would find themselves.
        """
        near = [self._gallery.nearest(look.vector, NEAREST) for look in looks]
        return Cases(
            np.array([look.vector for look in looks], np.float32),
            np.array([look.number for look in looks], np.intp),
            np.full(len(looks), _KNOWN),
            near,
        )

    def scores(self, cases: Cases, shrinkage: float) -> Logits:
        """Scores ``(n, classes)`` of cases by discriminants that have not seen their part."""
        whole = self.moments()
        found = np.zeros((len(cases), self._classes), np.float32)
        for fold in np.unique(cases.folds).tolist():
            rows = np.flatnonzero(cases.folds == fold)
            rest = whole if fold == _KNOWN else whole.without(self._parts[fold])
            found[rows] = rest.discriminant(shrinkage).scores(cases.vectors[rows])
        return found

    def _take(self, vectors: NDArray[np.float32], classes: Classes, groups: Sequence[str]) -> None:
        if not self._parts:
            self._parts = [Moments(vectors.shape[1], self._classes) for _ in range(self._folds)]
        folds = np.empty(len(groups), np.intp)
        for row, (group, number) in enumerate(zip(groups, classes.tolist(), strict=True)):
            if group not in self._fold_of:
                self._fold_of[group] = int(self._dealt[number] + number) % self._folds
                self._dealt[number] += 1
            folds[row] = self._fold_of[group]
            if self._folds > 1:
                self._keep(vectors[row], number, group)
        self._seen += len(groups)
        for fold in np.unique(folds):
            mine = folds == fold
            self._parts[fold].add(vectors[mine], classes[mine])
        self._counts += np.bincount(classes, minlength=self._classes)

    def _keep(self, vector: NDArray[np.float32], number: int, group: str) -> None:
        """A reservoir: every picture has the same chance (Vitter, 1985)."""
        self._offered += 1
        if len(self._kept) < self._most:
            self._kept.append(Look(vector.copy(), number, group))
            return
        place = int(self._random.integers(self._offered))
        if place < self._most:
            self._kept[place] = Look(vector.copy(), number, group)


def fitted(learner: Learner, cases: Cases) -> Blend:
    """The blend under which the classes of the cases are likeliest.

    The discriminant's numbers are found first, then the neighbours' beside them.
    """
    if len(cases) < _FEWEST_CASES:
        return Blend()
    alone = replace(Blend(), neighbours=0.0)
    found, scores = alone, np.zeros((0, 0), np.float32)
    least = np.inf
    for shrinkage in _SHRINKAGES:
        tried = learner.scores(cases, shrinkage)
        blends = (replace(alone, shrinkage=shrinkage, sharpness=one) for one in _SHARPNESSES)
        blend, loss = _best(blends, tried, None, cases.classes)
        if loss < least:
            least, found, scores = loss, blend, tried
    beside = found
    for reach in _REACHES:
        said = heard(cases.near, scores.shape[1], reach)
        blends = (
            replace(found, reach=reach, neighbours=weight, sharpness=found.sharpness * change)
            for weight in _WEIGHTS
            for change in _CHANGES
        )
        blend, loss = _best(blends, scores, said, cases.classes)
        if loss < least:
            least, beside = loss, blend
    return beside


def _best(
    blends: Iterable[Blend], scores: Logits, said: Logits | None, classes: Classes
) -> tuple[Blend, float]:
    """The blend of least loss, and the loss."""
    losses = []
    for blend in blends:
        logits = blend.sharpness * scores
        if said is not None:
            logits += blend.neighbours * said
        losses.append((_loss(logits, classes), blend))
    loss, blend = min(losses, key=lambda pair: pair[0])
    return blend, loss


def _loss(logits: Logits, classes: Classes) -> float:
    """Mean negative log-likelihood."""
    top = logits.max(axis=1)
    sums = np.log(np.exp(logits - top[:, None]).sum(axis=1)) + top
    return float(np.mean(sums - logits[np.arange(len(classes)), classes]))


def _softmax(logits: Logits) -> NDArray[np.float64]:
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)).astype(np.float64))
    found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return found
