"""WooCommerce's product CSV.

https://github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import ClassVar, Self

from shopsight.catalog.assemble import Assembler
from shopsight.catalog.columns import normal
from shopsight.catalog.delimited import delimiter_of
from shopsight.catalog.feed_source import FeedHead, FeedSource
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.text_tables import TextTable, sniff_header
from shopsight.catalog.values import (
    BadValueError,
    parse_availability,
    parse_count,
    slug,
    split_links,
)
from shopsight.catalog.variants import (
    Variant,
    by_picture,
    group_names,
    merged_attributes,
    merged_fields,
    option_attributes,
)
from shopsight.errors import StorageError

_ATTRIBUTE_NAME = re.compile(r"attribute_(\d+)_name")
_CELL = re.compile(r"(?<!\\),")
_MARKS = frozenset(
    {"parent", "in_stock", "visibility_in_catalog", "attribute_1_name", "regular_price"}
)
_Cells = Mapping[str, str]


class WooCommerceFeed:
    """Exports of WooCommerce: variations stand in rows of their own, anywhere in the file."""

    name: ClassVar[str] = "woocommerce"

    @classmethod
    def sniff(cls, head: FeedHead) -> bool:
        """Whether the header is WooCommerce's."""
        found = None if head.mapping else sniff_header(head.text)
        names = {normal(title) for title in found[1]} if found else set()
        return {"type", "sku", "name", "images"} <= names and bool(names & _MARKS)

    def read(self, source: FeedSource) -> Iterator[Product | RowError]:
        """Products and problems: simple products in order, then those with variations.

        Raises:
            FeedError: There is no header, or a mapping was given.
        """
        source.refuse_mapping(self.name)
        reader = _Reader(source)
        with source.text() as stream, _Family() as family:
            for row in TextTable(stream, source, delimiter_of(source)):
                if isinstance(row, RowError):
                    yield row
                    continue
                line, cells = (
                    row[0],
                    {normal(title): value.strip() for title, value in row[1].items()},
                )
                kinds = set(re.split(r"\s*,\s*", cells.get("type", "").casefold()))
                if problem := reader.hidden(line, cells):
                    yield problem
                elif "variable" in kinds:
                    family.add_parent(line, cells)
                elif "variation" in kinds:
                    family.add_variation(line, cells)
                else:
                    yield from reader.simple(line, cells)
            for line, parent, variations in family.parents():
                yield from reader.variable(line, parent, variations)
            for line, orphan in family.orphans():
                yield source.problem(
                    f"The parent {orphan.get('parent', '')!r} is not in the feed, or is not shown; "
                    "the variation was skipped",
                    line=line,
                    field="parent",
                    product_id=_key(orphan),
                )


class _Reader:
    """Makes products of WooCommerce's rows."""

    def __init__(self, source: FeedSource) -> None:
        self._source = source
        self._assembler = Assembler(source)

    def hidden(self, line: int, cells: _Cells) -> RowError | None:
        """Why a row is not to be shown."""
        if cells.get("published", "1") not in {"", "1", "yes", "true"}:
            reason = "The product is not published in WooCommerce and was skipped"
        elif (
            next((value for name, value in cells.items() if name.startswith("visibility_in")), "")
            == "hidden"
        ):
            reason = "The product is hidden in WooCommerce's catalogue and was skipped"
        else:
            return None
        return self._source.problem(
            reason, line=line, field="published", product_id=_key(cells), severity="warning"
        )

    def simple(self, line: int, cells: _Cells) -> Iterator[Product | RowError]:
        """The product of a row without variations."""
        fields, attributes = _shared(cells)
        variant = _variant(cells)
        images = split_links(cells.get("images"))
        fields |= merged_fields([variant], self._source.default_currency, "")
        fields |= {"id": _key(cells), "title": cells.get("name"), "image_link": images}
        yield from self._assembler.assemble(line, fields, attributes | merged_attributes([variant]))

    def variable(
        self, line: int, cells: _Cells, variations: list[tuple[int, _Cells]]
    ) -> Iterator[Product | RowError]:
        """The products of a parent and its variations, one for each picture that they have."""
        if not variations:
            yield from self.simple(line, cells)
            return
        gallery = split_links(cells.get("images"))
        variants = [_variant(own) for _, own in variations]
        groups = by_picture(variants, gallery[0] if gallery else "")
        names = group_names(groups) if len(groups) > 1 else {}
        shared, attributes = _shared(cells)
        owner = gallery[0] if gallery and gallery[0] in groups else next(iter(groups))
        for image, members in groups.items():
            own = [picture for variant in members for picture in variant.images]
            fields = {
                **shared,
                **merged_fields(members, self._source.default_currency, ""),
                "id": members[0].key if len(groups) > 1 else _key(cells),
                "title": " - ".join(filter(None, (cells.get("name"), names.get(image, "")))),
                "image_link": [image] if image else None,
                "additional_image_link": [*own, *(gallery if image == owner else [])],
                "item_group_id": _key(cells),
            }
            yield from self._assembler.assemble(
                line, fields, attributes | merged_attributes(members)
            )


def _key(cells: _Cells) -> str:
    """The id of a row: WooCommerce's, else the article number."""
    return cells.get("id") or cells.get("sku") or ""


def _list(text: str) -> list[str]:
    return [part for item in _CELL.split(text) if (part := item.replace("\\,", ",").strip())]


def _options(cells: _Cells) -> dict[str, str]:
    options = {}
    for name, title in cells.items():
        match = _ATTRIBUTE_NAME.fullmatch(name)
        if match and title and (value := cells.get(f"attribute_{match[1]}_value_s", "")):
            options[title.removeprefix("pa_")] = value
    return options


def _shared(cells: _Cells) -> tuple[dict[str, object], dict[str, object]]:
    """Fields and attributes of a row that do not vary."""
    categories = _list(cells.get("categories", ""))
    options = {title: _list(value) for title, value in _options(cells).items()}
    brand = cells.get("brands") or next(
        (v[0] for title, v in options.items() if v and slug(title) == "brand"), ""
    )
    fields: dict[str, object] = {
        "description": cells.get("description") or cells.get("short_description"),
        "brand": brand,
        "product_type": max(categories, key=lambda path: path.count(">"), default=""),
        "link": cells.get("external_url"),
    }
    attributes: dict[str, object] = {
        **option_attributes({t: values for t, values in options.items() if slug(t) != "brand"}),
        "tags": _list(cells.get("tags", "")),
        "categories": categories,
    }
    return fields, attributes


def _variant(cells: _Cells) -> Variant:
    stock_text = cells.get("stock", "")
    try:
        stock = parse_count(stock_text)
    except BadValueError:  # "parent": the parent's stock is shared
        stock = None
    supply = cells.get("in_stock", "")
    try:
        availability = parse_availability(supply)
    except BadValueError:
        availability = None
    dates = cells.get("date_sale_price_starts", "")[:10], cells.get("date_sale_price_ends", "")[:10]
    return Variant(
        key=_key(cells),
        sku=cells.get("sku", ""),
        gtin=cells.get("gtin_upc_ean_or_isbn", ""),
        price=cells.get("regular_price", ""),
        sale_price=cells.get("sale_price", ""),
        sale_dates="/".join(dates) if any(dates) else "",
        availability=availability,
        stock=stock,
        images=split_links(cells.get("images")),
        options=_options(cells) if "variation" in cells.get("type", "").casefold() else {},
    )


class _Family:
    """Parents and variations, which may stand far apart, in a temporary file."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE parents (line INTEGER, id TEXT, sku TEXT, cells TEXT);"
            "CREATE TABLE variations"
            " (line INTEGER, parent TEXT, cells TEXT, used INTEGER DEFAULT 0);"
            "CREATE INDEX variations_by_parent ON variations (parent); BEGIN;"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add_parent(self, line: int, cells: _Cells) -> None:
        """Keep a row of the type ``variable``."""
        self._run(
            "INSERT INTO parents VALUES (?, ?, ?, ?)",
            (line, f"id:{cells.get('id', '')}", f"sku:{cells.get('sku', '')}", json.dumps(cells)),
        )

    def add_variation(self, line: int, cells: _Cells) -> None:
        """Keep a row of the type ``variation``."""
        parent = cells.get("parent", "")
        parent = re.sub(r"^id:\s*", "id:", parent) if parent.startswith("id:") else f"sku:{parent}"
        self._run(
            "INSERT INTO variations (line, parent, cells) VALUES (?, ?, ?)",
            (line, parent, json.dumps(cells)),
        )

    def parents(self) -> Iterator[tuple[int, _Cells, list[tuple[int, _Cells]]]]:
        """Parents in order, each with its variations in order."""
        last = 0
        while row := self._run(
            "SELECT rowid, line, id, sku, cells FROM parents"
            " WHERE rowid > ? ORDER BY rowid LIMIT 1",
            (last,),
        ).fetchone():
            last, line, key, sku, cells = row
            found = self._run(
                "SELECT line, cells FROM variations WHERE parent IN (?, ?) ORDER BY rowid",
                (key, sku),
            ).fetchall()
            self._run("UPDATE variations SET used = 1 WHERE parent IN (?, ?)", (key, sku))
            yield line, json.loads(cells), [(number, json.loads(own)) for number, own in found]

    def orphans(self) -> Iterator[tuple[int, _Cells]]:
        """Variations that no parent has claimed."""
        for line, cells in self._run(
            "SELECT line, cells FROM variations WHERE NOT used ORDER BY rowid", ()
        ):
            yield line, json.loads(cells)

    def _run(self, statement: str, values: tuple[str | int, ...]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise StorageError(
                f"The folder for temporary files cannot be used ({error}); free some space"
            ) from error
