"""What every recognition answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shopsight.images.boxes import Box


@dataclass(frozen=True, slots=True)
class Evidence:
    """Something that was seen, and speaks for an answer or for none.

    Attributes:
        kind: What it is: ``barcode``, ``text``, ``visual``, ``logo``, ``name``, ``products``,
            ``head`` ...
        detail: What was seen, in words: a code, a line of text, the product that looks alike.
        confidence: How sure that is, 0 to 1.
        box: Where it was seen; ``None``: on the photo as a whole.
        answer: What it speaks for; ``None``: for nothing that the shop knows.
    """

    kind: str
    detail: str
    confidence: float
    box: Box | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another possible answer.

    Attributes:
        answer: A product's id, a category's path, or a brand.
        confidence: Probability that it is right, 0 to 1.
    """

    answer: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a photo shows.

    Attributes:
        answer: A product's id, a category's path, or a brand; ``None``: unknown, or none.
        confidence: Probability that the answer is right, 0 to 1. Without an answer, that of the
            likeliest one, which was not sure enough.
        alternatives: Other answers, likeliest first; without an answer, the likeliest one too.
        evidence: What was seen, the most telling first.
        timings_ms: Milliseconds by stage, and in total.
    """

    answer: str | None
    confidence: float
    alternatives: tuple[Alternative, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
