"""Values of a catalogue by the phrases that mean them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shopsight.words.fields import FieldValues, Role, role
from shopsight.words.lexicon import Color, is_chinese, key, lexicon
from shopsight.words.palette import ColorValue, color_parts
from shopsight.words.segment import STOP_WORDS, Token, stem, tokens

LONGEST_PHRASE = 6
"""Words of a phrase at most."""

_SEGMENTS = re.compile(r"\s*[>|/»]\s*")
_SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Named:
    """Values of one field that a phrase means.

    Attributes:
        field: The field.
        role: What the field is about.
        values: As in the catalogue.
    """

    field: str
    role: Role
    values: tuple[str, ...]


class Lookup:
    """What phrases mean in a catalogue. Phrases are spelled by ``shopsight.words.lexicon.key``.

    Args:
        fields: Values of the catalogue's fields.

    Attributes:
        colors: All values of all fields that hold colours, the most frequent ones first.
        own_colors: Phrase -> colour that the shop calls so and the lexicon does not know.
        color_fields: Field that holds colours -> number of products that have any.
        brands: Phrase -> brands.
    """

    def __init__(self, fields: Mapping[str, FieldValues]) -> None:
        colored = {name: held for name, held in fields.items() if _role(name) is Role.COLOR}
        self.color_fields = {name: held.products for name, held in colored.items()}
        counted = sorted(
            (-count, name, value)
            for name, held in colored.items()
            for value, count in held.values.items()
        )
        self.colors = tuple(
            ColorValue(name, value, parts)
            for _, name, value in counted
            if (parts := color_parts(value))
        )
        self.own_colors: dict[str, Color] = {
            part.name: part for value in self.colors for part in value.parts if not part.tones
        }
        self.brands: dict[str, list[str]] = {}
        for value in fields["brand"].values if "brand" in fields else ():
            self.brands.setdefault(key(value), []).append(value)
        self.brands.pop("", None)
        self._named: dict[str, dict[str, list[str]]] = {}
        for name, held in fields.items():
            if name not in {"brand", "availability", "currency", *colored}:
                for value in held.values:
                    for phrase in _phrases(name, value):
                        self._named.setdefault(phrase, {}).setdefault(name, []).append(value)

    def named(self, phrase: str) -> list[Named]:
        """What a phrase means, but for colours and brands; nothing, mostly."""
        return [
            Named(name, _role(name), tuple(values))
            for name, values in self._named.get(phrase, {}).items()
        ]


def concept(phrase: str) -> str:
    """The pattern or material that a phrase names in any language, or nothing."""
    known = lexicon()
    return known.patterns.get(phrase) or known.materials.get(phrase) or ""


def _role(name: str) -> Role:
    return Role.OTHER if name == "product_type" else role(name)


def _phrases(field: str, value: str) -> set[str]:
    """The phrases that mean a value of a field."""
    about = _role(field)
    found: set[str] = set()
    for segment in _SEGMENTS.split(value) if field == "product_type" else [value]:
        words = tokens(segment)
        found.add(key(words))
        if field == "product_type":
            found.update(key(words[-1:]) for _ in words[:1])
        elif about in {Role.MATERIAL, Role.PATTERN}:
            found.update(key([word]) for word in words)
            found.update(filter(None, map(concept, list(_runs(words)))))
    return {phrase for phrase in found if _telling(phrase)}


def _runs(words: Sequence[Token]) -> Iterator[str]:
    for start in range(len(words)):
        for stop in range(start + 1, min(len(words), start + LONGEST_PHRASE) + 1):
            yield key(words[start:stop])


def _telling(phrase: str) -> bool:
    if not phrase or phrase in STOP_WORDS or phrase in lexicon().phrases:
        return False
    if is_chinese(phrase):
        return True
    return len(stem(phrase)) >= _SHORTEST and any(char.isalpha() for char in phrase)
