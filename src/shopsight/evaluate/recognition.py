"""Measures recognition on labelled photos: products, categories or brands, all by the same figures.

A recogniser may say "I don't know", so two things are measured: what it answers, with its own
threshold, and its best guess, which every photo has that shows anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shopsight.errors import FeedError, ShopsightError
from shopsight.evaluate.metrics import Floats, coverage_at, macro_f1
from shopsight.evaluate.resampling import Clusters, Interval
from shopsight.recognize.answers import Alternative, Recognition

PRECISION = 0.95
"""Share of the answers that must be right for coverage to be counted."""

TOP = 5

_MOST_CONFUSIONS = 20

Guesses = Callable[[Recognition], Sequence[Alternative]]
Fits = Callable[[str, frozenset[str]], bool]


@dataclass(frozen=True, slots=True)
class Case:
    """A labelled photo.

    Attributes:
        photo: Where it is.
        answers: Those that would be right; empty: there is none, as for a thing the shop does not
            sell.
        cluster: Photos of one cluster, such as those of one product, succeed and fail together.
    """

    photo: Path
    answers: frozenset[str]
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo.

    Attributes:
        case: The photo.
        answer: What was answered; ``None``: unknown.
        guesses: Most probable first, each answer once; empty if the photo could not be used.
        latency_ms: Of the recognition; 0 if the photo could not be used.
        error: Why it could not be used; empty if it could.
    """

    case: Case
    answer: str | None
    guesses: tuple[Alternative, ...]
    latency_ms: float = 0.0
    error: str = ""

    @property
    def best(self) -> str:
        """The best guess; empty where there is none."""
        return self.guesses[0].answer if self.guesses else ""

    @property
    def confidence(self) -> float:
        """Of the best guess, 0 to 1; 0 where there is none."""
        return self.guesses[0].confidence if self.guesses else 0.0

    @property
    def right(self) -> bool:
        """Whether the best guess is right."""
        return self.best in self.case.answers


@dataclass(frozen=True, slots=True)
class RecognitionFigures:
    """Figures over all photos.

    Attributes:
        photos: Photos that have a right answer.
        absent: Photos that have none.
        figures: Name -> value with its interval, see :func:`measured`; without what the photos
            cannot tell.
        confusions: ``(right answer, best guess, photos)``, most frequent first.
        failed: Photo that could not be used -> the reason. They count as not recognised.
        latency_ms: ``p50`` and ``p95`` of one photo.
        notes: What a reader must know to judge the figures.
    """

    photos: int
    absent: int
    figures: Mapping[str, Interval]
    confusions: Sequence[tuple[str, str, int]]
    failed: Mapping[str, str]
    latency_ms: Mapping[str, float]
    notes: Sequence[str] = field(default_factory=tuple)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "photos": self.photos,
            "absent": self.absent,
            **{name: one.as_dict() for name, one in self.figures.items()},
            "confusions": [
                {"right": right, "guessed": guessed, "photos": count}
                for right, guessed, count in self.confusions
            ],
            "failed": dict(self.failed),
            "latency_ms": {name: round(value, 2) for name, value in self.latency_ms.items()},
            "notes": list(self.notes),
        }


def ranked(recognition: Recognition) -> list[Alternative]:
    """All answers of a recognition by confidence, each once: how guesses are taken from it."""
    given = list(recognition.alternatives)
    if recognition.answer is not None:
        given.insert(0, Alternative(recognition.answer, recognition.confidence))
    given.sort(key=lambda one: -one.confidence)
    return list({one.answer: one for one in reversed(given)}.values())[::-1]


def is_one_of(answer: str, right: frozenset[str]) -> bool:
    """Whether an answer is one of the right ones."""
    return answer in right


def expected_answer(one: Outcome) -> str:
    """The right answer a photo counts for: that guessed, else the first; empty if there is none."""
    return one.best if one.right else min(one.case.answers, default="")


def recognized(
    cases: Sequence[Case],
    recognize: Callable[[Path], Recognition],
    *,
    guesses: Guesses = ranked,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """Show photos to a recogniser, one after the other.

    Args:
        cases: The photos.
        recognize: The recogniser; may raise ``ShopsightError`` for a photo.
        guesses: Which guesses a recognition stands for, most probable first.
        progress: Told the number of photos done.
    """
    outcomes = []
    for done, case in enumerate(cases, start=1):
        try:
            found = recognize(case.photo)
        except ShopsightError as error:
            outcomes.append(Outcome(case, None, (), error=str(error)))
        else:
            latency = found.timings_ms.get("total", 0.0)
            outcomes.append(Outcome(case, found.answer, tuple(guesses(found)), latency))
        progress(done)
    return outcomes


def measured(
    outcomes: Sequence[Outcome], *, fits: Fits = is_one_of, notes: Iterable[str] = ()
) -> RecognitionFigures:
    """Figures of what became of photos.

    =========================  ====================================================================
    ``accuracy``               share of best guesses that are right, of photos with a right answer
    ``top-5``                  share of them for which one of the first five guesses is right
    ``macro-F1``               see :func:`.metrics.macro_f1`
    ``coverage at 95 %``       share of them that can be answered while 95 % of all answers, those
                               to photos without a right answer included, are right
    ``answered``               share of them that got an answer
    ``answers right``          share of those answers that fit
    ``false answers``          share of the photos without a right answer that got an answer
    ``open-set AUROC``         probability that the best guess for a photo with a right answer has
                               more confidence than that for one without
    =========================  ====================================================================

    Args:
        outcomes: At least one of a photo with a right answer.
        fits: Whether an answer (not a guess) is right.
        notes: What a reader must know besides.

    Raises:
        FeedError: No photo has a right answer.
    """
    present = [one for one in outcomes if one.case.answers]
    absent = [one for one in outcomes if not one.case.answers]
    if not present:
        raise FeedError("There is no photo with a label to evaluate on.")
    figures = _guessing(present) | _answering(present, absent, fits)
    latencies = [one.latency_ms for one in outcomes if not one.error]
    return RecognitionFigures(
        photos=len(present),
        absent=len(absent),
        figures=figures,
        confusions=confusions(present),
        failed={str(one.case.photo): one.error for one in outcomes if one.error},
        latency_ms={f"p{q}": float(np.percentile(latencies or [0.0], q)) for q in (50, 95)},
        notes=tuple(notes),
    )


def confusions(
    present: Sequence[Outcome], most: int = _MOST_CONFUSIONS
) -> list[tuple[str, str, int]]:
    """``(right answer, best guess, photos)`` of wrong guesses, most frequent first."""
    wrong = Counter((expected_answer(one), one.best) for one in present if not one.right)
    order = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    return [(right, guess, count) for (right, guess), count in order[:most]]


def _guessing(present: Sequence[Outcome]) -> dict[str, Interval]:
    """Figures of the best guesses."""
    clusters = Clusters([_cluster(one) for one in present])
    hits = _flags(one.right for one in present)
    top = _flags(
        any(guess.answer in one.case.answers for guess in one.guesses[:TOP]) for one in present
    )
    names = sorted({expected_answer(one) for one in present})
    number = {name: place for place, name in enumerate(names)}
    expected = np.array([number[expected_answer(one)] for one in present])
    guessed = np.array([number.get(one.best, len(names)) for one in present])
    return {
        "accuracy": clusters.interval(hits),
        f"top-{TOP}": clusters.interval(top),
        "macro-F1": clusters.statistic(
            lambda counts: macro_f1(expected, guessed, counts, len(names))
        ),
    }


def _answering(
    present: Sequence[Outcome], absent: Sequence[Outcome], fits: Fits
) -> dict[str, Interval]:
    """Figures of what was answered, and of confidence."""
    every = [*present, *absent]
    clusters = Clusters([_cluster(one) for one in every])
    known = np.arange(len(every)) < len(present)
    confidence = np.array([one.confidence for one in every])
    right = _flags(one.right for one in every)
    answered = np.array([one.answer is not None for one in every])
    fitting = _flags(one.answer is not None and fits(one.answer, one.case.answers) for one in every)
    found = {
        f"coverage at {PRECISION:.0%}".replace("%", " %"): clusters.statistic(
            lambda counts: coverage_at(PRECISION, confidence, right, known, counts)
        ),
        "answered": Clusters([_cluster(one) for one in present]).interval(
            answered[known].astype(np.float64)
        ),
    }
    if np.any(answered & known):
        rows = np.flatnonzero(answered & known)
        names = [_cluster(every[row]) for row in rows]
        found["answers right"] = Clusters(names).interval(fitting[rows])
    if absent:
        singles = Clusters([str(number) for number in range(len(absent))])
        found["false answers"] = singles.interval(answered[~known].astype(np.float64))
        found["open-set AUROC"] = Clusters([_cluster(one) for one in present]).separation(
            confidence[known], confidence[~known], np.ones(len(present), np.bool_)
        )
    return found


def _flags(values: Iterable[bool]) -> Floats:
    return np.array([float(value) for value in values])


def _cluster(one: Outcome) -> str:
    return one.case.cluster or str(one.case.photo)
