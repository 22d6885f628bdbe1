"""Finds candidates: by a vector, by words, or by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopsight.index.base import Neighbors
from shopsight.index.collection import Collection
from shopsight.index.filters import Filter
from shopsight.search.candidates import Candidate, by_relevance
from shopsight.search.ranking import best_per_product, nearest_products

Vector = NDArray[np.float32]

TEXT_SHARE = 0.3
"""What the best match of words adds to the score of a photo: about the difference between the same
thing and another one of its kind."""

RANK_OFFSET = 60
"""k of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)."""

_TEXT_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Look:
    """What candidates should look like.

    Attributes:
        vector: ``(dimension,)`` float32 of unit length.
        weights: How much each dimension counts, from :func:`.weights.part_weights`.
    """

    vector: Vector
    weights: Vector | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """Which words candidates should have, and which they should not.

    Attributes:
        terms: Wanted, from :func:`shopsight.words.segment.search_terms`.
        weight: How much they count beside a photo; 1: as much as is usual.
        unwanted: What should not be found.
        unwanted_weight: How much that counts.
    """

    terms: tuple[str, ...] = ()
    weight: float = 1.0
    unwanted: tuple[str, ...] = ()
    unwanted_weight: float = 1.0


NO_WORDS = Words()
"""Where only looks count."""


class Retriever:
    """Finds candidates in one index version.

    Args:
        collection: The index version.
    """

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def find(
        self, look: Look | None, words: Words, depth: int, where: Filter | None
    ) -> list[Candidate]:
        """Candidates, best first.

        With a look, the score is the cosine similarity, and for words there is added
        ``TEXT_SHARE * weight * BM25 / best BM25``. With words alone it is ``BM25 / best BM25``.
        Unwanted words take away as much. With neither, products come in no particular order, all
        with the score 0.

        Args:
            look: What they should look like, or ``None``.
            words: What should be said of them.
            depth: How many are wanted.
            where: Only products that match.
        """
        said = self._said(words.terms, depth, where)
        if look is not None:
            found = self._alike(look, depth, where)
            found = self._with_said(found, said, look, words.weight)
        elif words.terms:
            found = [
                Candidate(product, score, record, {"text": score})
                for product, (score, record) in said.items()
            ]
        else:
            found = self._listed(depth, where)
        return self._without(found, words)[:depth]

    def _alike(self, look: Look, depth: int, where: Filter | None) -> list[Candidate]:
        best = nearest_products(
            lambda k: self._collection.search(look.vector, k, where=where, weights=look.weights),
            depth,
        )
        return [
            Candidate(product, score, record, {"image": score})
            for product, (score, record) in best.items()
        ]

    def _said(
        self, terms: Sequence[str], depth: int, where: Filter | None
    ) -> Mapping[str, tuple[float, str]]:
        """BM25 scores, divided by the best, and a picture, by product."""
        if not terms:
            return {}
        text = " ".join(terms)
        best = nearest_products(
            lambda k: self._collection.store.search_text(text, k, where=where), depth
        )
        most = max((score for score, _ in best.values()), default=0.0)
        return {
            product: (score / most, record) for product, (score, record) in best.items() if most > 0
        }

    def _with_said(
        self,
        found: list[Candidate],
        said: Mapping[str, tuple[float, str]],
        look: Look,
        weight: float,
    ) -> list[Candidate]:
        if not said or not weight:
            return found
        known = {one.product_id for one in found}
        missing = [record for product, (_, record) in said.items() if product not in known]
        compared = best_per_product(self._compared(look, missing[:_TEXT_DEPTH]))
        found = found + [
            Candidate(product, score, record, {"image": score})
            for product, (score, record) in compared.items()
        ]
        return by_relevance(
            _plus(one, "text", TEXT_SHARE * weight * said[one.product_id][0])
            if one.product_id in said
            else one
            for one in found
        )

    def _compared(self, look: Look, records: Sequence[str]) -> Neighbors:
        return self._collection.compared(look.vector, records, weights=look.weights)

    def _listed(self, depth: int, where: Filter | None) -> list[Candidate]:
        """Products that pass a filter. What they look like is not asked: any vector will do."""
        dimension = self._collection.store.schema.dimension
        anything = np.full(dimension, dimension**-0.5, np.float32)
        best = nearest_products(lambda k: self._collection.search(anything, k, where=where), depth)
        return by_relevance(
            Candidate(product, 0.0, record) for product, (_, record) in best.items()
        )

    def _without(self, found: list[Candidate], words: Words) -> list[Candidate]:
        if not words.unwanted or not words.unwanted_weight:
            return found
        said = self._said(words.unwanted, _TEXT_DEPTH, None)
        return by_relevance(
            _plus(
                one, "negative_text", -TEXT_SHARE * words.unwanted_weight * said[one.product_id][0]
            )
            if one.product_id in said
            else one
            for one in found
        )


def reciprocal_rank_fusion(rankings: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """One ranking of several: each gives a candidate ``1 / (60 + rank)``.

    Scores are scaled so that a candidate that is first everywhere has 1. Terms of all are kept.
    """
    found: dict[str, Candidate] = {}
    top = len(rankings) / (RANK_OFFSET + 1)
    for ranking in rankings:
        for rank, one in enumerate(ranking, 1):
            share = 1 / (RANK_OFFSET + rank) / top
            before = found.get(one.product_id)
            found[one.product_id] = (
                replace(one, score=share)
                if before is None
                else replace(
                    before, score=before.score + share, terms={**before.terms, **one.terms}
                )
            )
    return by_relevance(found.values())


def _plus(one: Candidate, name: str, amount: float) -> Candidate:
    return replace(one, score=one.score + amount, terms={**one.terms, name: amount})
