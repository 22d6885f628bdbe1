from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shopsight.catalog.google_feed import GoogleFeed
from shopsight.catalog.jsonld_feed import JsonLdFeed
from shopsight.catalog.shopify_feed import ShopifyFeed
from shopsight.catalog.table_feed import TableFeed
from shopsight.catalog.woocommerce_feed import WooCommerceFeed
from shopsight.testing.feeds import FeedConformance

IDS = [f"P{number}" for number in range(20)]


class TestGoogleXml(FeedConformance):
    """Google's RSS."""

    reader = GoogleFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """Twenty items."""
        items = "".join(
            f"<item>\n<g:id>{key}</g:id><title>Mug &amp; {key}</title>\n"
            "<description><![CDATA[<p>x</p>]]></description>"
            f"<g:image_link>https://i.example/{key}.jpg</g:image_link>"
            "<g:price>5.00 EUR</g:price></item>\n"
            for key in IDS
        )
        path = folder / "feed.xml"
        path.write_text(
            '<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
            f"{items}</channel></rss>\n"
        )
        return path, IDS


class TestGoogleTsv(FeedConformance):
    """Google's tab-separated text."""

    reader = GoogleFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """Twenty rows."""
        path = folder / "feed.tsv"
        rows = "".join(f"{key}\tMug {key}\thttps://i.example/{key}.jpg\t5 EUR\n" for key in IDS)
        path.write_text("id\ttitle\timage_link\tprice\n" + rows)
        return path, IDS


class TestTableCsv(FeedConformance):
    """Comma-separated text."""

    reader = TableFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """Twenty rows with line ends inside values."""
        path = folder / "feed.csv"
        rows = "".join(
            f'{key},"Mug, {key}","two\nlines",https://i.example/{key}.jpg\n' for key in IDS
        )
        path.write_text("sku,name,description,picture\n" + rows)
        return path, IDS


class TestTableJsonLines(FeedConformance):
    """JSON Lines."""

    reader = TableFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """Twenty lines."""
        path = folder / "feed.jsonl"
        rows = [{"id": key, "title": key, "image": f"https://i.example/{key}.jpg"} for key in IDS]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path, IDS


class TestTableParquet(FeedConformance):
    """Parquet."""

    reader = TableFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """Twenty rows in several row groups, with pictures inside that are not read."""
        path = folder / "feed.parquet"
        columns = {
            "id": IDS,
            "title": IDS,
            "image": [f"https://i.example/{key}.jpg" for key in IDS],
            "bytes": [b"\xff\xd8" * 10 for _ in IDS],
        }
        pq.write_table(pa.table(columns), path, row_group_size=7)
        return path, IDS


class TestShopify(FeedConformance):
    """Shopify's export."""

    reader = ShopifyFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """The example export, old headers."""
        path = folder / "products_export.csv"
        shutil.copy(Path(__file__).parent / "feeds" / "shopify_old.csv", path)
        return path, ["fjord-tee-black", "fjord-tee-red", "mug", "ring"]


class TestWooCommerce(FeedConformance):
    """WooCommerce's export."""

    reader = WooCommerceFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """The example export without the variation that lost its parent."""
        path = folder / "wc-product-export.csv"
        text = (Path(__file__).parent / "feeds" / "woocommerce.csv").read_text()
        path.write_text("".join(row for row in text.splitlines(True) if not row.startswith("64,")))
        return path, ["48", "51", "61", "63"]


class TestJsonLd(FeedConformance):
    """schema.org."""

    reader = JsonLdFeed

    def write_example(self, folder: Path) -> tuple[Path, list[str]]:
        """An array of products."""
        path = folder / "products.json"
        nodes = [
            {
                "@context": "https://schema.org",
                "@type": "Product",
                "sku": key,
                "name": key,
                "image": f"https://i.example/{key}.jpg",
            }
            for key in IDS
        ]
        path.write_text(json.dumps(nodes, indent=1))
        return path, IDS
