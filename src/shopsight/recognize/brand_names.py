"""Finds brands in words that were read on a photo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz import fuzz

from shopsight.catalog.brands import folded
from shopsight.recognize.text import TextLine

SHORT = 4
"""Names of so many letters or fewer must be read exactly: one wrong letter makes another word."""

LEAST_ALIKE = 84.0
"""Of longer names: how alike what was read must be, 0 to 100."""

TINY = 2
"""Names of so many letters or fewer must be a line of their own: others contain them by chance."""

_SURE, _SHORT_SURE = 0.97, 0.8
_EXACT = 100.0


class NameSeen(NamedTuple):
    """A brand's name among the words on a photo.

    Attributes:
        brand: Key of the brand.
        line: What was read.
        confidence: That it is this name, 0 to 1.
    """

    brand: str
    line: TextLine
    confidence: float


class BrandNames:
    """Names and aliases of brands, to be found in words.

    Args:
        names: Key of a brand, and one of its names; a brand may come several times.
    """

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        self._names: dict[str, str] = {}  # folded name -> brand
        self._longest = 1
        for key, name in names:
            self._names.setdefault(folded(name), key)
            self._longest = max(self._longest, len(name.split()))

    def found(self, lines: Sequence[TextLine]) -> list[NameSeen]:
        """The brands that lines name, each once, surest first."""
        best: dict[str, NameSeen] = {}
        for line in lines:
            for key, share in self._in(line.text):
                seen = NameSeen(key, line, share * line.confidence)
                if key not in best or seen.confidence > best[key].confidence:
                    best[key] = seen
        return sorted(best.values(), key=lambda seen: (-seen.confidence, seen.brand))

    def _in(self, text: str) -> list[tuple[str, float]]:
        """Brands in a line, and how surely."""
        words = [folded(word) for word in text.split()]
        found: dict[str, float] = {}
        for count in range(1, min(self._longest + 1, len(words)) + 1):
            for start in range(len(words) - count + 1):
                run = "".join(words[start : start + count])
                alone = count == len(words)
                for name, key in self._names.items():
                    share = _likeness(name, run, alone=alone)
                    if share > found.get(key, 0.0):
                        found[key] = share
        return list(found.items())


def _likeness(name: str, run: str, *, alone: bool) -> float:
    """How surely words say a name, 0 to 1."""
    if name == run:
        if len(name) <= TINY:
            return _SHORT_SURE if alone else 0.0
        return _SHORT_SURE if len(name) < SHORT else _SURE
    if len(name) <= SHORT:
        return 0.0
    alike = fuzz.ratio(name, run, score_cutoff=LEAST_ALIKE)
    return _SURE * (alike / _EXACT) ** 2
