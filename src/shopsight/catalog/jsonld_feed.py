"""schema.org products as JSON-LD: a JSON file, JSON Lines, or a saved web page.

https://schema.org/Product and
https://developers.google.com/search/docs/appearance/structured-data/product
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import ClassVar

from lxml import etree

from shopsight.catalog.feed_source import FeedHead, FeedSource
from shopsight.catalog.json_values import BadJson, iterate_json
from shopsight.catalog.jsonld_products import JsonLdProducts
from shopsight.catalog.product import Product, RowError
from shopsight.errors import FeedError

_PAGE_LIMIT = 1 << 26
"""Characters of a saved page."""

_SCRIPT = re.compile(r"""<script[^>]*type\s*=\s*["']?application/ld\+json""", re.IGNORECASE)
_PAGE = re.compile(r"\s*(?:<!doctype html|<html|<head|<!--|<script|<meta|<body)", re.IGNORECASE)
_WRAPPING = re.compile(r"^\s*(?://\s*)?(?:<!--|<!\[CDATA\[)|(?://\s*)?(?:-->|\]\]>)\s*;?\s*$")


class JsonLdFeed:
    """Structured data as search engines read it."""

    name: ClassVar[str] = "jsonld"

    @classmethod
    def sniff(cls, head: FeedHead) -> bool:
        """Whether this is a page, or JSON with schema.org's vocabulary."""
        text = head.text.lstrip()
        if text.startswith("<"):
            return bool(_PAGE.match(text) or _SCRIPT.search(text))
        return (
            text.startswith(("{", "["))
            and '"@type"' in text
            and ("schema.org" in text or '"@context"' in text)
        )

    def read(self, source: FeedSource) -> Iterator[Product | RowError]:
        """Products and problems in the order of the documents.

        Raises:
            FeedError: The file is no JSON, is cut off, holds no product, or a mapping was given.
        """
        source.refuse_mapping(self.name)
        products = JsonLdProducts(source)
        with source.text() as stream:
            if source.head.text.lstrip().startswith("<"):
                text = stream.read(_PAGE_LIMIT + 1)
                if len(text) > _PAGE_LIMIT:
                    raise FeedError(f"{source.label} is larger than 64 MiB, too large for a page")
                values: Iterator[tuple[int, object]] = _page_values(text)
            else:
                values = iterate_json(stream, source.label)
            for line, value in values:
                if isinstance(value, BadJson):
                    source.count.rows += 1
                    yield source.problem(value.reason, line=line)
                else:
                    yield from products.read(line, value)


def _page_values(text: str) -> Iterator[tuple[int, object]]:
    """JSON of the page's scripts, with the line each begins in."""
    parser = etree.HTMLParser(no_network=True, huge_tree=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    for script in root.iter("script") if root is not None else ():
        if script.get("type", "").partition(";")[0].strip().casefold() != "application/ld+json":
            continue
        line = script.sourceline if isinstance(script.sourceline, int) else 1
        body = _WRAPPING.sub("", "".join(map(str, script.itertext())))
        try:
            yield line, json.loads(body, strict=False)
        except (ValueError, RecursionError) as error:
            yield line, BadJson(f"The structured data of the page is no JSON: {error}")
