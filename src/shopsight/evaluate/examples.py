"""Queries on which encoders differ, as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from shopsight.evaluate.compare import Comparison
from shopsight.evaluate.html_page import Shown, picture_link
from shopsight.evaluate.ranking import Outcome
from shopsight.images.prepare import ImageLimits

MOST = 12
"""Examples shown."""

_FEW = 3  # right answers that are all shown


@dataclass(frozen=True, slots=True)
class Example:
    """A query, what was expected, and what each encoder put first."""

    query: Shown
    expected: Sequence[Shown]
    answers: Sequence[tuple[str, Shown]]


def differing(comparison: Comparison, limits: ImageLimits, most: int = MOST) -> list[Example]:
    """Queries whose first answer is right with some encoders and wrong with others.

    Those that the first encoder alone got wrong and those that it alone got right take turns, the
    clearest of each first.

    Args:
        comparison: Of at least two encoders, else there are none.
        limits: What one picture may cost.
        most: How many, at most.
    """
    right = np.array([result.outcome.right for result in comparison.results])
    ranks = np.array([result.outcome.figures["map"] for result in comparison.results])
    differ = np.flatnonzero(right.any(axis=0) & ~right.all(axis=0))
    gap = np.abs(ranks - ranks[0]).max(axis=0)
    order = differ[np.argsort(-gap[differ], kind="stable")].tolist()
    worse = [number for number in order if not right[0, number]]
    better = [number for number in order if right[0, number]]
    turns = chain.from_iterable(zip_longest(worse, better))
    chosen = [number for number in turns if number is not None][:most]
    return [_example(comparison, number, limits) for number in chosen]


def _example(comparison: Comparison, number: int, limits: ImageLimits) -> Example:
    problem, pictures = comparison.problem, comparison.task.pictures
    query = problem.queries[number]
    owners = query.relevant if len(query.relevant) <= _FEW else query.relevant[:0]
    rows = [int(np.flatnonzero(problem.owners == owner)[0]) for owner in owners]
    expected = [
        Shown(picture_link(pictures[problem.gallery[row]], limits), _owner(comparison, row))
        for row in rows
    ]
    answers = [
        (result.name, _answer(comparison, result.outcome, number, limits))
        for result in comparison.results
    ]
    link = picture_link(pictures[query.row], limits) if query.row is not None else ""
    words = "" if expected else query.expected
    return Example(Shown(link, words), expected, answers)


def _answer(comparison: Comparison, outcome: Outcome, number: int, limits: ImageLimits) -> Shown:
    row = int(outcome.first[number])
    if row < 0:
        return Shown("", "nothing", right=False)
    picture = comparison.task.pictures[comparison.problem.gallery[row]]
    score, right = float(outcome.scores[number]), bool(outcome.right[number])
    return Shown(picture_link(picture, limits), _owner(comparison, row), score, right)


def _owner(comparison: Comparison, row: int) -> str:
    return comparison.problem.owner_titles[int(comparison.problem.owners[row])]
