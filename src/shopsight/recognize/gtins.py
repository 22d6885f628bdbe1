"""Numbers of articles (GTIN) in the ways that packages and catalogues write them."""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from shopsight.catalog.values import BadValueError, parse_gtin

_LENGTH = 14
_LENGTHS = (14, 13, 12, 8)

_ELEMENT = re.compile(r"^\(01\)(\d{14})")
"""GS1 element string, as people read it: application identifier 01 comes first."""


def gtin14(text: str) -> str:
    """A number with a right check digit as GTIN-14; empty if it is none.

    Args:
        text: GTIN-8, -12 (UPC-A), -13 (EAN-13) or -14, as digits.
    """
    digits = text.strip()
    if len(digits) not in _LENGTHS or not (digits.isascii() and digits.isdigit()):
        return ""
    try:
        return parse_gtin(digits).zfill(_LENGTH)
    except BadValueError:
        return ""


def spellings(gtin: str) -> tuple[str, ...]:
    """All lengths in which a catalogue may write a GTIN-14: leading zeros mean nothing."""
    zeros = len(gtin) - len(gtin.lstrip("0"))
    return tuple(gtin[-length:] for length in _LENGTHS if len(gtin) - length <= zeros)


def gtin_in_code(text: str) -> str:
    """The GTIN-14 that a two-dimensional code carries; empty if it carries none.

    Understood are GS1 element strings, ``(01)09506000134352(10)ABC``, and GS1 Digital Link,
    ``https://brand.example/01/09506000134352?17=...`` (GS1 Digital Link URI Syntax 1.4).
    """
    element = _ELEMENT.match(text)
    if element:
        return gtin14(element[1])
    link = web_link(text)
    if not link:
        return gtin14(text)
    parts = [unquote(part) for part in urlsplit(link).path.split("/")]
    for name, value in pairwise(parts):
        if name in {"01", "gtin"} and (found := gtin14(value)):
            return found
    return ""


def web_link(text: str) -> str:
    """A code's text if it is a web address; else empty."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    return text.strip() if parts.scheme.lower() in {"http", "https"} and parts.netloc else ""


def page(link: str) -> str:
    """Host and path of a link, which say what page it is: the rest is how one came there."""
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return ""
    host = parts.netloc.lower().removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}" if host else ""
