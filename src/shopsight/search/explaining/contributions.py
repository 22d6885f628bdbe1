"""Why a product's picture matched: what each place, pair of places and part added to the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import Encoder, EncoderSpec, Vectors
from shopsight.images.boxes import Box
from shopsight.index.base import Metric
from shopsight.index.standardize import Standardizer
from shopsight.search.explaining.cells import PictureCells, picture_cells
from shopsight.search.explaining.scoring import Floats, Scoring
from shopsight.search.explaining.sight import Sight

PAIRS = 5
"""Pairs of places that are named at most."""

_SPEAKING = 0.25
"""Share of the largest contribution from which a place speaks for the product by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """What the places of a picture add to a score: ``base + cells.sum()`` is the score.

    Attributes:
        cells: ``(h, w)`` float32.
        base: What no place adds; see :func:`explain_cells`.
        sight: Where the cells lie on the picture.
    """

    cells: NDArray[np.float32]
    base: float
    sight: Sight

    @property
    def boxes(self) -> NDArray[np.float64]:
        """``(h, w, 4)``: box of each cell in fractions of the picture."""
        return self.sight.cell_boxes(*self.cells.shape)


@dataclass(frozen=True, slots=True)
class Pair:
    """A place on the photo and one on the product's picture that look alike to the encoder.

    Attributes:
        query: Place on the photo.
        product: Place on the product's picture.
        contribution: What both together add to the score, more than 0.
    """

    query: Box
    product: Box
    contribution: float


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a product's picture matched a photo.

    Attributes:
        score: That is explained.
        query: Of the photo's places.
        product: Of the places of the product's picture.
        exact: The contributions follow from how the score is computed. Otherwise they were found by
            hiding places, and are approximate.
        pairs: The best ones of places that also speak for the product by themselves, best first; no
            two share a place or a neighbouring one.
        parts: What each part of the vector adds, by name; they add up to the score.
    """

    score: float
    query: Contributions
    product: Contributions
    exact: bool
    pairs: tuple[Pair, ...]
    parts: Mapping[str, float]


def explain(
    encoder: Encoder,
    query: NDArray[np.uint8],
    product: NDArray[np.uint8],
    sights: tuple[Sight, Sight],
    *,
    weights: NDArray[np.float32] | None = None,
    scaling: Standardizer | None = None,
    metric: Metric = Metric.COSINE,
    rivals: Vectors | None = None,
) -> Explanation:
    """Say why a product's picture matched a photo; see :func:`explain_cells`.

    Args:
        encoder: Of the index.
        query: The photo, ``(size, size, 3)`` uint8, prepared for the encoder.
        product: The product's picture, likewise.
        sights: Where the photo's pixels and the picture's pixels come from.
        weights: Of the search, per dimension.
        scaling: Of the index, if it is standardised.
        metric: Of the index.
        rivals: As for :func:`explain_cells`.

    Raises:
        EncoderError: Wrong pixels, or the model failed.
    """
    seen, found = picture_cells(encoder, np.stack([query, product]), sights)
    scoring = Scoring(metric, scaling, weights)
    return explain_cells(encoder.spec, seen, found, scoring, rivals=rivals)


def explain_cells(
    spec: EncoderSpec,
    query: PictureCells,
    product: PictureCells,
    scoring: Scoring,
    *,
    rivals: Vectors | None = None,
    score: float | None = None,
) -> Explanation:
    """Say why a product's picture matched a photo, from their cells.

    A score is linear in the photo's vector, once its length is known, and so it is the sum of what
    the photo's cells add. Much of that is common to many products: a photo of a mug on a table
    scores something with every mug, and with all that stands on a table. Where the vectors of other
    products are given, rivals, the cells of the photo say where the *lead* comes from: each adds
    what it adds to the product's score less what it adds to the rivals' mean score, and the base is
    that mean score. Without rivals the base is 0 for the cosine, and minus both squared lengths for
    the squared distance; then cells add what they add to the score itself. The scaling of a
    standardised index adds the share of its mean to the base, and hiding places what it leaves
    over.

    The cells of the product's picture add what they add to its score, with rivals or without.

    Args:
        spec: Of the encoder.
        query: The photo, or its part that was searched for.
        product: The product's picture.
        scoring: What the search compared by.
        rivals: ``(n, dimension)`` as the encoder made them, n at least 1: such as the other
            products on the page of results, a picture each.
        score: As the search gave it, if it is to be met to the last digit: an index may have been
            made in another precision. The difference goes into the bases.
    """
    asked, stored = scoring.scaled(query.vector), scoring.scaled(product.vector)
    factor, constants = scoring.terms(asked, stored)
    sought = factor * scoring.weighted(asked)
    by_dimension = sought * stored + constants
    computed = float(by_dimension.sum())
    met = min(computed, scoring.most()) if score is None else score
    off = met - computed
    by_dimension += off / len(by_dimension)
    target, shared = _lead(asked, stored, rivals, scoring)
    wanted = scoring.weighted(target)
    steady = float(constants.sum()) + off
    of_query = _contributions(query, wanted, shared + steady, scoring)
    of_product = _contributions(product, sought, steady, scoring)
    seen, shown = _speaking(of_query), _speaking(of_product)
    # Without BLAS, whose threads go on waiting for work while the next pass wants to run.
    table = np.einsum(
        "id,jd->ij",
        scoring.weighted(scoring.scaled_cells(query.cells[seen])) * factor,
        scoring.scaled_cells(product.cells[shown]),
    )
    return Explanation(
        score=met,
        query=of_query,
        product=of_product,
        exact=query.exact and product.exact,
        pairs=_pairs(table, (np.argwhere(seen), of_query), (np.argwhere(shown), of_product)),
        parts={
            part.name: float(by_dimension[part.start : part.stop].sum()) for part in spec.all_parts
        },
    )


def _lead(
    asked: Floats, stored: Floats, rivals: Vectors | None, scoring: Scoring
) -> tuple[Floats, float]:
    """What a query is multiplied by to give its lead over the rivals, and what it leads from."""
    factor, _ = scoring.terms(asked, stored)
    if rivals is None:
        return factor * stored, 0.0
    others = scoring.scaled(rivals)
    factors, _ = scoring.terms(asked, others)
    mean = (factors[:, None] * others).mean(axis=0)
    return factor * stored - mean, float(scoring.weighted(asked) @ mean)


def _contributions(
    picture: PictureCells, target: Floats, base: float, scoring: Scoring
) -> Contributions:
    """Products of a picture's cells with a target; what the cells leave over goes to the base."""
    cells = scoring.scaled_cells(picture.cells)
    whole = scoring.scaled(picture.vector)
    # Cells that are exact are taken at their word: had they not added up, neither would this.
    covered = scoring.scaled_cells(picture.vector) if picture.exact else cells.sum(axis=(0, 1))
    left = float((whole - covered) @ target)
    return Contributions((cells @ target).astype(np.float32), base + left, picture.sight)


Places = tuple[NDArray[np.intp], Contributions]
"""Cells ``(n, 2)``, by row and column, and the picture that they are of."""


def _pairs(table: Floats, query: Places, product: Places) -> tuple[Pair, ...]:
    """The pairs of cells that add most, apart from each other on both pictures.

    Args:
        table: ``(n, m)``: what each cell of the photo adds with each of the picture; written to.
        query: Those of the photo.
        product: Those of the picture.
    """
    (ours, _), (theirs, _) = query, product
    boxes, others = (picture.boxes for _, picture in (query, product))
    found: list[Pair] = []
    while len(found) < PAIRS and table.size:
        one, other = (int(place) for place in np.unravel_index(table.argmax(), table.shape))
        best = float(table[one, other])
        if best <= 0:
            break
        mine, its = boxes[tuple(ours[one])], others[tuple(theirs[other])]
        found.append(Pair(Box(*mine.tolist()), Box(*its.tolist()), best))
        table[_beside(ours, one)] = 0
        table[:, _beside(theirs, other)] = 0
    return tuple(found)


def _beside(places: NDArray[np.intp], one: int) -> NDArray[np.bool_]:
    """Which places are that one or touch it."""
    return np.asarray(np.abs(places - places[one]).max(axis=1) <= 1)


def _speaking(picture: Contributions) -> NDArray[np.bool_]:
    """Cells ``(h, w)`` that speak for the product, and show more than background around it."""
    boxes = picture.boxes
    areas = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    loud = picture.cells >= _SPEAKING * picture.cells.max()
    return np.asarray(loud & (picture.cells > 0) & (areas > 0))
