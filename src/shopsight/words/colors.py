"""What colours named in a query mean in a catalogue: filters, and what comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shopsight.index.filters import And, Compare, Filter, In, IsNull, Op, Or
from shopsight.words.lexicon import Color, is_chinese, lexicon
from shopsight.words.palette import ColorValue, Meant, meant
from shopsight.words.vocabulary import Vocabulary

MAX_VALUES = 500
"""Values of one field that a filter names at most; the most frequent ones."""

_MAX_TITLE_WORDS = 8


class ColorWords:
    """Colours of one catalogue.

    Args:
        vocabulary: The catalogue's words.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._lookup = vocabulary.lookup

    def color(self, phrase: str) -> Color | None:
        """The colour that a phrase names, in any shop or in this one."""
        return lexicon().colors.get(phrase) or self._lookup.own_colors.get(phrase)

    def meant(self, color: Color) -> Meant:
        """The catalogue's values that a colour means."""
        return meant(color, self._lookup.colors)

    def where(self, values: Iterable[ColorValue], colors: Sequence[Color] = ()) -> Filter:
        """Products that have one of the values.

        Args:
            values: At least one.
            colors: What they mean; products without a value then fit if their title says so.
        """
        fields: dict[str, list[str]] = {}
        for value in values:
            fields.setdefault(value.field, []).append(value.value)
        terms: list[Filter] = [
            In(field, tuple(several[:MAX_VALUES])) for field, several in fields.items()
        ]
        if max(self._lookup.color_fields.values()) < self._vocabulary.total:
            nameless = tuple(IsNull(field) for field in sorted(self._lookup.color_fields))
            titled = [found for color in colors if (found := self.titled(color)) is not None]
            terms += [And((*nameless, found)) for found in titled]
        return any_of(terms)

    def titled(self, color: Color) -> Filter | None:
        """Products whose title names a colour; ``None`` if no product's can."""
        words = [
            phrase
            for phrase, known in lexicon().colors.items()
            if phrase in self._vocabulary.terms
            and (
                known.name == color.name
                or (not color.shade and not known.weak and known.families >= color.families)
            )
        ]
        words.sort(key=lambda word: (-self._vocabulary.terms[word], word))
        terms = self.in_titles(words)
        return any_of(terms) if terms else None

    def in_titles(self, words: Iterable[str]) -> list[Filter]:
        """Filters for titles with a word in them; in English, for words that begin with it."""
        known = [word for word in words if word in self._vocabulary.terms]
        # Whatever has striped in it has stripe.
        telling = [
            word for word in known if not any(word != one and word.startswith(one) for one in known)
        ]
        terms: list[Filter] = []
        for field in self._vocabulary.titles:
            for word in telling[:_MAX_TITLE_WORDS]:
                if is_chinese(word):
                    terms.append(Compare(field, Op.CONTAINS, word))
                else:
                    terms.append(Compare(field, Op.CONTAINS, f" {word}"))
                    starts = (word.capitalize(), word)
                    terms += [Compare(field, Op.STARTS_WITH, start) for start in starts]
        return terms


def any_of(terms: Sequence[Filter]) -> Filter:
    """Products that fit one of the filters, of which there is at least one."""
    return terms[0] if len(terms) == 1 else Or(tuple(terms))


def all_of(terms: Sequence[Filter]) -> Filter | None:
    """Products that fit all of the filters; ``None`` without any."""
    flat = tuple(
        part for term in terms for part in (term.terms if isinstance(term, And) else (term,))
    )
    return None if not flat else flat[0] if len(flat) == 1 else And(flat)
