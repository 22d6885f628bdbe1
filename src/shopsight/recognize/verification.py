"""Is it the same thing, or only a similar one? Photo and picture are compared place by place.

Vectors of whole pictures overlook what differs in a small place, such as the colour of a lid, and
like many things that are alike on the whole. So each of the best hits is looked at again: for every
place of its picture the likest places of the photo are found, and it is asked how alike they are,
whether their colours agree once the light is allowed for, and what coloured light that takes. How
much each of that counts is fitted to photos made up from the shop's own pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shopsight.encoders.places import Places, unit
from shopsight.errors import StorageError
from shopsight.search.confidence import logistic, shares
from shopsight.search.confidence_fit import ABSENT_SHARE, fit_logistic, fit_temperature

Floats = NDArray[np.float64]

CANDIDATES = 10
"""Best hits that are looked at again."""

_SOFTNESS = 0.04
"""Difference of likeness that makes one place of a photo e times as likely the one meant."""

_DARK = 0.02
"""Light that is added to colours before they are divided: there is no black, and no division by 0.
"""

_ROUNDS = 4
_STEADY = 0.05
_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float32
) / np.array([[0.9505], [1.0], [1.089]], np.float32)
"""Linear sRGB to CIE XYZ, relative to the white of D65."""


class Agreement(NamedTuple):
    """How a photo agrees with a picture; more is better.

    Attributes:
        looks: Mean cosine of the picture's places with the likest ones of the photo, -1 to 1.
        colors: Mean distance of their colours in the plane a*, b* of CIE Lab, the light allowed
            for; 0 or less.
        light: Length of the logarithms of red, green and blue of that light, mean taken off; 0 or
            less.
    """

    looks: float
    colors: float
    light: float


def agreement(photo: Places, picture: Places, centre: NDArray[np.float32]) -> Agreement:
    """Compare a photo with a picture of the catalogue.

    Args:
        photo: All its places.
        picture: Those that show the thing.
        centre: ``(k,)``, mean look of the catalogue's places: what all have in common tells
            nothing.
    """
    alike = unit(photo.looks - centre) @ unit(picture.looks - centre).T
    best = alike.max(axis=0)
    meant = np.exp((alike - best) / _SOFTNESS)
    seen = (meant / meant.sum(axis=0)).T @ photo.colors
    logs, own = np.log(seen + _DARK), np.log(picture.colors + _DARK)
    light = picture.weights @ (logs - own)
    for _ in range(_ROUNDS):  # least absolute differences, by least squares with other weights
        off = np.abs(logs - own - light).mean(axis=1)
        weights = picture.weights / (off + _STEADY)
        light = weights @ (logs - own) / weights.sum()
    lit = np.exp(own + light) - _DARK
    distances = np.linalg.norm(_chroma(seen) - _chroma(lit), axis=1)
    return Agreement(
        float(picture.weights @ best),
        -float(picture.weights @ distances),
        -float(np.linalg.norm(light - light.mean())),
    )


def _chroma(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """a* and b* of CIE 1976 L*a*b*, ``(n, 2)``, of linear sRGB."""
    xyz = np.maximum(colors, 1e-4) @ _TO_XYZ.T
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), xyz * (24389 / 27 / 116) + 16 / 116)
    return np.stack([500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a second look at the best hits says.

    Attributes:
        confidences: ``(n,)``, probability of each of all hits.
        presence: Probability that the thing is in the shop, 0 to 1.
    """

    confidences: Floats
    presence: float


@dataclass(frozen=True, slots=True)
class Case:
    """Hits of a made-up photo, as if its product were in the shop, or as if it were not.

    Attributes:
        rows: ``(n, 4)``, of each of the best hits its score and agreement.
        groups: Of each its item group.
        right: Which one is right; ``None``: none.
    """

    rows: Floats
    groups: Sequence[str]
    right: int | None


class Verification(BaseModel):
    """How much the score and the agreements of hits count.

    Attributes:
        centre: Mean look of the catalogue's places.
        weights: Of score and agreement, so that their sums are log odds between hits; none is
            negative.
        presence: Weights of the best sum, and of its lead over the best of another item group.
        offset: Log odds of being in the shop where both are 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    centre: tuple[float, ...] = Field(min_length=1)
    weights: tuple[float, float, float, float]
    presence: tuple[float, float]
    offset: float

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what ``model_dump_json`` wrote.

        Raises:
            StorageError: It is damaged, or of another edition of Shopsight.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise StorageError(
                "What is known of verifying products cannot be read: run `shopsight calibrate`."
            ) from error

    def judge(
        self,
        photo: Places,
        scores: Sequence[float],
        groups: Sequence[str],
        pictures: Sequence[Places],
    ) -> Verdict:
        """Look at the best hits of a photo again.

        Args:
            photo: Its places.
            scores: Of all hits, falling.
            groups: Of each its ``item_group_id``, or its own id.
            pictures: Places of the first ones: at least one, and at most as many as hits. The
                others are taken to agree as badly as the worst of these.
        """
        rows = compared(photo, scores, pictures, np.array(self.centre, np.float32))
        sums = np.array(scores, np.float64) * self.weights[0]
        agreed = rows[:, 1:] @ np.array(self.weights[1:])
        sums[: len(rows)] += agreed
        sums[len(rows) :] += agreed.min()
        figures = presence_figures(sums[: len(rows)], groups[: len(rows)])
        presence = float(logistic(figures[None] @ np.array(self.presence) + self.offset)[0])
        return Verdict(presence * shares(sums, 1.0), presence)


def compared(
    photo: Places,
    scores: Sequence[float],
    pictures: Sequence[Places],
    centre: NDArray[np.float32],
) -> Floats:
    """Scores and agreements ``(n, 4)`` of the hits whose pictures are given."""
    return np.array(
        [
            (score, *agreement(photo, picture, centre))
            for score, picture in zip(scores, pictures, strict=False)
        ]
    )


def presence_figures(sums: Floats, groups: Sequence[str]) -> Floats:
    """The best sum, and its lead over the best one of another group (0 without one): ``(2,)``."""
    best = int(np.argmax(sums))
    others = [value for value, group in zip(sums, groups, strict=True) if group != groups[best]]
    return np.array([sums[best], float(sums[best]) - max(others) if others else 0.0])


def fit_verification(cases: Sequence[Case], centre: NDArray[np.float32]) -> Verification | None:
    """Find the numbers under which what happened is most likely.

    How much score and agreement count is found by comparing the right hit with each wrong one of
    its photo; then the sums are made log odds, and a logistic curve says what of them speaks for
    the thing being in the shop. The share of absent things is taken to be
    :data:`.confidence_fit.ABSENT_SHARE`.

    Args:
        cases: Of present and of absent things.
        centre: Mean look of the catalogue's places.

    Returns:
        ``None`` where nothing can be learnt: no right hit has a rival, or none is absent.
    """
    found = [case for case in cases if case.right is not None]
    absent = [case for case in cases if case.right is None]
    differences = [
        np.delete(case.rows[case.right] - case.rows, case.right, axis=0)
        for case in found
        if case.right is not None and len(case.rows) > 1
    ]
    if not differences or not absent:
        return None
    leads = np.concatenate(differences)
    counts = np.concatenate([np.full(len(rows), 1 / len(rows)) for rows in differences])
    both = np.concatenate([leads, -leads])  # a lead is a lag seen from the other side
    outcomes = np.repeat([1.0, 0.0], len(leads))
    weights, _ = fit_logistic(both, outcomes, np.tile(counts, 2))
    sums = [case.rows @ weights for case in found]
    temperature = fit_temperature(
        sums, [case.right or 0 for case in found], np.full(len(found), 1 / len(found))
    )
    weights = weights / temperature
    figures = np.array(
        [presence_figures(case.rows @ weights, case.groups) for case in (*found, *absent)]
    )
    present = np.repeat([1.0, 0.0], [len(found), len(absent)])
    alike = np.where(present > 0, 0.5 / len(found), 0.5 / len(absent))
    presence, offset = fit_logistic(figures, present, alike)
    offset += float(np.log((1 - ABSENT_SHARE) / ABSENT_SHARE))
    score, looks, colors, light = weights.tolist()
    best, lead = presence.tolist()
    return Verification(
        centre=tuple(centre.tolist()),
        weights=(score, looks, colors, light),
        presence=(best, lead),
        offset=offset,
    )
