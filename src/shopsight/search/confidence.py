"""What a ranking's scores say of whether the thing on a photo is in the shop, and which it is.

The probability that it is in the shop at all is a logistic function of three figures of the ranking
that can only raise it: see :func:`figures`. It is shared out among the products by a softmax of
their scores: two colours of one mug that score alike share it evenly. So the confidences of an
answer never add up to more than 1. How the numbers are found: :mod:`shopsight.search.calibrate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shopsight.errors import StorageError
from shopsight.search.confidence_reliability import Bin
from shopsight.search.query import Match

Floats = NDArray[np.float64]

LEAST_SCORES = 20
"""Best scores that should be judged together, where there are so many."""

SAME_ITEM = 0.5
"""A hit of more confidence is the same item: no two hits can both be."""

RIVAL = 0.1
"""A hit at least so likely as this share of the best one's is a near-duplicate of it ..."""

LEAST_RIVAL = 0.05
"""... if it is at least so likely at all."""

_TOP = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the hits of a photo are.

    Attributes:
        confidences: ``(n,)`` float32, 0 to 1: probability that each product is the one on the
            photo.
        matches: How each relates to the photo; all ``similar`` where nothing matches.
        no_match: The thing on the photo is probably not in the shop.
        presence: Probability that it is in the shop, 0 to 1.
    """

    confidences: NDArray[np.float32]
    matches: tuple[Match, ...]
    no_match: bool
    presence: float


class Samples(BaseModel):
    """What a calibration was fitted on.

    Attributes:
        pictures: Catalogue pictures that views were made of.
        views: Made-up photos of them.
        photos: Labelled photos of products of the shop.
        absent_photos: Labelled photos of other things.
    """

    model_config = ConfigDict(frozen=True)

    pictures: int = Field(ge=0)
    views: int = Field(ge=0)
    photos: int = Field(default=0, ge=0)
    absent_photos: int = Field(default=0, ge=0)


class Reliability(BaseModel):
    """How a calibration did on views (and photos) of products that it was not fitted on.

    Attributes:
        error: Expected calibration error of the best hit's confidence, 0 to 1, with as many absent
            things as are expected.
        separation: Probability that something in the shop is found more likely to be in the shop
            than something absent (area under the ROC curve).
        rejected: Share of what is in the shop that got ``no_match``.
        noticed: Share of what is absent that got ``no_match``.
        bins: Table of confidences and shares that were right.
    """

    model_config = ConfigDict(frozen=True)

    error: float
    separation: float
    rejected: float
    noticed: float
    bins: tuple[Bin, ...] = ()


class Calibration(BaseModel):
    """Turns scores of one index version, searched with one encoder, into probabilities.

    Attributes:
        version: Name of the index version.
        fingerprint: Of the encoder.
        weights: Of the figures of a ranking, none negative, per unit of score.
        offset: Log odds of being in the shop where all figures are 0.
        temperature: Difference of scores that makes one product e times as likely as another.
        threshold: Probability of being in the shop below which nothing matches.
        absent_share: Share of photos that show something else, as was expected or counted.
        products: In the index when this was fitted.
        samples: What it was fitted on.
        reliability: How it did on what it was not fitted on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: str
    fingerprint: str
    weights: tuple[float, float, float]
    offset: float
    temperature: float = Field(gt=0)
    threshold: float = Field(ge=0, le=1)
    absent_share: float = Field(gt=0, lt=1)
    products: int = Field(ge=0)
    samples: Samples
    reliability: Reliability

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``model_dump_json`` wrote.

        Raises:
            StorageError: It is damaged, or of another edition of Shopsight.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise StorageError(
                "The stored calibration cannot be read: run `shopsight calibrate`."
            ) from error

    def presence(self, rankings: Floats) -> Floats:
        """Probability that the thing on the photo is in the shop.

        Args:
            rankings: ``(n, 3)``, of each ranking its figures.

        Returns:
            ``(n,)``, 0 to 1.
        """
        return logistic(rankings @ np.array(self.weights) + self.offset)

    def judge(self, scores: NDArray[np.float32], groups: Sequence[str]) -> Judgement:
        """Say how sure the hits of one photo are.

        Args:
            scores: ``(n,)``, of products, by the photo alone and with the balanced focus; the
                :data:`LEAST_SCORES` best of the index, or all, at the least.
            groups: Of each product its ``item_group_id``, or its own id where it has none.

        Raises:
            ValueError: There are not as many groups as scores.
        """
        if len(scores) != len(groups):
            raise ValueError(f"there are {len(scores)} scores of {len(groups)} groups")
        if not len(scores):
            return Judgement(np.zeros(0, np.float32), (), no_match=True, presence=0.0)
        values = np.asarray(scores, np.float64)
        presence = float(self.presence(figures(values, groups)[None])[0])
        confidences = presence * shares(values, self.temperature)
        no_match = presence < self.threshold
        matches = _matches(confidences, groups, no_match=no_match)
        return Judgement(confidences.astype(np.float32), matches, no_match, presence)


def figures(scores: Floats, groups: Sequence[str]) -> Floats:
    """Three figures of a ranking that are larger where the thing is in the shop.

    The best score: how well anything fits. Its margin over the best product of another group: how
    much better than whatever else there is; 0 where there is only one group. The mean of the five
    best: things of a kind that the shop sells have several good hits.

    Args:
        scores: ``(n,)``, of products, in any order; at least one.
        groups: Of each product.

    Returns:
        ``(3,)`` float64.
    """
    order = np.argsort(-scores, kind="stable")
    best = float(scores[order[0]])
    own = groups[int(order[0])]
    margin = next((best - float(scores[i]) for i in order if groups[int(i)] != own), 0.0)
    return np.array([best, margin, float(scores[order[:_TOP]].mean())])


def shares(scores: Floats, temperature: float) -> Floats:
    """How likely each product is, if one of them is on the photo: ``(n,)``, of sum 1."""
    odds = np.exp((scores - scores.max()) / temperature)
    likely: Floats = odds / odds.sum()
    return likely


def logistic(values: Floats) -> Floats:
    """The logistic function, without overflow."""
    result: Floats = 0.5 * (1 + np.tanh(values / 2))
    return result


def _matches(confidences: Floats, groups: Sequence[str], *, no_match: bool) -> tuple[Match, ...]:
    """Same item, siblings and rivals of the best hit, or merely similar."""
    if no_match:
        return (Match.SIMILAR,) * len(groups)
    best = int(np.argmax(confidences))
    family = sum(
        float(sure)
        for sure, group in zip(confidences, groups, strict=True)
        if group == groups[best]
    )
    found = []
    for sure, group in zip(confidences.tolist(), groups, strict=True):
        if sure > SAME_ITEM:
            found.append(Match.SAME_ITEM)
        elif (sure >= LEAST_RIVAL and sure >= RIVAL * confidences[best]) or (
            group == groups[best] and family > SAME_ITEM
        ):
            found.append(Match.NEAR_DUPLICATE)
        else:
            found.append(Match.SIMILAR)
    return tuple(found)
