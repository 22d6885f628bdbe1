"""Places of a query that mean more than their words: values, amounts, states, and what joins them.

A query is read from left to right. At each word the longest phrase that means something is taken;
what no phrase covers are plain words, for full-text search.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shopsight.index.filters import And, Compare, Filter, In, Not, Op
from shopsight.words import amounts
from shopsight.words.colors import MAX_VALUES, ColorWords, any_of
from shopsight.words.fields import Role
from shopsight.words.lexicon import Color, is_chinese, key, lexicon
from shopsight.words.lookup import LONGEST_PHRASE, Named, concept
from shopsight.words.palette import Meant
from shopsight.words.segment import STOP_WORDS, Token
from shopsight.words.vocabulary import Vocabulary

_WEIGHTS = {Role.COLOR: 0.5, Role.MATERIAL: 0.5, Role.PATTERN: 0.5, Role.OTHER: 0.3}
_CATEGORY_WEIGHT = 0.5
_BRAND_WEIGHT = 0.5
_ABOUT_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Boost:
    """Products that come first.

    Attributes:
        where: Which ones.
        weight: How much it counts, 0 to 1; 1 for what the query names as its main wish.
        chip: Id of the chip that shows it.
    """

    where: Filter
    weight: float
    chip: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A place of a query and what it means.

    Attributes:
        start: Number of its first token.
        stop: Number of the token after it.
        kind: As of a chip; ``filler`` for words that only lead to others.
        id: Id of its chip; empty for fillers.
        field: Field it is about.
        where: What hits must fit. For colours it is to be made of ``meant``, since several colours
            of a query belong together.
        boosts: What comes first.
        color: The colour that is mentioned.
        meant: The catalogue's values of that colour.
        terms: Words to penalise, where no value says what is unwanted.
        keeps: Whether its words are looked for as well.
        leads: Of a filler, whether a colour is to follow, as after ``in``.
    """

    start: int
    stop: int
    kind: Literal["filter", "boost", "exclude", "filler"]
    id: str = ""
    field: str = ""
    where: Filter | None = None
    boosts: tuple[Boost, ...] = ()
    color: Color | None = None
    meant: Meant | None = None
    terms: tuple[str, ...] = ()
    keeps: bool = False
    leads: bool = False


class MentionReader:
    """Finds what the words of one query mention.

    Args:
        words: Its tokens, typos corrected.
        vocabulary: The catalogue's words.
        negative: Whether all that is mentioned is unwanted.
    """

    def __init__(
        self, words: Sequence[Token], vocabulary: Vocabulary, *, negative: bool = False
    ) -> None:
        self._words = words
        self._vocabulary = vocabulary
        self._negative = negative
        self._colors = ColorWords(vocabulary)
        self._lexicon = lexicon()

    def __iter__(self) -> Iterator[Mention]:
        """Mentions in their order, without overlap."""
        at, led = 0, False
        while at < len(self._words):
            found = self._mention(at, led)
            if found is None:
                led = led and self._words[at].text in STOP_WORDS
                at += 1
                continue
            if isinstance(found, Mention):
                found = [found]
            yield from found
            at = found[-1].stop
            led = found[-1].leads

    def _mention(self, at: int, led: bool) -> Mention | list[Mention] | None:
        amount = self._amount(at)
        if amount is not None:
            return amount
        for stop in range(min(len(self._words), at + LONGEST_PHRASE), at, -1):
            phrase = key(self._words[at:stop])
            value = self._value(at, stop, phrase, led)
            if value is not None:
                return value
            kinds = self._lexicon.phrases.get(phrase, frozenset())
            if "not" in kinds:
                unwanted = self._unwanted(at, stop, strict="strict" in kinds)
                if unwanted:
                    return unwanted
            state = self._state(at, stop, kinds)
            if state is not None:
                return state
            if not kinds.isdisjoint({"in", "filler"}) and not self._sought(phrase, kinds):
                last = self._lexicon.phrases.get(key(self._words[stop - 1 : stop]), frozenset())
                leads = led or "in" in kinds or "in" in last or phrase.endswith("but")
                return Mention(at, stop, "filler", leads=leads)
        return None

    def _sought(self, phrase: str, kinds: frozenset[str]) -> bool:
        """Whether a word that mostly leads to others is one of the catalogue's own."""
        known = phrase in self._vocabulary.terms and phrase not in STOP_WORDS
        return known and "in" not in kinds

    def _amount(self, at: int) -> Mention | None:
        present = self._vocabulary.present
        stars = amounts.rating(self._words, at) if present.get("rating") else None
        if stars is not None:
            name = f"rating:{stars.name()}"
            return self._said(at, stars.stop, "rating", name, stars.where("rating"))
        price = amounts.price(self._words, at) if present.get("price") else None
        if price is None:
            return None
        where = price.where("price")
        if where is not None:
            currency = self._currency(price.currencies)
            named = f"price:{price.name()}"
            if currency is not None:
                where = And((where, currency))
                named += "".join(f":{code}" for code in sorted(price.currencies))
            return self._said(at, price.stop, "price", named, where)
        low, high = (price.value * share for share in (1 - amounts.ABOUT, 1 + amounts.ABOUT))
        near = And((Compare("price", Op.GE, low), Compare("price", Op.LE, high)))
        named = f"price:~{price.value:g}"
        boosts = (Boost(near, _ABOUT_WEIGHT, named),)
        return Mention(at, price.stop, "boost", named, "price", boosts=boosts)

    def _currency(self, named: frozenset[str]) -> Filter | None:
        held = self._vocabulary.fields.get("currency")
        known = set(held.values) if held else set()
        if not named or known <= named:
            return None
        # A dollar of the shop's own kind is meant, where it has one.
        return In("currency", tuple(sorted(named & known or named)))

    def _said(self, start: int, stop: int, field: str, name: str, where: Filter | None) -> Mention:
        return Mention(start, stop, "filter", name, field, where=where)

    def _state(self, at: int, stop: int, kinds: frozenset[str]) -> Mention | None:
        if "availability" in kinds:
            if "availability" in self._vocabulary.fields:
                where = Compare("availability", Op.EQ, "in_stock")
                return self._said(at, stop, "availability", "availability:in_stock", where)
            if self._vocabulary.present.get("stock"):
                where = Compare("stock", Op.GT, 0)
                return self._said(at, stop, "stock", "stock:>0", where)
        if "sale" in kinds and self._vocabulary.present.get("on_sale"):
            where = Compare("on_sale", Op.EQ, True)
            return self._said(at, stop, "on_sale", "on_sale:true", where)
        return None

    def _value(self, at: int, stop: int, phrase: str, led: bool) -> Mention | None:
        color = self._color(at, stop, phrase, led)
        if color is not None:
            return color
        named = self._vocabulary.lookup.named(phrase)
        brands = self._vocabulary.lookup.brands.get(phrase)
        if brands:
            where = In("brand", tuple(sorted(brands)[:MAX_VALUES]))
            name = f"brand:{phrase}"
            if named or self._lexicon.knows(phrase) or phrase in STOP_WORDS:
                soft = (Boost(where, _BRAND_WEIGHT, name),)
                return Mention(at, stop, "boost", name, "brand", boosts=soft, keeps=True)
            return Mention(at, stop, "filter", name, "brand", where=where)
        idea = concept(phrase)
        named = named or (self._vocabulary.lookup.named(idea) if idea else [])
        if not named:
            return None
        name = f"{named[0].field}:{idea or phrase}"
        boosts = tuple(_boost(meaning, name) for meaning in named)
        return Mention(at, stop, "boost", name, named[0].field, boosts=boosts, keeps=True)

    def _color(self, at: int, stop: int, phrase: str, led: bool) -> Mention | None:
        color = self._colors.color(phrase)
        following = key(self._words[stop : stop + 1])
        if color is None or f"{phrase} {following}" in self._vocabulary.names:
            return None
        found = self._colors.meant(color)
        name = f"color:{color.name}"
        named = [_boost(meaning, name) for meaning in self._vocabulary.lookup.named(phrase)]
        if not found.all:
            titled = self._colors.titled(color)
            if titled is None:
                return None
            named.append(Boost(titled, _WEIGHTS[Role.COLOR], name))
            return Mention(at, stop, "boost", name, "title", boosts=tuple(named), keeps=True)
        field = found.all[0].field
        preferred = [
            Boost(self._colors.where(values), weight, name)
            for values, weight in ((found.main, 1.0), (found.exact, 0.5))
            if values and (values is found.main or values != found.main)
        ]
        if color.weak and not (self._negative or self._asked(stop, phrase, led)):
            return Mention(
                at,
                stop,
                "boost",
                name,
                field,
                boosts=(*preferred, *named),
                keeps=True,
                color=color,
                meant=found,
            )
        hard = tuple(preferred)
        if led and found.main:  # "in black" does not mean white with a black rim
            found = replace(found, all=found.main)
        return Mention(at, stop, "filter", name, field, boosts=hard, color=color, meant=found)

    def _asked(self, stop: int, phrase: str, led: bool) -> bool:
        """Whether the words around say that a word with several meanings is a colour."""
        after = self._lexicon.phrases.get(key(self._words[stop : stop + 1]), frozenset())
        if is_chinese(phrase):
            return led and (stop == len(self._words) or "filler" in after)
        return led or key(self._words[stop : stop + 1]) in {
            "coloured",
            "colored",
            "colour",
            "color",
        }

    def _unwanted(self, at: int, start: int, *, strict: bool) -> list[Mention]:
        """What a negation is about: the next value, and those joined to it; or the next word."""
        found: list[Mention] = []
        first, begin = at, start
        while (begin := self._skip(begin)) < len(self._words):
            value = self._next_value(begin)
            if value is None:
                if not found:
                    found.append(self._unwanted_word(first, begin))
                break
            found.append(self.turned(value, first, strict=strict))
            joined = self._lexicon.phrases.get(
                key(self._words[value.stop : value.stop + 1]), frozenset()
            )
            if joined.isdisjoint({"and", "or"}) or self._next_value(value.stop + 1) is None:
                break
            first = begin = value.stop + 1
        return found

    def _skip(self, at: int) -> int:
        while at < len(self._words) and (
            self._words[at].text in STOP_WORDS
            or "in" in self._lexicon.phrases.get(key(self._words[at : at + 1]), frozenset())
        ):
            at += 1
        return at

    def _next_value(self, at: int) -> Mention | None:
        amount = self._amount(at)
        if amount is not None:
            return amount
        for stop in range(min(len(self._words), at + LONGEST_PHRASE), at, -1):
            value = self._value(at, stop, key(self._words[at:stop]), led=True)
            if value is not None:
                return value
        return None

    def _unwanted_word(self, first: int, at: int) -> Mention:
        term = key(self._words[at : at + 1])
        return Mention(first, at + 1, "exclude", f"not:{term}", "", terms=(term,))

    def turned(self, value: Mention, first: int, *, strict: bool) -> Mention:
        """A mention of something wanted as one of something unwanted.

        Args:
            value: It.
            first: Where its words begin, the negation included.
            strict: Whether a colour is unwanted even as a minor one.
        """
        where = value.where
        if value.meant is not None:
            some = value.meant.all if strict else value.meant.main or value.meant.all
            where = self._colors.where(some)
        elif where is None:
            idea = value.id.partition(":")[2]
            titled = self._colors.in_titles(self._spellings(idea))
            where = any_of([*(boost.where for boost in value.boosts), *titled])
        name = f"not:{value.id}"
        return Mention(first, value.stop, "exclude", name, value.field, where=Not(where))

    def _spellings(self, idea: str) -> list[str]:
        tables = (self._lexicon.patterns, self._lexicon.materials)
        return [phrase for table in tables for phrase, name in table.items() if name == idea]


def _boost(meaning: Named, chip: str) -> Boost:
    category = meaning.field == "product_type"
    weight = _CATEGORY_WEIGHT if category else _WEIGHTS[meaning.role]
    return Boost(In(meaning.field, meaning.values[:MAX_VALUES]), weight, chip)
