"""Single values of a feed: availability, article numbers, dates, numbers, links, names.

Every function returns ``None`` (or an empty value) for nothing, and raises :class:`BadValueError`
with a reason for people when something is there that makes no sense.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from datetime import UTC, datetime, time
from decimal import Decimal

from shopsight.catalog.product import Availability


class BadValueError(ValueError):
    """A value makes no sense; the message says why and what to do."""


_AVAILABILITY = {
    Availability.IN_STOCK: (
        "instock available yes true 1 instoreonly onlineonly limitedavailability lowstock "
        "availablefororder auflager "
        "lieferbar enstock disponible 有货 现货 有库存"
    ),
    Availability.OUT_OF_STOCK: (
        "outofstock soldout unavailable no false 0 discontinued notavailable reserved nostock "
        "ausverkauft épuisé "
        "agotado 无货 缺货 售罄"
    ),
    Availability.PREORDER: "preorder presale comingsoon 预售 预订",
    Availability.BACKORDER: "backorder onbackorder backordered madetoorder availablelater",
}
_AVAILABILITY_WORDS = {
    word: state for state, words in _AVAILABILITY.items() for word in words.split()
}
_TRUE = frozenset({"1", "true", "yes", "y", "t", "on", "ja", "oui", "si", "sí", "是"})
_FALSE = frozenset({"0", "-1", "false", "no", "n", "f", "off", "nein", "non", "否"})
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_SEPARATOR = re.compile(r"([,;|\r\n])")
_SCHEME = re.compile(r"(?:https?:)?//|file:|data:", re.IGNORECASE)
_IMAGE_NAME = re.compile(
    r"\.(?:jpe?g|jfif|png|webp|avif|hei[cf]|gif|tiff?|bmp)(?:[?#].*)?$", re.IGNORECASE
)
_NAME_LIMIT = 63
_PLAIN_NAME = re.compile(r"[a-z](?:[a-z0-9]|_(?=[a-z0-9])){0,62}")
_STARS = 5
_GTIN_LENGTHS = (8, 12, 13, 14)
_ISBN_10 = 10
_FEWEST_DIGITS = 6  # of a GTIN-8 that lost its zeros
_MAX_COUNT = 2**31 - 1


def as_text(value: object) -> str:
    """A typed value as a person would write it: ``5.0`` is ``5``, nothing is empty."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return ""
    return str(value).strip()


def parse_availability(value: object) -> Availability | None:
    """State of supply in the spelling of any platform, or a schema.org URL.

    Raises:
        BadValueError: The word is unknown.
    """
    text = as_text(value)
    word = re.sub(r"[\W_]+", "", text.rsplit("/", 1)[-1].rsplit(":", 1)[-1].casefold())
    if not word:
        return None
    try:
        return _AVAILABILITY_WORDS[word]
    except KeyError:
        raise BadValueError(
            f"{text[:60]!r} is no availability; use in_stock, out_of_stock, preorder or backorder"
        ) from None


def parse_gtin(value: object) -> str:
    """A GTIN-8, -12, -13 or -14 with a right check digit (GS1 General Specifications, section 7.9).

    Zeros that a spreadsheet dropped are put back; an ISBN-10 becomes its GTIN-13.

    Raises:
        BadValueError: It is none, or was damaged by a spreadsheet.
    """
    text = re.sub(r"[\s\-\u2010-\u2015'=\"]", "", as_text(value)).removesuffix(".0")
    if not text:
        return ""
    if _SCIENTIFIC.fullmatch(text):
        raise BadValueError(
            f"{text!r} lost its last digits in a spreadsheet; format the column as text "
            "and export again"
        )
    if len(text) == _ISBN_10 and (isbn := _from_isbn10(text)):
        return isbn
    if not (text.isascii() and text.isdigit()):
        raise BadValueError(f"{text[:40]!r} is no GTIN: it must be 8, 12, 13 or 14 digits")
    length = next((length for length in _GTIN_LENGTHS if len(text) <= length), 0)
    if not length or len(text) < _FEWEST_DIGITS or not text.strip("0"):
        raise BadValueError(f"{text[:40]!r} is no GTIN: it must be 8, 12, 13 or 14 digits")
    whole = text.zfill(length)
    if whole[-1] != check_digit(whole[:-1]):
        raise BadValueError(
            f"{text!r} is no GTIN: its check digit should be {check_digit(whole[:-1])}"
        )
    return whole


def check_digit(digits: str) -> str:
    """The GS1 check digit of the digits before it: weights 3, 1, 3 ... from the right, mod 10."""
    total = sum(
        int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))
    )
    return str(-total % 10)


def _from_isbn10(text: str) -> str:
    upper = text.upper()
    if not re.fullmatch(r"\d{9}[\dX]", upper, re.ASCII):
        return ""
    numbers = [10 if digit == "X" else int(digit) for digit in upper]
    if sum(number * weight for number, weight in zip(numbers, range(10, 0, -1), strict=True)) % 11:
        return ""
    return f"978{text[:9]}" + check_digit(f"978{text[:9]}")


def in_force(value: object, now: datetime) -> bool:
    """Whether a moment lies in an ISO 8601 range such as ``2026-01-01T00:00+0100/2026-01-31``.

    A day without a time begins at midnight and is included to its end; without an offset it is UTC;
    either end may be missing. An empty range always holds.

    Raises:
        BadValueError: It is no such range.
    """
    text = as_text(value)
    start_text, _, end_text = (part.strip() for part in text.partition("/"))
    try:
        start = _moment(start_text, time.min)
        end = _moment(end_text, time.max)
    except ValueError as error:
        raise BadValueError(
            f"{text[:60]!r} is no ISO 8601 date range such as 2026-01-01/2026-01-31"
        ) from error
    if start and end and start > end:
        raise BadValueError(f"{text[:60]!r} ends before it begins")
    return (start is None or start <= now) and (end is None or now <= end)


def _moment(text: str, default: time) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if re.fullmatch(r"[\d-]+", text):
        moment = datetime.combine(moment.date(), default)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_truth(value: object) -> bool | None:
    """A truth value as platforms spell it.

    Raises:
        BadValueError: It is none.
    """
    word = as_text(value).casefold()
    if not word:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise BadValueError(f"{word[:40]!r} is neither true nor false")


def parse_count(value: object) -> int | None:
    """A number of things; negative ones (oversold) count as none.

    Raises:
        BadValueError: It is no number, or absurdly large.
    """
    number = parse_number(value)
    if number is None:
        return None
    if number > _MAX_COUNT:
        raise BadValueError(f"{as_text(value)[:40]!r} is too large")
    return max(0, int(number))


def parse_rating(value: object, best: object = None) -> float | None:
    """A mean review, scaled to 0 to 5.

    Args:
        value: Such as ``4.5``, ``4,5`` or ``9/10``.
        best: Best possible rating, 5 when not given.

    Raises:
        BadValueError: It is no number, or outside its scale.
    """
    shown, _, scale = as_text(value).partition("/")
    number = parse_number(shown.strip())
    if number is None:
        return None
    top = (parse_number(scale.strip()) or parse_number(best)) or Decimal(_STARS)
    if not 0 <= number <= top:
        raise BadValueError(f"{as_text(value)[:40]!r} is not between 0 and {top}")
    return round(float(number * _STARS / top), 2)


def parse_number(value: object) -> Decimal | None:
    """A plain number with a decimal point or comma.

    Raises:
        BadValueError: It is none.
    """
    text = as_text(value).replace("\u2212", "-")
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise BadValueError(f"{text[:40]!r} is no number")
    return Decimal(text.replace(",", "."))


def split_links(value: object) -> list[str]:
    """Links of one cell, each once.

    The cell is a list, a JSON list, or text separated by commas, semicolons, bars or lines.
    A separator inside a link does not split it: after an ``http`` link a new one must begin with a
    scheme, and a path ends with the name of a picture.
    """
    if isinstance(value, list | tuple):
        return list(dict.fromkeys(link for item in value if (link := as_text(item))))
    text = as_text(value)
    if text.startswith("["):
        try:
            return split_links(json.loads(text))
        except (ValueError, RecursionError):
            pass
    if text.startswith("data:"):
        return [text]
    if not _SEPARATOR.search(text):
        return [text] if text else []
    parts = _SEPARATOR.split(text)
    named = any(_IMAGE_NAME.search(part.strip()) for part in parts[::2])
    links = [parts[0]]
    for separator, part in zip(parts[1::2], parts[2::2], strict=True):
        if _link_ends(links[-1].strip(), separator, part.strip(), named=named):
            links.append(part)
        else:
            links[-1] += separator + part
    return list(dict.fromkeys(link for item in links if (link := item.strip(" \t,;|"))))


def _link_ends(link: str, separator: str, following: str, *, named: bool) -> bool:
    if not link or separator in "\r\n" or _SCHEME.match(following):
        return True
    if _SCHEME.match(link):
        return separator == "|"
    return separator == "|" or not named or bool(_IMAGE_NAME.search(link))


def attribute_name(text: str) -> str:
    """A column title in the spelling of filters: lower-case snake case, ASCII.

    Accents are dropped; other letters are written as their code points, so that different titles
    stay different.

    Returns:
        1 to 63 characters, or an empty string when the title has no letters or digits.
    """
    if _PLAIN_NAME.fullmatch(text):
        return text
    folded = unicodedata.normalize("NFKD", text.strip().casefold())
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    spelled = "".join(
        letter if letter.isascii() else f"_u{ord(letter):x}_" if letter.isalnum() else "_"
        for letter in plain
    )
    name = re.sub(r"[^a-z0-9]+", "_", spelled).strip("_")
    if name and not name[0].isalpha():
        name = f"n_{name}"
    return name[:_NAME_LIMIT].rstrip("_")


def slug(text: str, limit: int = 60) -> str:
    """Text as a part of an id: letters and digits of any script, lower case, with hyphens."""
    return re.sub(r"[\W_]+", "-", text.casefold()).strip("-")[:limit].rstrip("-")


def short_id(text: str, limit: int = 200) -> str:
    """An id of at most ``limit`` characters: a longer one ends with its hash, to stay unique."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 17]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
