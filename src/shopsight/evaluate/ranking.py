"""Ranks what is searched for every query, exhaustively and in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import EncoderSpec
from shopsight.evaluate.metrics import (
    Floats,
    average_precision,
    found_at,
    ndcg_at,
    recall_at,
    reciprocal_rank,
)
from shopsight.index.base import Metric, Neighbors
from shopsight.index.nearness import scores, unit_rows
from shopsight.index.standardize import Standardizer
from shopsight.index.weighted import rescored, weighted
from shopsight.ingest.lifecycle import MIN_ROWS_TO_STANDARDIZE
from shopsight.search.focus import Focus
from shopsight.search.weights import check_focus, part_weights

Rows = NDArray[np.intp]
_NONE: Rows = np.empty(0, np.intp)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How vectors are compared: what the settings of a shop say, and the focus of a query."""

    metric: Metric = Metric.COSINE
    standardize: bool = False
    focus: Focus = Focus.BALANCED


class Gallery:
    """The vectors that are searched; scores are those the exact store would give.

    Args:
        spec: Of the encoder.
        vectors: ``(n, dimension)`` as it made them.
        options: How they are compared.

    Raises:
        QueryError: The encoder has no part for the focus.
    """

    def __init__(
        self, spec: EncoderSpec, vectors: NDArray[np.float32], options: SearchOptions
    ) -> None:
        check_focus(spec, options.focus)
        self._spec = spec
        self._options = options
        self._scaling = (
            Standardizer.fit([vectors])
            if options.standardize and len(vectors) >= MIN_ROWS_TO_STANDARDIZE
            else None
        )
        rows = self._scaling.apply(vectors) if self._scaling else vectors
        self._rows = unit_rows(rows) if options.metric is Metric.COSINE else rows

    def ranked(self, vector: NDArray[np.float32]) -> tuple[Rows, NDArray[np.float32]]:
        """All rows by their nearness to a query.

        Args:
            vector: ``(dimension,)`` as the encoder made it.

        Returns:
            Their numbers ``(n,)``, nearest first, and their scores in that order, larger is nearer.
        """
        metric = self._options.metric
        query = self._scaling.apply(vector) if self._scaling else vector
        weights = part_weights(self._spec, vector, self._options.focus)
        searched = query if weights is None else weighted(query, weights)
        found = scores(metric, self._rows, searched)
        order = np.argsort(-np.nan_to_num(found, nan=-np.inf), kind="stable")
        found = found[order]
        if weights is not None:
            found = rescored(Neighbors((), (), found), query, searched, metric).scores
        return order, found


@dataclass(frozen=True, slots=True)
class Query:
    """One question and its right answers.

    Attributes:
        row: Its picture; ``None``: it could not be used, which counts as nothing found.
        relevant: Owners that would be right, as far as the gallery has them, ascending.
        wanted: How many right ones there are, with those the gallery lacks; at least 1.
        excluded: Owners that are not searched.
        cluster: Queries of one cluster succeed and fail together: see :class:`.Clusters`.
        expected: The right answer in words.
    """

    row: int | None
    relevant: Rows
    wanted: int
    cluster: str
    expected: str
    excluded: Rows = field(default_factory=lambda: _NONE)


@dataclass(frozen=True, slots=True)
class Problem:
    """Queries and what is searched. An owner is what answers are counted by, such as a product.

    Attributes:
        gallery: Picture of each row that is searched.
        owners: ``(len(gallery),)``: owner of each row, numbers from 0.
        owner_titles: Per owner, what people call it.
        queries: At least one.
        absent: Pictures of things that no owner is: queries without a right answer.
        figures: Names of the figures that make sense here, see :data:`FIGURES`, the main one first.
        depth: Owners looked at; one further down counts as not found. 0: all.
    """

    gallery: Rows
    owners: Rows
    owner_titles: Sequence[str]
    queries: Sequence[Query]
    figures: Sequence[str]
    absent: Rows = field(default_factory=lambda: _NONE)
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one encoder found.

    Attributes:
        figures: Name -> ``(queries,)``.
        first: ``(queries,)``: row of the gallery that came first; -1: none.
        scores: ``(queries,)`` of that row; NaN: none.
        right: ``(queries,)``: whether it is a right answer.
        absent_scores: ``(absent,)``: score of the first answer to each such query.
    """

    figures: Mapping[str, Floats]
    first: Rows
    scores: Floats
    right: NDArray[np.bool_]
    absent_scores: Floats


FIGURES = {
    "recall@1": lambda ranks, wanted: recall_at(1, ranks, wanted),
    "recall@5": lambda ranks, wanted: recall_at(5, ranks, wanted),
    "recall@10": lambda ranks, wanted: recall_at(10, ranks, wanted),
    "hit@1": lambda ranks, _: found_at(1, ranks),
    "hit@5": lambda ranks, _: found_at(5, ranks),
    "accuracy": lambda ranks, _: found_at(1, ranks),
    "mrr": lambda ranks, _: reciprocal_rank(ranks),
    "ndcg@10": lambda ranks, wanted: ndcg_at(10, ranks, wanted),
    "map": average_precision,
}
"""Name -> figure of a query, from the ranks of the right answers found and how many there are."""


def solve(problem: Problem, vectors: NDArray[np.float32], gallery: Gallery) -> Outcome:
    """Search every query with one encoder.

    Args:
        problem: What is searched for.
        vectors: ``(pictures, dimension)``: all pictures as the encoder made them.
        gallery: The rows ``problem.gallery`` of those.
    """
    values = np.zeros((len(problem.queries), len(problem.figures)))
    first = np.full(len(problem.queries), -1, np.intp)
    best = np.full(len(problem.queries), np.nan)
    right = np.zeros(len(problem.queries), np.bool_)
    for number, query in enumerate(problem.queries):
        ranks: list[int] = []
        if query.row is not None:
            rows, found = _owners(gallery.ranked(vectors[query.row]), problem, query.excluded)
            ranks = (np.flatnonzero(np.isin(problem.owners[rows], query.relevant)) + 1).tolist()
            if len(rows):
                first[number], best[number] = rows[0], found[0]
                right[number] = bool(ranks) and ranks[0] == 1
        values[number] = [FIGURES[name](ranks, query.wanted) for name in problem.figures]
    return Outcome(
        {name: values[:, place] for place, name in enumerate(problem.figures)},
        first,
        best,
        right,
        np.array([_owners(gallery.ranked(vectors[row]), problem)[1][0] for row in problem.absent]),
    )


def _owners(
    ranked: tuple[Rows, NDArray[np.float32]], problem: Problem, excluded: Rows = _NONE
) -> tuple[Rows, NDArray[np.float32]]:
    """The best row of each owner, best owner first, with its score."""
    rows, found = ranked
    if len(excluded):
        kept = np.isin(problem.owners[rows], excluded, invert=True)
        rows, found = rows[kept], found[kept]
    _, places = np.unique(problem.owners[rows], return_index=True)
    places = np.sort(places)[: problem.depth or None]
    return rows[places], found[places]
