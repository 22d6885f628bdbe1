"""Prices as feeds write them: ``14.90 EUR``, ``€1.299,00``, ``1 299,00 kr``, 14.9."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from price_parser import Price as FoundPrice

from shopsight.catalog.product import Price
from shopsight.catalog.values import BadValueError

_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN
    BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD
    FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD
    JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG
    QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER
    ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
"""ISO 4217 codes of money in use."""

_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_CURRENCY_OF_SYMBOL: Mapping[str, str] = {
    "€": "EUR",
    "euro": "EUR",
    "£": "GBP",
    "US$": "USD",
    "$": "USD",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "NT$": "TWD",
    "S$": "SGD",
    "MX$": "MXN",
    "R$": "BRL",
    "zł": "PLN",
    "Zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "₽": "RUB",
    "\u0440\u0443\u0431": "RUB",  # rub, in Cyrillic letters
    "\u0440\u0443\u0431.": "RUB",
    "\u0440.": "RUB",
    "₴": "UAH",
    "грн": "UAH",
    "грн.": "UAH",
    "₹": "INR",
    "₺": "TRY",
    "₪": "ILS",
    "₩": "KRW",
    "₫": "VND",
    "₱": "PHP",
    "฿": "THB",
    "₦": "NGN",
    "₸": "KZT",
    "лв": "BGN",
    "лв.": "BGN",
    "lei": "RON",
    "Rp": "IDR",
    "RM": "MYR",
    "CN¥": "CNY",
    "元": "CNY",
    "円": "JPY",
    "원": "KRW",
}
_SHARED_SYMBOLS: Mapping[str, frozenset[str]] = {
    "$": frozenset(code for code in CURRENCIES if code.endswith("D"))
    | {"MXN", "ARS", "CLP", "COP"},
    "£": frozenset({"GBP", "EGP", "LBP", "GIP", "FKP", "SHP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "￥": frozenset({"JPY", "CNY"}),
    "kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "kr.": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "Kr": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "Kr.": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "Rs": frozenset({"INR", "PKR", "LKR", "NPR", "MUR"}),
    "₨": frozenset({"INR", "PKR", "LKR", "NPR", "MUR"}),
    "lei": frozenset({"RON", "MDL"}),
}
"""Symbols of several currencies: the default currency decides where it is one of them."""

_USUAL = re.compile(r"(\d{1,10}(?:\.\d{1,4})?) ?([A-Z]{3})")
_CODE = re.compile(r"(?<![^\W\d_])([A-Za-z]{3})(?![^\W\d_])")
_GROUP_GAP = re.compile(r"(?<=\d)[\s'\u2019\u02bc](?=\d{3}(?!\d))")
_ROUND_MARK = re.compile(r"[.,]\s*[-\u2013\u2014=]+$")  # 14,- is 14
_SYMBOL_REST = re.compile(r"^[.:]\s+")  # of an abbreviation, as in Rs. 500
_GROUPS = re.compile(r"\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}")
_MAX_DIGITS = 10
_DECIMALS = 4
_GROUP = 3


class NoCurrencyError(BadValueError):
    """A price does not say its currency."""


def parse_price(
    value: object, default_currency: str | None = None, *, decimal_point: str = ""
) -> Price | None:
    """A price.

    Args:
        value: Text, a number, or a mapping with ``value`` (or ``amount``) and ``currency``.
        default_currency: ISO 4217 code for a price that names none, and where a symbol is shared by
            several.
        decimal_point: ``.`` or ``,`` where the format prescribes it. Otherwise a single mark before
            exactly three digits groups thousands (``1.299`` is 1299), except in currencies with
            three decimals and after a zero.

    Returns:
        The price, rounded to 4 decimals; ``None`` when there is none.

    Raises:
        NoCurrencyError: No currency is named and there is no default.
        BadValueError: It is no price, negative, or has more than 10 digits before the decimals.
    """
    if isinstance(value, Mapping):
        amount = next(
            (value[key] for key in ("value", "amount", "price") if value.get(key) is not None), None
        )
        currency = value.get("currency") or value.get("currencyCode") or value.get("currency_code")
        return parse_price(
            amount,
            str(currency).upper() if currency else default_currency,
            decimal_point=decimal_point,
        )
    if isinstance(value, str):
        return _from_text(value.strip(), default_currency, decimal_point)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadValueError(f"{str(value)[:40]!r} is no price")
    return _price(Decimal(str(value)), default_currency, str(value))


def _from_text(text: str, default: str | None, decimal_point: str) -> Price | None:
    if not text:
        return None
    usual = _USUAL.fullmatch(text)
    if (
        usual
        and usual[2] in CURRENCIES
        and not ("." in usual[1] and _ambiguous(usual[1], decimal_point, usual[2]))
    ):
        return Price(amount=Decimal(usual[1]), currency=usual[2])
    currency, rest = _take_currency(text, default)
    return _price(_number(rest, text, decimal_point, currency), currency, text)


def _ambiguous(number: str, decimal_point: str, currency: str) -> bool:
    whole, _, after = number.partition(".")
    return (
        len(after) == _GROUP
        and not decimal_point
        and currency not in _THREE_DECIMALS
        and whole != "0"
    )


def _price(amount: Decimal, currency: str | None, text: str) -> Price:
    if not amount.is_finite():
        raise BadValueError(f"{text[:40]!r} is no price")
    if amount < 0:
        raise BadValueError(f"{text[:40]!r} is negative")
    if amount >= 10**_MAX_DIGITS:
        raise BadValueError(f"{text[:40]!r} has more than {_MAX_DIGITS} digits")
    if currency is None:
        raise NoCurrencyError(
            f"{text[:40]!r} names no currency; give the feed's currency, such as --currency EUR"
        )
    if currency not in CURRENCIES:
        raise BadValueError(f"{currency[:20]!r} is no currency code of ISO 4217, such as EUR")
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and (exponent < -_DECIMALS or exponent > 0):
        amount = round(amount, _DECIMALS if exponent < 0 else 0)
    return Price(amount=amount, currency=currency)


def _take_currency(text: str, default: str | None) -> tuple[str | None, str]:
    """The currency, and the text without it."""
    codes = {code for match in _CODE.findall(text) if (code := match.upper()) in CURRENCIES}
    if len(codes) > 1:
        raise BadValueError(f"{text[:40]!r} names more than one currency")
    rest = (
        _CODE.sub(lambda match: "" if match[1].upper() in CURRENCIES else match[0], text)
        if codes
        else text
    )
    symbol = _symbol(rest)
    rest = rest.replace(symbol, " ").strip() if symbol else rest.strip()
    if codes:
        return codes.pop(), rest
    if not symbol:
        return default, rest
    shared = _SHARED_SYMBOLS.get(symbol, frozenset())
    if default in shared:
        return default, rest
    currency = _CURRENCY_OF_SYMBOL.get(symbol)
    if currency is None and shared:
        raise NoCurrencyError(
            f"{text[:40]!r} could be {' or '.join(sorted(shared))}; say which with --currency, "
            f"such as --currency {min(shared)}"
        )
    return currency or symbol, rest


def _symbol(text: str) -> str:
    """The currency symbol in the text as written there, or an empty string."""
    found = FoundPrice.fromstring(text).currency or ""
    if found in _CURRENCY_OF_SYMBOL or found in _SHARED_SYMBOLS:
        return found
    return next((symbol for symbol in ("元", "円", "원", "￥") if symbol in text), found)


def _number(text: str, whole_text: str, decimal_point: str, currency: str | None) -> Decimal:
    text = _ROUND_MARK.sub("", _SYMBOL_REST.sub("", text.replace("\u2212", "-")))
    if text.startswith(("-", "(")) or text.endswith("-"):
        raise BadValueError(f"{whole_text[:40]!r} is negative")
    number = _GROUP_GAP.sub("", text).strip(" \xa0\u202f:*").rstrip(".,")
    if not re.fullmatch(r"\d*(?:[.,]\d+)*", number, re.ASCII) or not number:
        raise BadValueError(f"{whole_text[:40]!r} is no price such as 14.90 EUR")
    marks = [letter for letter in number if letter in ".,"]
    decimal = _decimal_mark(number, marks, decimal_point, currency)
    whole, _, fraction = number.rpartition(decimal) if decimal else (number, "", "")
    if len(marks) > (1 if decimal else 0) and not _GROUPS.fullmatch(whole):
        raise BadValueError(
            f"{whole_text[:40]!r} is no price: its thousands are not in groups of three"
        )
    try:
        return Decimal(re.sub(r"[.,]", "", whole or "0") + (f".{fraction}" if fraction else ""))
    except InvalidOperation as error:  # more digits than a context allows
        raise BadValueError(f"{whole_text[:40]!r} is no price") from error


def _decimal_mark(number: str, marks: list[str], decimal_point: str, currency: str | None) -> str:
    """The mark before the decimals, or an empty string when there are none."""
    if not marks:
        return ""
    last = marks[-1]
    if len(set(marks)) > 1:
        return last if marks.count(last) == 1 else ""
    if len(marks) > 1:
        return ""
    whole, _, after = number.partition(last)
    if len(after) != _GROUP or not 1 <= len(whole) <= _GROUP or whole.startswith("0"):
        return last
    if decimal_point:
        return last if last == decimal_point else ""
    return last if currency in _THREE_DECIMALS else ""
