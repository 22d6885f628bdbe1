"""Colours of a catalogue, and which of them a colour in a query means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from shopsight.words.lexicon import Color, key, lexicon
from shopsight.words.segment import tokens

_PARTED = re.compile(
    r"\s*(?:[/,;&+|\u3001\uff0c\u00b7]|\s-\s|\band\b|\bwith\b|和)\s*", re.IGNORECASE
)
_LONGEST_PART = 8


@dataclass(frozen=True, slots=True)
class ColorValue:
    """A value of a field that holds colours.

    Attributes:
        field: The field.
        value: As in the catalogue, such as ``sage/cream``.
        parts: Its colours, the main one first.
    """

    field: str
    value: str
    parts: tuple[Color, ...]


@dataclass(frozen=True, slots=True)
class Meant:
    """Values that a colour of a query means, best first.

    Attributes:
        exact: Those whose main colour is the very one.
        main: Those whose main colour fits.
        all: Those that have it at all.
    """

    exact: tuple[ColorValue, ...]
    main: tuple[ColorValue, ...]
    all: tuple[ColorValue, ...]


@lru_cache(maxsize=8192)
def color_parts(value: str) -> tuple[Color, ...]:
    """Colours that a value such as ``Navy Blue/White`` names, the main one first.

    A part that no lexicon knows is a colour by its own name.
    """
    return tuple(found for part in _PARTED.split(value) if (found := _part(part)) is not None)


def meant(wanted: Color, values: Iterable[ColorValue]) -> Meant:
    """Which values a colour means.

    A shade means itself where the catalogue has it, and its families otherwise; a light or dark
    half of a family likewise; a family means all of its shades.
    """
    several = list(values)
    for fits in (_same, _same_tone, _same_family):
        if fits is _same and not wanted.shade:
            continue
        found = [value for value in several if any(fits(wanted, part) for part in value.parts)]
        if found:
            main = [value for value in found if fits(wanted, value.parts[0])]
            exact = [value for value in main if value.parts[0].name == wanted.name]
            return Meant(tuple(exact), tuple(main), tuple(found))
    return Meant((), (), ())


def _same(wanted: Color, part: Color) -> bool:
    return part.name == wanted.name


def _same_tone(wanted: Color, part: Color) -> bool:
    if wanted.shade:
        return False
    return any(pair in part.tones if pair[1] else pair[0] in part.families for pair in wanted.tones)


def _same_family(wanted: Color, part: Color) -> bool:
    return not wanted.families.isdisjoint(part.families)


def _part(text: str) -> Color | None:
    words = tokens(text)[:_LONGEST_PART]
    known = lexicon().colors
    for length in range(len(words), 0, -1):
        # The last words are what it is, those before say how: light heather grey.
        for start in range(len(words) - length, -1, -1):
            color = known.get(key(words[start : start + length]))
            if color is not None:
                return color
    return Color(key(words), weak=True) if words else None
