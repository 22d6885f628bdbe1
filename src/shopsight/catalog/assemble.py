"""Raw values of one row to a product, with a report of everything that is wrong with them.

The one place where the rules for all formats are applied, whatever the format.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import ValidationError

from shopsight.catalog.columns import REQUIRED, free_name
from shopsight.catalog.feed_source import FeedSource
from shopsight.catalog.plain_text import MARKUP_LIMIT, cut, html_to_text, one_line, without_controls
from shopsight.catalog.prices import NoCurrencyError, parse_price
from shopsight.catalog.product import AttributeValue, Price, Product, RowError
from shopsight.catalog.values import (
    BadValueError,
    as_text,
    attribute_name,
    in_force,
    parse_availability,
    parse_count,
    parse_gtin,
    parse_rating,
    split_links,
)

_LIMITS: Mapping[str, int] = {
    "title": 1000,
    "description": 20_000,
    "brand": 200,
    "mpn": 200,
    "item_group_id": 200,
    "google_product_category": 1000,
    "product_type": 1000,
}
_ID_LIMIT = 200
_LINK_LIMIT = 4000
_MORE_IMAGES = 50
_VALUE_LIMIT = 20_000
_LIST_LIMIT = 200
_DEPTH = 3
_BIGGEST_INTEGER = 2**63
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PICTURE_SCHEMES = frozenset({"http", "https", "file"})


class Assembler:
    """Makes products of raw values.

    Args:
        source: The feed; its default currency and its moment are used.
        decimal_point: As in :func:`~shopsight.catalog.prices.parse_price`.
    """

    def __init__(self, source: FeedSource, *, decimal_point: str = "") -> None:
        self.source = source
        self._decimal_point = decimal_point
        self._said: set[str] = set()

    def assemble(
        self, line: int | None, fields: Mapping[str, object], attributes: Mapping[str, object]
    ) -> Iterator[Product | RowError]:
        """The product of one row, after everything that is wrong with it.

        Args:
            line: Where the row begins.
            fields: Raw values by field of :class:`Product`, besides ``sale_price_effective_date``
                and ``currency``. Prices may be text, numbers or :class:`Price`; links text or
                lists.
            attributes: Raw values by name; names are brought into the right spelling.
        """
        self.source.count.line = line
        row = _Row(self, line, fields)
        product = row.product(attributes)
        yield from row.problems
        if product is not None:
            yield product

    def price(self, value: object, currency: object) -> Price | None:
        """A price of this feed.

        Raises:
            BadValueError: As for :func:`~shopsight.catalog.prices.parse_price`.
        """
        if isinstance(value, Price):
            return value
        named = as_text(currency).upper() or self.source.default_currency
        return parse_price(value, named, decimal_point=self._decimal_point)

    def first_time(self, what: str) -> bool:
        """Whether something is said for the first time: said for every row it would be noise."""
        if what in self._said:
            return False
        self._said.add(what)
        return True


class _Row:
    """One row on its way to a product."""

    def __init__(
        self, assembler: Assembler, line: int | None, fields: Mapping[str, object]
    ) -> None:
        self._assembler = assembler
        self._line = line
        self._fields = fields
        self._id = one_line(as_text(fields.get("id")))
        self.problems: list[RowError] = []

    def product(self, attributes: Mapping[str, object]) -> Product | None:
        images = self._images()
        values = {name: self._text(name, limit) for name, limit in _LIMITS.items()}
        given = {
            "id": self._id,
            "title": values["title"],
            "image_link": images[0] if images else "",
        }
        missing = [field for field in REQUIRED if not given[field]]
        for field in missing:
            self._report(field, f"There is no {field}; every product needs one", severity="error")
        if len(self._id) > _ID_LIMIT:
            self._report(
                "id", f"The id is longer than {_ID_LIMIT} characters; shorten it", severity="error"
            )
        if missing or len(self._id) > _ID_LIMIT:
            return None
        try:
            return Product.model_validate(
                {
                    **values,
                    **self._prices(),
                    **self._typed(),
                    "id": self._id,
                    "image_link": images[0],
                    "additional_image_link": tuple(images[1:]),
                    "link": self._link(),
                    "attributes": self._attributes(attributes),
                }
            )
        except ValidationError as error:
            first = error.errors()[0]
            self._report(".".join(map(str, first["loc"])), str(first["msg"]), severity="error")
            return None

    def _report(
        self, field: str, reason: str, *, severity: Literal["error", "warning"] = "warning"
    ) -> None:
        self.problems.append(
            self._assembler.source.problem(
                reason,
                line=self._line,
                field=field,
                product_id=self._id[:_ID_LIMIT],
                severity=severity,
            )
        )

    def _text(self, name: str, limit: int) -> str:
        value = self._fields.get(name)
        if value is None or value == "":
            return ""
        if isinstance(value, list | tuple):
            value = " > ".join(as_text(part) for part in value)
        raw = as_text(value)
        text = html_to_text(raw) if name == "description" else one_line(raw)
        if len(text) > limit or len(raw) > MARKUP_LIMIT:
            self._report(name, f"{name} is {len(raw)} characters long; it was cut to {limit}")
            text = cut(text, limit)
        return text

    def _images(self) -> list[str]:
        """All usable pictures, the main one first. Reports the others."""
        usable: list[str] = []
        more = self._fields.get("additional_image_link")
        links = [("image_link", link) for link in split_links(self._fields.get("image_link"))]
        groups = more if isinstance(more, list | tuple) else [more]
        links += [
            ("additional_image_link", link) for group in groups for link in split_links(group)
        ]
        for field, raw in links:
            link = _clean_link(raw)
            scheme = _scheme(link)
            if scheme == "data":
                self._report(
                    field, "Pictures inside the feed are not supported; give a URL or a file"
                )
            elif "://" in link and scheme not in _PICTURE_SCHEMES:
                self._report(field, f"{link[:80]!r} is no http, https or file address")
            elif len(link) > _LINK_LIMIT:
                self._report(field, f"The link is longer than {_LINK_LIMIT} characters")
            elif link:
                usable.append(link)
        usable = list(dict.fromkeys(usable))
        if len(usable) > _MORE_IMAGES + 1:
            self._report(
                "additional_image_link",
                f"There are {len(usable)} pictures; the first {_MORE_IMAGES + 1} are used",
            )
        return usable[: _MORE_IMAGES + 1]

    def _link(self) -> str:
        link = _clean_link(as_text(self._fields.get("link")))
        if _scheme(link) not in {"", "http", "https"}:
            self._report("link", f"{link[:80]!r} is no http or https address")
            return ""
        if len(link) > _LINK_LIMIT:
            self._report("link", f"The link is longer than {_LINK_LIMIT} characters")
            return ""
        return link

    def _prices(self) -> dict[str, Price | None]:
        price = self._price("price")
        sale = self._price("sale_price")
        if sale is not None:
            try:
                if not in_force(
                    self._fields.get("sale_price_effective_date"), self._assembler.source.now
                ):
                    sale = None
            except BadValueError as error:
                self._report("sale_price_effective_date", f"{error}; the sale price was left out")
                sale = None
        return {"price": price, "sale_price": sale}

    def _price(self, field: str) -> Price | None:
        try:
            return self._assembler.price(self._fields.get(field), self._fields.get("currency"))
        except NoCurrencyError as error:
            if self._assembler.first_time("currency"):
                self._report(field, f"{error}. Further prices without a currency are not reported")
        except BadValueError as error:
            self._report(field, str(error))
        return None

    def _typed(self) -> dict[str, object]:
        parsers: dict[str, Callable[[object], object]] = {
            "availability": parse_availability,
            "gtin": parse_gtin,
            "stock": parse_count,
            "rating": parse_rating,
            "review_count": parse_count,
        }
        values: dict[str, object] = {}
        for field, parse in parsers.items():
            value = self._fields.get(field)
            if field == "review_count" and isinstance(value, list):
                value = len(value)  # the reviews themselves
            if value is None or value == "":
                continue
            try:
                values[field] = parse(value)
            except BadValueError as error:
                self._report(field, str(error))
        return values

    def _attributes(self, raw: Mapping[str, object]) -> dict[str, AttributeValue]:
        values: dict[str, AttributeValue] = {}
        for title, value in _flat(raw):
            name = attribute_name(title)
            typed = self._attribute(name, value) if name else None
            if typed is not None:
                values[free_name(name, set(values))] = typed
        return values

    def _attribute(self, name: str, value: object) -> AttributeValue | None:
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float | Decimal):
            return _number(value)
        if isinstance(value, list | tuple | set):
            texts = [
                one_line(as_text(item))
                for item in value
                if isinstance(item, str | int | float | Decimal)
            ]
            several = list(dict.fromkeys(text for text in texts if text))[:_LIST_LIMIT]
            return several or None
        if isinstance(value, datetime | date):
            return value.isoformat()
        if not isinstance(value, str):
            return None  # nothing, or bytes such as a picture inside the feed
        text = html_to_text(value)
        if len(text) > _VALUE_LIMIT:
            self._report(
                name, f"{name} is {len(value)} characters long; it was cut to {_VALUE_LIMIT}"
            )
        return cut(text, _VALUE_LIMIT) or None


def _clean_link(text: str) -> str:
    # browsers ignore tabs and line ends in links, even inside "javascript:"
    return re.sub(r"[\t\r\n]", "", without_controls(text)).strip()


def _scheme(link: str) -> str:
    found = _SCHEME.match(link)
    return found[1].casefold() if found else ""


def _flat(
    raw: Mapping[str, object], prefix: str = "", depth: int = 0
) -> Iterator[tuple[str, object]]:
    """Pairs of a nested mapping: ``{"size": {"width": 3}}`` is ``size_width``."""
    for name, value in raw.items():
        if isinstance(value, Mapping):
            if depth < _DEPTH:
                yield from _flat(value, f"{prefix}{name}_", depth + 1)
        else:
            yield f"{prefix}{name}", value


def _number(value: float | Decimal) -> AttributeValue | None:
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, int):
        return value if abs(value) < _BIGGEST_INTEGER else str(value)
    return value if math.isfinite(value) else None
