"""What the words of a query ask for: filters, preferences, unwanted things, and plain words.

::

    understand("this but in green, without stripes, under 40 EUR", vocabulary)

gives a filter for the catalogue's shades of green, one against its patterns of stripes and one for
the price, each with a chip that the shopper can take away, and no words to search for.
``docs/words.md`` says what is understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from shopsight.index.filters import Filter
from shopsight.words.amounts import parted
from shopsight.words.chips import Chip
from shopsight.words.colors import ColorWords, all_of
from shopsight.words.lexicon import is_chinese, lexicon
from shopsight.words.mentions import Boost, Mention, MentionReader
from shopsight.words.segment import STOP_WORDS, Token, search_terms, stem, tokens
from shopsight.words.vocabulary import Vocabulary

__all__ = ["Boost", "Understood", "understand", "understand_negative"]

MAX_REST = 64
"""Terms for full-text search at most, each once; the first ones."""

MAX_CORRECTIONS = 8
"""Unknown words of one text that are taken for typos: each costs a look at the whole catalogue."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text asks for.

    Attributes:
        where: What hits must fit; ``None`` if nothing was asked.
        boosts: What comes first.
        rest: Terms for full-text search, typos corrected, each once.
        excluded: Terms of unwanted things that no value of the catalogue names, to be penalised.
        chips: All that was understood, in the order of the text.
        corrections: Words as written, and as taken.
    """

    where: Filter | None = None
    boosts: tuple[Boost, ...] = ()
    rest: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    chips: tuple[Chip, ...] = ()
    corrections: tuple[tuple[str, str], ...] = ()


def understand(
    text: str, vocabulary: Vocabulary, *, ignore: frozenset[str] = frozenset()
) -> Understood:
    """Read what a shopper wrote.

    Args:
        text: Any text.
        vocabulary: The catalogue's words.
        ignore: Ids of chips that were taken away: their words are searched for like others.
    """
    return _Reading(text, vocabulary, ignore).wanted()


def understand_negative(
    text: str, vocabulary: Vocabulary, *, ignore: frozenset[str] = frozenset()
) -> Understood:
    """Read what a shopper does not want; ``stripes`` and ``without stripes`` mean the same here.

    Args:
        text: Any text.
        vocabulary: The catalogue's words.
        ignore: Ids of chips that were taken away: their words are penalised like others.

    Returns:
        A filter against the values that are named, and all other terms in ``excluded``.
    """
    return _Reading(text, vocabulary, ignore).unwanted()


class _Reading:
    def __init__(self, text: str, vocabulary: Vocabulary, ignore: frozenset[str]) -> None:
        self._text = text
        self._vocabulary = vocabulary
        self._ignore = ignore
        self._fixed: dict[str, str] = {}
        self._typos: dict[int, str] = {}  # place of a token -> its stem as written
        self._tokens = list(self._corrected(parted(tokens(text))))

    def wanted(self) -> Understood:
        mentions = list(MentionReader(self._tokens, self._vocabulary))
        return self._understood(mentions)

    def unwanted(self) -> Understood:
        reader = MentionReader(self._tokens, self._vocabulary, negative=True)
        turned = [
            reader.turned(mention, mention.start, strict=False)
            if mention.kind in {"filter", "boost"}
            else mention
            for mention in reader
        ]
        found = self._understood(turned)
        return replace(found, rest=(), excluded=tuple(dict.fromkeys(found.excluded + found.rest)))

    def _understood(self, mentions: Sequence[Mention]) -> Understood:
        active = [one for one in mentions if one.id and one.id not in self._ignore]
        ignored = [one for one in mentions if one.id and one.id in self._ignore]
        excluded = [self._fixed.get(term, term) for one in active for term in one.terms]
        return Understood(
            where=self._where(active),
            boosts=tuple(dict.fromkeys(boost for one in active for boost in one.boosts)),
            rest=self._rest(mentions, {one.start for one in ignored}),
            excluded=tuple(dict.fromkeys(excluded)),
            chips=(*self._told(active), *self._chips(active)),
            corrections=tuple(self._fixed.items()),
        )

    def _where(self, mentions: Sequence[Mention]) -> Filter | None:
        terms = [one.where for one in mentions if one.where is not None]
        colored = [one for one in mentions if one.kind == "filter" and one.meant is not None]
        if colored:
            terms.append(self._colored(colored))
        return all_of(list(dict.fromkeys(terms)))

    def _colored(self, mentions: Sequence[Mention]) -> Filter:
        """Several colours: products that have them all, or else those that have one."""
        held = [one.meant.all for one in mentions if one.meant is not None]
        shared = [value for value in held[0] if all(value in other for other in held[1:])]
        kinds = lexicon().phrases
        either = any("or" in kinds.get(token.text, ()) for token in self._tokens)
        values = (
            shared if shared and not either else dict.fromkeys(v for some in held for v in some)
        )
        colors = [one.color for one in mentions if one.color is not None]
        return ColorWords(self._vocabulary).where(values, colors)

    def _chips(self, mentions: Sequence[Mention]) -> tuple[Chip, ...]:
        return tuple({one.id: self._chip(one) for one in reversed(mentions)}.values())[::-1]

    def _told(self, mentions: Sequence[Mention]) -> Iterator[Chip]:
        """Corrections of words that no other chip shows."""
        shown = {place for one in mentions for place in range(one.start, one.stop)}
        found = {term: at for at, term in reversed(self._typos.items()) if at not in shown}
        for term, at in reversed(found.items()):
            written = self._slice(at, at + 1)
            yield Chip(_correction(term), "correction", "", self._fixed[term], written)

    def _chip(self, mention: Mention) -> Chip:
        text = self._slice(mention.start, mention.stop)
        label = self._label(mention.start, mention.stop)
        kind = "boost" if mention.kind == "filler" else mention.kind
        return Chip(id=mention.id, kind=kind, field=mention.field, label=label, text=text)

    def _label(self, start: int, stop: int) -> str:
        """What was written with typos corrected; Chinese words may stand right before them."""
        parts: list[str] = []
        at = self._tokens[start].start
        for place in range(start, stop):
            token = self._tokens[place]
            if place in self._typos:
                parts += [self._text[at : token.start], self._fixed[self._typos[place]]]
                at = token.stop
        parts.append(self._text[at : self._tokens[stop - 1].stop])
        return " ".join("".join(parts).split())

    def _slice(self, start: int, stop: int) -> str:
        return self._text[self._tokens[start].start : self._tokens[stop - 1].stop]

    def _rest(self, mentions: Sequence[Mention], ignored: Iterable[int]) -> tuple[str, ...]:
        plain = [True] * len(self._tokens)
        back = set(ignored)
        for one in mentions:
            if not one.keeps and one.start not in back:
                plain[one.start : one.stop] = [False] * (one.stop - one.start)
        found: dict[str, None] = {}
        start = 0
        while start < len(plain):
            stop = start + 1
            while stop < len(plain) and plain[stop] == plain[start]:
                stop += 1
            if plain[start]:
                for term in search_terms(self._slice(start, stop)):
                    found.update(dict.fromkeys(self._spread(self._fixed.get(term, term))))
            start = stop
        telling = [term for term in found if term not in STOP_WORDS]
        # A book may be called It; but words that lead to others are not looked for.
        kept = telling or ([] if mentions else list(found))
        return tuple(kept[:MAX_REST])

    def _spread(self, term: str) -> Iterator[str]:
        """A Chinese word that the catalogue does not know also by what it is: 双肩包 is a 包."""
        yield term
        known = self._vocabulary.terms
        if len(term) > 1 and is_chinese(term) and term not in known:
            shorter = tuple(term) if len(term) == _PAIR else (term[-1],)
            yield from (char for char in shorter if char in known)

    def _corrected(self, words: Iterable[Token]) -> Iterator[Token]:
        tried: set[str] = set()
        for place, word in enumerate(words):
            term = stem(word.text)
            known = term in self._vocabulary.terms or term in STOP_WORDS
            kept = _correction(term) in self._ignore
            if not (known or kept) and term not in tried and len(tried) < MAX_CORRECTIONS:
                tried.add(term)
                taken = self._vocabulary.corrected(term)
                if taken != term:
                    self._fixed[term] = taken
            if term in self._fixed:
                self._typos[place] = term
            yield replace(word, text=self._fixed.get(term, word.text))


_PAIR = 2


def _correction(term: str) -> str:
    """Id of the chip that tells of a correction."""
    return f"corrected:{term}"
