"""Recognition on labelled photos as one HTML file: figures, and the photos that were confused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from shopsight.evaluate.html_page import (
    Shown,
    failed_pictures,
    page,
    picture_link,
    shown,
    table,
    write_page,
)
from shopsight.evaluate.pictures import Picture, file_picture
from shopsight.evaluate.plot import intervals
from shopsight.evaluate.recognition import Outcome, RecognitionFigures, expected_answer
from shopsight.evaluate.resampling import RESAMPLES
from shopsight.images.prepare import ImageLimits

EXAMPLES = 24
"""Confused photos that are shown."""

_PER_PAIR = 3  # of one right answer and one wrong guess: else the first pair fills the page

_METHOD = f"""<p class="quiet">Accuracy, top-5 and macro-F1 are of the best guess, which every photo
has that could be used; "answered" and what follows are of what was answered, or not, with the
threshold in force. Coverage is the share of photos that can be answered while 95 % of all answers,
those to photos without a right answer included, are right. Open-set AUROC: the probability that the
best guess for a photo with a right answer has more confidence than that for one without. Intervals
are 95 % percentile bootstrap intervals of {RESAMPLES:,} resamples that keep photos of one label or
group together.</p>"""


def write_recognition_report(
    path: Path,
    title: str,
    figures: RecognitionFigures,
    outcomes: Sequence[Outcome],
    *,
    limits: ImageLimits,
    pictured: Callable[[str], Picture | None] = lambda _: None,
) -> None:
    """Write what was measured as an HTML file.

    Args:
        path: The file; replaced if it is there.
        title: What was measured, in words.
        figures: The figures.
        outcomes: What became of the photos.
        limits: What one picture of the examples may cost.
        pictured: A picture that stands for an answer, if there is one.

    Raises:
        StorageError: It cannot be written.
    """
    write_page(path, recognition_report(title, figures, outcomes, limits, pictured))


def recognition_report(
    title: str,
    figures: RecognitionFigures,
    outcomes: Sequence[Outcome],
    limits: ImageLimits,
    pictured: Callable[[str], Picture | None],
) -> str:
    """The page; the arguments are those of :func:`write_recognition_report`."""
    absent = f", {figures.absent} without a right answer" if figures.absent else ""
    body = [
        "<h1>Recognition</h1>",
        f'<p class="quiet">{escape(title)}; {figures.photos} photos{absent}.</p>',
        *(f"<p>{escape(note)}</p>" for note in figures.notes),
        "<h2>Figures</h2>",
        _figures(figures),
        "<h2>95 % intervals</h2>",
        f"<figure>{intervals('figures', figures.figures)}</figure>",
        *_confusions(figures),
        *_examples(outcomes, limits, pictured),
        *failed_pictures(figures.failed),
        "<h2>How it was measured</h2>",
        _METHOD,
    ]
    return page("Recognition", body)


def confused(outcomes: Sequence[Outcome], most: int = EXAMPLES) -> list[Outcome]:
    """Photos worth looking at: wrong guesses and false answers, the surest first, of each few."""
    wrong = [one for one in outcomes if not one.right and (one.case.answers or one.answer)]
    wrong.sort(key=lambda one: -one.confidence)
    taken: dict[tuple[str, str], int] = {}
    found = []
    for one in wrong:
        pair = (expected_answer(one), one.best)
        taken[pair] = taken.get(pair, 0) + 1
        if taken[pair] <= _PER_PAIR:
            found.append(one)
    return found[:most]


def _figures(figures: RecognitionFigures) -> str:
    rows = [
        f"<td>{escape(name)}</td>"
        f"<td>{one.value:.3f}<small>{one.low:.3f} to {one.high:.3f}</small></td>"
        for name, one in figures.figures.items()
    ]
    rows += [
        f"<td>latency {name}</td><td>{value:.1f} ms</td>"
        for name, value in figures.latency_ms.items()
    ]
    return table(["figure", ""], rows)


def _confusions(figures: RecognitionFigures) -> list[str]:
    if not figures.confusions:
        return []
    rows = [
        f"<td>{escape(right)}</td><td>{escape(guess) or '-'}</td><td>{count}</td>"
        for right, guess, count in figures.confusions
    ]
    return ["<h2>What was taken for what</h2>", table(["right", "guessed", "photos"], rows)]


def _examples(
    outcomes: Sequence[Outcome], limits: ImageLimits, pictured: Callable[[str], Picture | None]
) -> list[str]:
    found = confused(outcomes)
    if not found:
        return []
    drawn = ["<h2>Photos that were confused</h2>"]
    for one in found:
        photo = picture_link(file_picture(one.case.photo, limits), limits)
        said = one.answer if one.answer is not None else "unknown"
        parts = [shown("photo", Shown(photo, f"{one.case.photo.name}; answered: {said}"))]
        if one.case.answers:
            parts.append(shown("right", _of(expected_answer(one), None, limits, pictured)))
        if one.best:
            parts.append(shown("guessed", _of(one.best, one.confidence, limits, pictured)))
        drawn.append(f'<div class="example">{"".join(parts)}</div>')
    return drawn


def _of(
    answer: str,
    confidence: float | None,
    limits: ImageLimits,
    pictured: Callable[[str], Picture | None],
) -> Shown:
    picture = pictured(answer)
    link = "" if picture is None else picture_link(picture, limits)
    return Shown(link, answer, confidence, None if confidence is None else False)
