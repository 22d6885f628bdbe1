"""Texts cut up into the terms that full-text search compares, and into words to understand.

Queries and products are cut in the same way, so that each finds the other: ``T-shirts``,
``tshirt`` and ``T SHIRT`` share a term, and so do ``MX-200``, ``mx200`` and ``mx 200``, or 马克杯
in a title and 杯子 in a query. There is no language to choose: scripts decide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import rjieba

from shopsight.catalog.product import Product
from shopsight.words.fields import Role, role

MAX_INDEX_TERMS = 600
"""Terms of a product at most, repeated ones included; the most telling fields come first."""

_STOP_WORDS = """
    a about an and are as at be but by for from has have i in is it its me my of on or our please
    so some that the their them there these they this those to want was we which with you your
    的 了 和 与 或 及 是 在 我 你 它 一 个 一个 这 那 请 要 想 想要 吗 呢 吧 也 都 把 给
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""Words that tell nothing of a product; ``index_terms`` leaves them out of descriptions."""

_LONGEST_TERM = 64
_LONGEST_VALUE = 100
_MAX_PARTS = 4
_HAN = "\u3005\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SYMBOLS = "<>≤≥~%★€$£¥₩₹"
_WORD = rf"[^\s{_HAN}'\-.,{_SYMBOLS}]"
_SHIRT = "t恤"  # half Latin, and a word of everyday Chinese
_HAN_RUN = rf"(?<!{_WORD}){_SHIRT}|[{_HAN}]+"
_COMPOUND = re.compile(
    rf"(?P<han>{_HAN_RUN})|(?P<number>\d+(?:[.,]\d+)+)"
    rf"|(?P<word>{_WORD}+(?:'{_WORD}+)*(?:-{_WORD}+(?:'{_WORD}+)*)*)"
)
_TOKEN = re.compile(
    rf"(?P<han>{_HAN_RUN})|(?P<number>\d+(?:[.,]\d+)*)"
    rf"|(?P<word>(?:(?!\d){_WORD})+(?:'(?:(?!\d){_WORD})+)*)"
    rf"|(?P<symbol>[{_SYMBOLS}]|(?<=\d)-(?=\d))"
)
_RUNS = re.compile(r"\d+|\D+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SAME = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"}
    | dict.fromkeys("\u2018\u2019`", "'")
    | dict.fromkeys("\u2010\u2011\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u301c\uff5e", "~")
    | dict.fromkeys("⭐🌟☆", "★")
)
_KEPT = frozenset("'-.," + _SYMBOLS)
_KEPT_CATEGORIES = frozenset("LNM")
_ACCENTS = re.compile("[\u0300-\u036f]")
_SQUARED_UNITS = range(0x3300, 0x3400)  # such as ㎝, which are symbols to Unicode

_IRREGULAR = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "kids": "kid",
    "feet": "foot",
    "shelves": "shelf",
    "scarves": "scarf",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "cookies": "cookie",
    "movies": "movie",
    "hoodies": "hoodie",
    "ties": "tie",
    "pies": "pie",
    "lens": "lens",
    "lenses": "lens",
    "jeans": "jeans",
}
_SHORTEST_PLURAL = 4
_SUFFIXES = "子色款式型"
"""Characters that make a word of a stem and add nothing to it: 杯子 is 杯, 绿色 is 绿."""
_NAMED_BY_LAST = re.compile(rf".*[{_HAN}](?![{_SUFFIXES}])[{_HAN}]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or telling symbol of a text.

    Attributes:
        text: As compared: lower case without accents; not stemmed. Numbers have a point before
            decimals and nothing between thousands.
        start: Where it begins in the text, in characters.
        stop: Where it ends.
    """

    text: str
    start: int
    stop: int


def tokens(text: str) -> list[Token]:
    """Words in their order, each once and with its place, for understanding what is meant.

    Letters and digits are parted (``40EUR``), as are the words of a compound. Of symbols, only
    those of currency and comparison are kept, with stars, and hyphens between numbers.
    """
    folded, places = _fold(text)
    found: list[Token] = []
    for match in _TOKEN.finditer(folded):
        start = match.start()
        whole = not match["han"] or match[0] == _SHIRT
        for piece in (match[0],) if whole else rjieba.cut(match[0]):
            stop = start + len(piece)
            known = _number(piece) if match["number"] else piece
            found.append(Token(known[:_LONGEST_TERM], places[start], places[stop - 1] + 1))
            start = stop
    return found


def search_terms(text: str) -> list[str]:
    """Terms to look for, in the order of the text, as often as they occur.

    Only letters, digits and, inside numbers, points: no term has white space. Words are in lower
    case, without accents, in the singular. Words joined by hyphens are found apart and together, as
    are letters and digits of a model number. Chinese words come with the shorter words in them, and
    those that end in 子, 色, 款, 式 or 型 with what stands before it.
    """
    return list(_terms(text))


def index_terms(product: Product, printed: str = "") -> list[str]:
    """Terms a product is found by; how often one occurs is its weight.

    The title (in any language) counts three times; brand, type, article numbers, colour, material
    and pattern twice; descriptions, the public category and all other texts once. Where words
    count more than once, those in Chinese also give their last character, which names the kind of
    thing: 马克杯 is a 杯.

    Args:
        product: The product.
        printed: Words on pictures of it; they count once, and where there is room.
    """
    texts = sorted(_texts(product), key=lambda weighted: -weighted[1])
    texts.append((printed, 1))
    found: list[str] = []
    for text, weight in texts:
        # Brands, types and values recur from product to product.
        terms = list(_value_terms(text) if len(text) <= _LONGEST_VALUE else _terms(text))
        if weight > 1:
            terms.extend([term[-1] for term in terms if _NAMED_BY_LAST.fullmatch(term)])
        else:
            terms = [term for term in terms if term not in STOP_WORDS]
        room = (MAX_INDEX_TERMS - len(found)) // weight
        found.extend(terms[:room] * weight)
    return found


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The singular of an English word in lower case; anything else as it is."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or not word.isascii():
        return word
    if word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


@lru_cache(maxsize=16_384)
def _value_terms(text: str) -> tuple[str, ...]:
    return tuple(_terms(text))


def _texts(product: Product) -> Iterator[tuple[str, int]]:
    yield product.title, 3
    for text in (product.brand, product.product_type, product.id, product.mpn, product.gtin):
        yield text, 2
    yield product.description, 1
    yield product.google_product_category, 1
    weights = {Role.TITLE: 3, Role.DESCRIPTION: 1, Role.OTHER: 1}
    for name, value in product.attributes.items():
        for text in value if isinstance(value, list) else (str(value),):
            if not isinstance(value, bool | int | float) and "://" not in text:
                yield text, weights.get(role(name), 2)


def _terms(text: str) -> Iterator[str]:
    for chunk in text.translate(_foldings()).split():
        word = chunk.strip(".,'-")
        if word.isascii() and word.isalpha():  # nearly all of them
            yield stem(word[:_LONGEST_TERM])
        else:
            yield from _parts(word)


def _parts(chunk: str) -> Iterator[str]:
    for match in _COMPOUND.finditer(chunk):
        if match["han"]:
            yield from _chinese(match["han"])
        elif match["number"]:
            yield _number(match["number"])
        elif match["word"].isalpha():
            yield stem(match["word"][:_LONGEST_TERM])
        else:
            yield from _compound(match["word"].split("-"))


def _compound(parts: list[str]) -> Iterator[str]:
    words = [part.removesuffix("'s").replace("'", "") for part in parts]
    for word in words:
        # The t of T-shirt tells nothing; a size M that stands alone does.
        if len(words) == 1 or len(word) > 1 or word.isdigit():
            yield from _word(word)
    joined = "".join(words)
    if 1 < len(words) < _MAX_PARTS and not joined.isdigit():
        yield stem(joined)[:_LONGEST_TERM]


def _word(word: str) -> Iterator[str]:
    word = word[:_LONGEST_TERM]
    if word.isalpha() or word.isdigit():
        yield stem(word)
        return
    runs = _RUNS.findall(word)
    yield word
    if 1 < len(runs) <= _MAX_PARTS:
        yield from runs


def _chinese(run: str) -> Iterator[str]:
    for term in (run,) if run == _SHIRT else rjieba.cut_for_search(run):
        yield term[:_LONGEST_TERM]
        if len(term) > 1 and term[-1] in _SUFFIXES:
            yield term[:-1]


def _number(text: str) -> str:
    plain = text.replace(",", "" if _THOUSANDS.fullmatch(text) else ".")
    return plain.rstrip("0").removesuffix(".") if plain.count(".") == 1 else plain


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """The text as compared, and for each of its characters the place it came from."""
    folded = text.translate(_foldings())
    if text.isascii():
        return folded, range(len(text))
    places = [place for place, char in enumerate(text) for _ in _foldings()[ord(char)]]
    return folded, places


class _Foldings(dict[int, str]):
    """What becomes of each character that was met, by code point."""

    def __missing__(self, code: int) -> str:
        self[code] = _folded(chr(code))
        return self[code]


@cache
def _foldings() -> _Foldings:
    return _Foldings()


def _folded(char: str) -> str:
    """What becomes of a character: several ones, one, a space that parts words, or nothing."""
    char = char.translate(_SAME)
    category = unicodedata.category(char[0])
    if char[0] in _KEPT:
        return char
    if category == "Cf":  # joiners, soft hyphens, marks of direction: within words
        return "" if char != "\u200b" else " "
    if category[0] not in _KEPT_CATEGORIES and ord(char[0]) not in _SQUARED_UNITS:
        full = unicodedata.normalize("NFKC", char)
        return full if full in _KEPT else " "
    if category == "Me" or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""  # what dresses up emoji
    apart = _ACCENTS.sub("", unicodedata.normalize("NFKD", char).casefold())
    return "".join(map(_plain, unicodedata.normalize("NFC", apart.translate(_SAME))))


def _plain(char: str) -> str:
    if unicodedata.category(char) == "Nd":
        return str(unicodedata.decimal(char))
    if char in _KEPT or unicodedata.category(char)[0] in _KEPT_CATEGORIES:
        return char
    return " "
