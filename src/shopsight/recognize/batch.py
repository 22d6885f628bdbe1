"""Recognises what many photos show, one line of answers for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from shopsight.errors import ImageError
from shopsight.images.boxes import Box
from shopsight.photo_lists import PhotoRow
from shopsight.recognize.answers import Evidence, Recognition

Recognize = Callable[[PhotoRow], Recognition]
"""From a photo to what it shows; raises :class:`ImageError` where it cannot be used."""

THREADS = 4
"""Photos at once: some are decoded while others are encoded."""

_DIGITS = 4


def answer_lines(rows: Sequence[PhotoRow], recognize: Recognize) -> Iterator[dict[str, object]]:
    """Recognise what each photo shows.

    Args:
        rows: The photos.
        recognize: Called from several threads at once.

    Yields:
        For each photo, in order: its other columns, ``photo`` as given, ``answer`` (``None``:
        unknown, or none), ``confidence``, ``alternatives`` and ``evidence``; and ``error`` if it
        could not be used.
    """

    def one(row: PhotoRow) -> dict[str, object]:
        line: dict[str, object] = {**row.columns, "photo": row.photo}
        try:
            return line | plain(recognize(row))
        except ImageError as error:
            return line | plain(Recognition(None, 0.0)) | {"error": str(error)}

    with ThreadPoolExecutor(THREADS, thread_name_prefix="recognize") as pool:
        yield from pool.map(one, rows)


def plain(found: Recognition) -> dict[str, object]:
    """A recognition as values that JSON knows; its timings are left out."""
    return {
        "answer": found.answer,
        "confidence": round(found.confidence, _DIGITS),
        "alternatives": [
            {"answer": one.answer, "confidence": round(one.confidence, _DIGITS)}
            for one in found.alternatives
        ],
        "evidence": [_evidence(one) for one in found.evidence],
    }


def _evidence(one: Evidence) -> dict[str, object]:
    return {
        "kind": one.kind,
        "detail": one.detail,
        "confidence": round(one.confidence, _DIGITS),
        "box": None if one.box is None else _sides(one.box),
        "answer": one.answer,
    }


def _sides(box: Box) -> dict[str, float]:
    return {side: round(value, _DIGITS) for side, value in box._asdict().items()}
