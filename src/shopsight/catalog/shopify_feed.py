"""Shopify's product CSV, with the headers of before and after 2024.

https://help.shopify.com/manual/products/import-export/using-csv
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from shopsight.catalog.assemble import Assembler
from shopsight.catalog.columns import normal
from shopsight.catalog.delimited import delimiter_of
from shopsight.catalog.feed_source import FeedHead, FeedSource
from shopsight.catalog.product import Availability, Product, RowError
from shopsight.catalog.text_tables import TextTable, sniff_header
from shopsight.catalog.values import BadValueError, parse_count, parse_truth, short_id, slug
from shopsight.catalog.variants import (
    JOINED,
    Variant,
    by_picture,
    group_ids,
    group_names,
    merged_attributes,
    merged_fields,
)

_COLUMNS: Mapping[str, str] = {
    "handle": "handle url_handle",
    "title": "title",
    "description": "body_html description",
    "brand": "vendor",
    "category": "product_category standard_product_type",
    "type": "type custom_product_type",
    "tags": "tags",
    "published": "published published_on_online_store",
    "status": "status",
    "sku": "variant_sku sku",
    "barcode": "variant_barcode barcode",
    "price": "variant_price price",
    "compare": "variant_compare_at_price compare_at_price",
    "stock": "variant_inventory_qty inventory_quantity",
    "policy": "variant_inventory_policy continue_selling_when_out_of_stock",
    "tracker": "variant_inventory_tracker inventory_tracker",
    "image": "image_src product_image_url",
    "position": "image_position",
    "variant_image": "variant_image variant_image_url",
    "google_category": "google_shopping_google_product_category",
    "mpn": "google_shopping_mpn google_shopping_manufacturer_part_number_mpn",
    **{f"option{n}_{part}": f"option{n}_{part}" for n in (1, 2, 3) for part in ("name", "value")},
}
_OLD = frozenset(
    {"variant_price", "variant_sku", "image_src", "body_html", "variant_inventory_qty"}
)
_NEW = frozenset(
    {"product_image_url", "option1_name", "published_on_online_store", "compare_at_price"}
)
_METAFIELD = re.compile(r"(.+?) \(product\.metafields\.[\w.-]+\)")
_GOOGLE = "google_shopping_"
_GROUP_ROWS = 5000
"""Rows of one product; Shopify allows 2048 variants."""

_HIDDEN = frozenset({"draft", "archived", "unlisted"})
_OPTIONS = (1, 2, 3)
_NumberedRow = tuple[int, dict[str, str]]


class ShopifyFeed:
    """Exports of Shopify: rows with the same handle are variants and pictures of one product."""

    name: ClassVar[str] = "shopify"

    @classmethod
    def sniff(cls, head: FeedHead) -> bool:
        """Whether the header is one of Shopify's."""
        found = None if head.mapping else sniff_header(head.text)
        names = {normal(title) for title in found[1]} if found else set()
        return ("handle" in names and bool(names & _OLD)) or (
            "url_handle" in names and bool(names & _NEW)
        )

    def read(self, source: FeedSource) -> Iterator[Product | RowError]:
        """Products and problems in the order of the file.

        Raises:
            FeedError: There is no header, or a mapping was given.
        """
        source.refuse_mapping(self.name)
        with source.text() as stream:
            table = TextTable(stream, source, delimiter_of(source))
            reader = _Reader(source, table.columns)
            for group in _groups(table, reader.column("handle")):
                if isinstance(group, RowError):
                    yield group
                else:
                    yield from reader.products(group)


def _groups(table: TextTable, handle: str) -> Iterator[list[_NumberedRow] | RowError]:
    """Consecutive rows of one handle; one without handle and title goes with those before it."""
    group: list[_NumberedRow] = []
    present = ""
    for row in table:
        if isinstance(row, RowError):
            yield row
            continue
        own = row[1].get(handle, "").strip()
        title = row[1].get("Title", "").strip()
        goes_on = bool(group) and (own == present if own else not title)
        if not goes_on or len(group) >= _GROUP_ROWS:
            if group:
                yield group
            group, present = [], own
        group.append(row)
    if group:
        yield group


class _Reader:
    """Makes products of the rows of one handle."""

    def __init__(self, source: FeedSource, columns: Sequence[str]) -> None:
        self._source = source
        self._assembler = Assembler(source, decimal_point=".")
        by_name: dict[str, str] = {}
        for column in columns:
            by_name.setdefault(normal(column), column)
        self._columns = {
            key: next((by_name[name] for name in names.split() if name in by_name), "")
            for key, names in _COLUMNS.items()
        }
        used = set(self._columns.values())
        self._extras = {
            column: name
            for column in columns
            if column not in used and (name := _extra_name(column))
        }

    def column(self, key: str) -> str:
        """Title of a column in this file."""
        return self._columns[key]

    def products(self, rows: Sequence[_NumberedRow]) -> Iterator[Product | RowError]:
        """The products of one handle, one for each picture that its variants have."""
        line, first = rows[0]
        handle = short_id(self._cell(first, "handle") or slug(self._cell(first, "title"), 150), 130)
        if reason := self._hidden(first):
            yield self._source.problem(
                reason, line=line, product_id=handle, field="status", severity="warning"
            )
            return
        gallery = self._gallery(rows)
        variants = self._variants(rows)
        main = gallery[0] if gallery else next((image for v in variants for image in v.images), "")
        groups = by_picture(variants, main) or {main: [Variant()]}
        ids = group_ids(handle, groups)
        names = group_names(groups) if len(groups) > 1 else {}
        shared, attributes = self._shared(rows)
        pictures = _pictures(gallery, list(groups))
        for image, members in groups.items():
            title = " - ".join(filter(None, (self._cell(first, "title"), names.get(image, ""))))
            fields = {
                **shared,
                **merged_fields(members, self._source.default_currency, "."),
                "id": short_id(ids[image]) if handle else "",
                "title": title if self._cell(first, "title") else "",
                "image_link": [image] if image else None,
                "additional_image_link": pictures[image],
                "item_group_id": handle if len(variants) > 1 else "",
            }
            yield from self._assembler.assemble(
                line, fields, attributes | merged_attributes(members)
            )

    def _cell(self, row: Mapping[str, str], key: str) -> str:
        return row.get(self._columns[key], "").strip()

    def _hidden(self, row: Mapping[str, str]) -> str:
        """Why a product is not to be shown, or an empty string."""
        status = self._cell(row, "status").casefold()
        if status in _HIDDEN:
            return f"The product is {status} in Shopify and was skipped"
        try:
            published = parse_truth(self._cell(row, "published"))
        except BadValueError:
            published = None
        return (
            "The product is not published in the online store and was skipped"
            if published is False
            else ""
        )

    def _gallery(self, rows: Sequence[_NumberedRow]) -> list[str]:
        placed: list[tuple[int, int, str]] = []
        for order, (_, row) in enumerate(rows):
            image, position = self._cell(row, "image"), self._cell(row, "position")
            if image:
                placed.append((int(position) if position.isdecimal() else order + 1, order, image))
        return list(dict.fromkeys(image for _, _, image in sorted(placed)))

    def _variants(self, rows: Sequence[_NumberedRow]) -> list[Variant]:
        titles = [self._cell(rows[0][1], f"option{number}_name") for number in _OPTIONS]
        variants = []
        for _, row in rows:
            values = [self._cell(row, f"option{number}_value") for number in _OPTIONS]
            if any(values) or self._cell(row, "price") or self._cell(row, "sku"):
                options = {
                    title: value
                    for title, value in zip(titles, values, strict=True)
                    if title and value and (title, value) != ("Title", "Default Title")
                }
                variants.append(self._variant(row, options))
        return variants

    def _variant(self, row: Mapping[str, str], options: Mapping[str, str]) -> Variant:
        price, compare = self._cell(row, "price"), self._cell(row, "compare")
        try:
            reduced = bool(compare) and Decimal(compare) > Decimal(price)
        except InvalidOperation:
            reduced = False
        stock, availability = self._supply(row)
        image = self._cell(row, "variant_image")
        return Variant(
            sku=self._cell(row, "sku"),
            gtin=self._cell(row, "barcode").lstrip("'"),
            price=compare if reduced else price,
            sale_price=price if reduced else None,
            availability=availability,
            stock=stock,
            images=[image] if image else [],
            options=options,
        )

    def _supply(self, row: Mapping[str, str]) -> tuple[int | None, Availability | None]:
        """Pieces and state; without a tracker there is always enough."""
        if not self._columns["stock"]:
            return None, None
        try:
            stock = parse_count(self._cell(row, "stock"))
        except BadValueError:
            stock = None
        if (self._columns["tracker"] and not self._cell(row, "tracker")) or stock is None:
            return None, Availability.IN_STOCK
        if stock > 0:
            return stock, Availability.IN_STOCK
        goes_on = self._cell(row, "policy").casefold() in {"continue", "true", "yes", "1"}
        return stock, Availability.BACKORDER if goes_on else Availability.OUT_OF_STOCK

    def _shared(self, rows: Sequence[_NumberedRow]) -> tuple[dict[str, object], dict[str, object]]:
        """Fields and attributes that all variants have in common, from the first row."""
        first = rows[0][1]
        tags = [tag for tag in re.split(r"\s*,\s*", self._cell(first, "tags")) if tag]
        fields: dict[str, object] = {
            "description": self._cell(first, "description"),
            "brand": self._cell(first, "brand"),
            "product_type": self._cell(first, "type"),
            "google_product_category": self._cell(first, "google_category")
            or self._cell(first, "category"),
            "mpn": self._cell(first, "mpn"),
        }
        extras = {name: first.get(column, "") for column, name in self._extras.items()}
        for name in JOINED & extras.keys():  # metafields separate by semicolons
            extras[name] = re.sub(r"\s*;\s*", "/", extras[name])
        return fields, {**extras, "tags": tags}


def _extra_name(column: str) -> str:
    """Attribute of a metafield or of a column for Google; empty for Shopify's other columns."""
    name = normal(column)
    if match := _METAFIELD.fullmatch(column):
        return normal(match[1])
    return name.removeprefix(_GOOGLE) if name.startswith(_GOOGLE) else ""


def _pictures(gallery: Sequence[str], mains: Sequence[str]) -> dict[str, list[str]]:
    """Further pictures for each variant picture: those after it in the gallery, as themes do."""
    pictures: dict[str, list[str]] = {main: [] for main in mains}
    owner = mains[0]
    for image in gallery:
        if image in pictures:
            owner = image
        else:
            pictures[owner].append(image)
    return pictures
