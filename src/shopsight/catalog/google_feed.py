"""Google Merchant feeds: XML (RSS 2.0 and Atom) and tab-separated text.

Items are cut out of the XML one by one and parsed each on its own: memory stays constant, a broken
item harms no other, and nothing outside an item, such as a DTD with entities, is ever looked at.
Format: https://support.google.com/merchants/answer/7052112
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from lxml import etree

from shopsight.catalog.assemble import Assembler
from shopsight.catalog.columns import PlanCache, normal
from shopsight.catalog.delimited import read_delimited
from shopsight.catalog.feed_source import FeedHead, FeedSource
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.text_tables import sniff_header
from shopsight.catalog.xml_items import XmlItem, iterate_items

_GOOGLE = "base.google.com"
_XML_START = re.compile(
    r"\s*<(?:\?xml|!--|!DOCTYPE|rss\b|feed\b|rdf:RDF\b|channel\b)", re.IGNORECASE
)
_PAGE = re.compile(
    r"(?:\s|<!--.*?-->|<\?.*?\?>)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
_ITEM = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>]")
_UNUSED = frozenset(
    {"shipping", "tax", "installment", "loyalty_program", "author", "category", "guid", "pubDate"}
)
_SEVERAL = frozenset({"additional_image_link", "product_highlight"})
_TSV_COLUMNS = frozenset({"id", "title", "image_link"})


class GoogleFeed:
    """Feeds for Google Merchant Center, and others in its format such as Facebook's."""

    name: ClassVar[str] = "google"

    @classmethod
    def sniff(cls, head: FeedHead) -> bool:
        """Whether this is RSS or Atom with items, or tabbed text with Google's column names."""
        if _PAGE.match(head.text):
            return False
        if _XML_START.match(head.text):
            return _GOOGLE in head.text or bool(_ITEM.search(head.text))
        found = sniff_header(head.text)
        return (
            found is not None
            and found[0] == "\t"
            and {normal(title) for title in found[1]} >= _TSV_COLUMNS
        )

    def read(self, source: FeedSource) -> Iterator[Product | RowError]:
        """Products and problems in the order of the items.

        Raises:
            FeedError: The file is cut off, or its table has no column for a required field.
        """
        if source.head.text.lstrip().startswith("<"):
            yield from _read_xml(source)
        else:
            yield from read_delimited(source, decimal_point=".")


def _read_xml(source: FeedSource) -> Iterator[Product | RowError]:
    assembler = Assembler(source, decimal_point=".")
    plans = PlanCache(source.mapping, source.label)
    with source.text() as stream:
        for item in iterate_items(stream, source.label):
            source.count.rows += 1
            if item.problem:
                yield source.problem(
                    item.problem,
                    line=item.line,
                    severity="warning" if item.root is not None else "error",
                )
            if item.root is not None:
                values, details = _item_values(item)
                fields, attributes = plans.split(values)
                yield from assembler.assemble(item.line, fields, attributes | details)


def _item_values(item: XmlItem) -> tuple[dict[str, object], dict[str, object]]:
    """Values by element name, Google's before those of RSS and Atom, and the product details."""
    plain: dict[str, list[str]] = {}
    own: dict[str, list[str]] = {}
    details: dict[str, object] = {}
    fallback: list[str] = []
    assert item.root is not None  # noqa: S101 - the caller has looked
    for element in item.root:
        space, name = _split_tag(element.tag)
        if name in {"product_detail", "product_specification_detail"}:
            _add_detail(element, details)
        elif url := _picture_of(element, name):
            fallback.append(url)
        elif name not in _UNUSED and not (len(element) and space):
            value = (
                element.get("href", "")
                if name == "link" and element.get("href")
                else _text_of(element)
            )
            if element.get("rel", "alternate") == "alternate" and value.strip():
                (own if space else plain).setdefault(name, []).append(value)
    merged: dict[str, object] = {
        name: several if name in _SEVERAL and len(several) > 1 else several[0]
        for name, several in {**plain, **own}.items()
    }
    if fallback and "image_link" not in merged:
        merged["image_link"] = fallback
    if "summary" in merged or "content" in merged:  # Atom's words for a description
        summary, content = merged.pop("summary", ""), merged.pop("content", "")
        merged.setdefault("description", summary or content)
    return merged, details


def _split_tag(tag: str) -> tuple[str, str]:
    """Whether an element is beyond plain RSS and Atom, and its bare name."""
    if tag.startswith("{"):
        space, _, name = tag[1:].partition("}")
        return ("" if "w3.org" in space or "purl.org/rss" in space else space), name
    prefix, colon, name = tag.partition(":")  # a prefix that is declared nowhere
    return (prefix, name) if colon else ("", tag)


def _text_of(element: etree._Element) -> str:
    return "".join(map(str, element.itertext())) if len(element) else element.text or ""


def _picture_of(element: etree._Element, name: str) -> str:
    """URL of an RSS enclosure or Media RSS picture."""
    if name not in {"enclosure", "content", "thumbnail"} or not element.get("url"):
        return ""
    kind = element.get("type", "") or element.get("medium", "") or "image"
    return element.get("url", "") if kind.startswith("image") else ""


def _add_detail(element: etree._Element, details: dict[str, object]) -> None:
    parts = {_split_tag(child.tag)[1]: _text_of(child) for child in element}
    name, value = parts.get("attribute_name", ""), parts.get("attribute_value", "")
    if name and value:
        details[name] = value
