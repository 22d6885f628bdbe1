"""Amounts in words: ``under 40 EUR``, ``40欧元以下``, ``at least 4 stars``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from shopsight.index.filters import And, Compare, Filter, Op
from shopsight.words.lexicon import is_chinese, key, lexicon
from shopsight.words.segment import Token

ABOUT = 0.2
"""Share of an amount by which ``about`` may be missed."""

MOST_STARS = 5
_LONGEST_NUMBER = 12
_OPS = {"lt": Op.LT, "le": Op.LE, "gt": Op.GT, "ge": Op.GE}


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount that was read.

    Attributes:
        stop: Number of the token after it.
        bounds: Comparisons that hold, such as ``(Op.LT, 40)``; none if nothing compares it.
        value: The amount itself; of a range, its lower end.
        currencies: ISO codes that are meant; empty where none is named.
    """

    stop: int
    bounds: tuple[tuple[Op, float], ...]
    value: float
    currencies: frozenset[str] = frozenset()

    def where(self, field: str) -> Filter | None:
        """The comparisons of a field, but for the currency."""
        terms = tuple(Compare(field, op, _plain(value)) for op, value in self.bounds)
        return None if not terms else terms[0] if len(terms) == 1 else And(terms)

    def name(self) -> str:
        """The bounds in short, for ids: ``<40``, ``>=20<=30``."""
        return "".join(f"{op.value}{_plain(value)}" for op, value in self.bounds)


@dataclass(frozen=True, slots=True)
class _Money:
    stop: int
    value: float
    named: bool
    currencies: frozenset[str]


def price(words: Sequence[Token], start: int) -> Amount | None:
    """The price that begins at a word, if one does.

    An amount is a price if it has a currency, or a word before or after it that compares it and no
    unit of something else.
    """
    at = _after(words, start, {"price"}) or start
    before = _comparison(words, at, "before.")
    if before is None and at > start:
        return price(words, at) if at < len(words) and _number(words, at) is not None else None
    if before is None:
        return _unprefixed(words, start)
    at, kinds = before
    money = _money(words, at)
    if money is None:
        return None
    if "between" in kinds and (span := _range(words, money, opened=True)) is not None:
        return span
    kind = next((name for name in kinds if name != "between"), None)
    if kind is None or not (money.named or _bare(words, start, at, money.stop)):
        return None
    closing = _comparison(words, money.stop, "after.")
    stop = closing[0] if closing and kind in closing[1] else money.stop
    return Amount(stop, _bounds(kind, money.value), money.value, money.currencies)


def rating(words: Sequence[Token], start: int) -> Amount | None:
    """The mean review that begins at a word, in stars, if one does."""
    at = _after(words, start, {"stars"})
    before = _comparison(words, at or start, "before.")
    number_at = before[0] if before else at or start
    value = _number(words, number_at, numerals=True)
    if value is None or value > MOST_STARS:
        return None
    stop = number_at + 1
    starred = _after(words, stop, {"stars"})
    if starred is None and at is None:
        return None
    stop = starred or stop
    half = starred is not None and stop < len(words) and words[stop].text == "半"
    if half:
        value, stop = value + 0.5, stop + 1
    after = _comparison(words, stop, "after.")
    if not (before or after or half) and is_chinese(words[number_at].text):
        return None  # 三星 alone is the name of a maker
    kinds = (before or after or (0, frozenset({"ge"})))[1]
    kind = next((name for name in _OPS if name in kinds), "ge")
    return Amount(after[0] if after else stop, ((_OPS[kind], value),), value)


def parted(words: Iterable[Token]) -> Iterator[Token]:
    """The words, with 四星 in two."""
    for word in words:
        if len(word.text) > 1 and word.text[0] in lexicon().numerals and word.text[1] == "星":
            middle = min(word.start + 1, word.stop - 1)
            yield Token(word.text[0], word.start, middle)
            yield Token(word.text[1:], middle, word.stop)
        else:
            yield word


def _unprefixed(words: Sequence[Token], start: int) -> Amount | None:
    money = _money(words, start)
    if money is None:
        return None
    span = _range(words, money)
    if span is not None:
        return span
    after = _comparison(words, money.stop, "after.")
    if after is not None:
        said = key(words[money.stop : after[0]])
        if money.named or ((is_chinese(said) or " " in said) and not _vague(said)):
            kind = next(name for name in after[1] if name != "between" or len(after[1]) == 1)
            bounds = _bounds(kind, money.value)
            return Amount(after[0], bounds, money.value, money.currencies) if bounds else None
    if not money.named:
        return None
    return Amount(money.stop, (), money.value, money.currencies)


def _range(words: Sequence[Token], low: _Money, *, opened: bool = False) -> Amount | None:
    """From an amount to another one, if it goes on like that."""
    dash = low.stop < len(words) and words[low.stop].text == "-"
    at = low.stop + 1 if dash else _after(words, low.stop, {"to"})
    high = _money(words, at) if at is not None else None
    if high is None:
        return None
    after = _comparison(words, high.stop, "after.")
    closed = after is not None and "between" in after[1]
    if not (opened or closed or low.named or high.named):
        return None
    ends = sorted((low.value, high.value))
    stop = after[0] if after is not None and closed else high.stop
    bounds = ((Op.GE, ends[0]), (Op.LE, ends[1]))
    return Amount(stop, bounds, ends[0], low.currencies | high.currencies)


def _money(words: Sequence[Token], start: int) -> _Money | None:
    currencies = lexicon().currencies
    found: list[frozenset[str]] = []
    at = start
    if (leading := _currency(words, at)) is not None:
        at = leading
        found.append(currencies[key(words[start:at])])
    value = _number(words, at)
    if value is None:
        return None
    at += 1
    if (trailing := _currency(words, at)) is not None:
        found.append(currencies[key(words[at:trailing])])
        at = trailing
    elif not found and _after(words, at, {"units"}) is not None:
        return None
    return _Money(at, value, bool(found), frozenset().union(*found))


def _currency(words: Sequence[Token], start: int) -> int | None:
    for length in (2, 1):
        if start + length <= len(words):
            phrase = key(words[start : start + length])
            if phrase in lexicon().currencies:
                return start + length
    return None


def _number(words: Sequence[Token], at: int, *, numerals: bool = False) -> float | None:
    if at >= len(words):
        return None
    text = words[at].text
    if numerals and text in lexicon().numerals:
        return float(lexicon().numerals[text])
    if len(text) > _LONGEST_NUMBER or text.count(".") > 1 or not text.replace(".", "").isdecimal():
        return None
    return float(text)


def _bare(words: Sequence[Token], start: int, at: int, stop: int) -> bool:
    """Whether a number without currency is a price, by the word before it and what follows."""
    said = key(words[start:at])
    if _vague(said) or "before.about" in _kinds(said):
        return False
    if "before.lt" in _kinds(said) or is_chinese(said) or stop >= len(words):
        return True
    return bool(_kinds(key(words[stop : stop + 1])))


def _comparison(
    words: Sequence[Token], start: int, prefix: str
) -> tuple[int, frozenset[str]] | None:
    for length in range(lexicon().longest, 0, -1):
        if start + length <= len(words):
            kinds = {
                name.removeprefix(prefix)
                for name in _kinds(key(words[start : start + length]))
                if name.startswith(prefix)
            }
            if kinds:
                return start + length, frozenset(kinds)
    return None


def _after(words: Sequence[Token], start: int, kinds: set[str]) -> int | None:
    for length in range(3, 0, -1):
        if start + length <= len(words) and not kinds.isdisjoint(
            _kinds(key(words[start : start + length]))
        ):
            return start + length
    return None


def _kinds(phrase: str) -> frozenset[str]:
    return lexicon().phrases.get(phrase, frozenset())


def _vague(phrase: str) -> bool:
    return "vague" in _kinds(phrase)


def _bounds(kind: str, value: float) -> tuple[tuple[Op, float], ...]:
    if kind == "about":
        return (Op.GE, round(value * (1 - ABOUT), 2)), (Op.LE, round(value * (1 + ABOUT), 2))
    return ((_OPS[kind], value),) if kind in _OPS else ()


def _plain(value: float) -> float:
    return int(value) if value.is_integer() else value
