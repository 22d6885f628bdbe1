"""What words mean whatever the shop, read from ``lexicon.toml`` beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise, product
from typing import Any

from shopsight.words.segment import Token, stem, tokens

WEAK = "~"


@dataclass(frozen=True, slots=True)
class Color:
    """A colour that a word names.

    Attributes:
        name: ``green``, ``sage``, ``light green``, or the shop's own word.
        tones: Families and tones it belongs to, such as ``("green", "light")``; no tone for a
            whole family. Empty for a shop's own word.
        shade: Whether it is one shade rather than a family or its light or dark half.
        weak: Whether the word names other things as well, as ``sand`` does.
    """

    name: str
    tones: frozenset[tuple[str, str]] = frozenset()
    shade: bool = True
    weak: bool = False

    @property
    def families(self) -> frozenset[str]:
        """Families it belongs to."""
        return frozenset(family for family, _ in self.tones)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Phrases by what they mean; as :func:`key` spells them.

    Attributes:
        colors: Phrase -> colour.
        patterns: Phrase -> name of the pattern.
        materials: Phrase -> name of the material.
        phrases: Phrase -> what kinds of phrase it is, such as ``not``, ``in``, ``before.lt``.
        currencies: Phrase -> ISO codes it may stand for; none for money of whatever currency.
        numerals: Word -> number.
        longest: Words of the longest of ``phrases``.
        words: All single words, for correcting typos.
    """

    colors: Mapping[str, Color]
    patterns: Mapping[str, str]
    materials: Mapping[str, str]
    phrases: Mapping[str, frozenset[str]]
    currencies: Mapping[str, frozenset[str]]
    numerals: Mapping[str, int]
    longest: int
    words: frozenset[str]

    def knows(self, phrase: str) -> bool:
        """Whether a phrase means anything."""
        return any(
            phrase in table for table in (self.colors, self.patterns, self.materials, self.phrases)
        ) or (phrase in self.currencies or phrase in self.numerals)


def key(words: Iterable[Token] | str) -> str:
    """A phrase as it is looked up: words in the singular; blanks only where there must be some.

    Args:
        words: Neighbouring tokens, or a text.
    """
    several = tokens(words) if isinstance(words, str) else words
    found = [stem(word.text.removesuffix("'s")) for word in several]
    joined = found[:1]
    for before, after in pairwise(found):
        joined.append(after if is_chinese(before) and is_chinese(after) else f" {after}")
    return "".join(joined)


def is_chinese(word: str) -> bool:
    """Whether a token is of a script that puts no blanks between words."""
    return word[-1:] >= "\u3000"


@cache
def lexicon() -> Lexicon:
    """The lexicon, read once."""
    text = files(__package__).joinpath("lexicon.toml").read_text("utf-8")
    data = tomllib.loads(text)
    phrases = {
        **data["phrases"],
        **{f"before.{name}": words for name, words in data["amounts"]["before"].items()},
        **{f"after.{name}": words for name, words in data["amounts"]["after"].items()},
        **{name: data["amounts"][name] for name in ("vague", "to", "price", "stars", "units")},
    }
    kinds: dict[str, set[str]] = {}
    for name, words in phrases.items():
        for phrase in _phrases(words):
            kinds.setdefault(phrase, set()).add(name)
    currencies: dict[str, set[str]] = {phrase: set() for phrase in _phrases(data["money"]["words"])}
    for code, words in data["currencies"].items():
        for phrase in _phrases(words):
            currencies.setdefault(phrase, set()).add(code)
    colors = _colors(data)
    patterns, materials = _concepts(data["patterns"]), _concepts(data["materials"])
    tables = (colors, patterns, materials, kinds, currencies)
    return Lexicon(
        colors=colors,
        patterns=patterns,
        materials=materials,
        phrases={phrase: frozenset(names) for phrase, names in kinds.items()},
        currencies={phrase: frozenset(codes) for phrase, codes in currencies.items()},
        numerals=data["numerals"],
        longest=max(len(tokens(phrase)) for phrase in kinds),
        words=frozenset(word for table in tables for phrase in table for word in phrase.split()),
    )


def _phrases(text: str) -> Iterator[str]:
    for phrase in text.split(", "):
        found = key(phrase)
        if found:
            yield found


def _concepts(table: Mapping[str, str]) -> dict[str, str]:
    return {phrase: name for name, words in table.items() for phrase in _phrases(words)}


def _colors(data: Mapping[str, Any]) -> dict[str, Color]:
    families: Mapping[str, Any] = data["colors"]
    found = dict(_tones(families, data["tones"]))
    for family, entry in families.items():
        for phrase in entry["words"].split(", "):
            weak = phrase.startswith(WEAK)
            name = key(phrase.removeprefix(WEAK))
            found[name] = Color(family, frozenset({(family, "")}), shade=False, weak=weak)
    return found | dict(_shades(families))


def _tones(families: Mapping[str, Any], tones: Mapping[str, str]) -> Iterator[tuple[str, Color]]:
    """Light and dark halves of the families, spelled in one word and in two."""
    for family, entry in families.items():
        words = entry["words"].replace(WEAK, "").split(", ")
        for tone, adjectives in tones.items():
            color = Color(f"{tone} {family}", frozenset({(family, tone)}), shade=False)
            for adjective, word in product(adjectives.split(", "), words):
                yield key(f"{adjective} {word}"), color
                yield key(f"{adjective}{word}"), color


def _shades(families: Mapping[str, Any]) -> Iterator[tuple[str, Color]]:
    tones: dict[str, set[tuple[str, str]]] = {}
    words: dict[str, str] = {}
    for family, entry in families.items():
        for tone, shades in entry.get("shades", {}).items():
            for shade, spellings in shades.items():
                tones.setdefault(shade, set()).add((family, tone))
                words[shade] = words.get(shade) or spellings
    for shade, spellings in words.items():
        for phrase in spellings.split(", "):
            weak = phrase.startswith(WEAK) and " " not in phrase
            yield key(phrase.removeprefix(WEAK)), Color(shade, frozenset(tones[shade]), weak=weak)
