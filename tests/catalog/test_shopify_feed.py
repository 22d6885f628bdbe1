from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from shopsight.catalog.feeds import detect_format
from shopsight.catalog.product import Availability, Price, Product
from shopsight.errors import FeedError
from shopsight.testing.feeds import read_all

FEEDS = Path(__file__).parent / "feeds"


def eur(amount: str) -> Price:
    """A price in euros."""
    return Price(amount=Decimal(amount), currency="EUR")


def read(path: Path) -> tuple[dict[str, Product], list[str]]:
    """Products by id, and problems in words."""
    products, problems = read_all(path, default_currency="EUR")
    return {product.id: product for product in products}, [str(problem) for problem in problems]


def write(folder: Path, *rows: dict[str, str]) -> Path:
    """An export with these rows."""
    path = folder / "products.csv"
    titles = dict.fromkeys(title for row in rows for title in row)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(titles))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("name", ["shopify_old.csv", "shopify_new.csv"])
def test_both_header_generations_are_known_and_read_alike(name):
    """The colours of one shirt are products of one group, with the fields of either header."""
    assert detect_format(FEEDS / name) == "shopify"
    products, _ = read(FEEDS / name)
    black, red = products["fjord-tee-black"], products["fjord-tee-red"]
    assert black.title == "Fjord Tee - Black"
    assert {black.item_group_id, red.item_group_id} == {"fjord-tee"}
    assert black.description.startswith("Soft cotton.")
    assert black.brand == "Kavoa"
    assert black.google_product_category == "Apparel & Accessories > Clothing"
    assert black.product_type == "Shirts"
    assert black.price == eur("29.90")
    assert (red.price, red.sale_price) == (eur("25.90"), None)
    assert (red.availability, red.stock) == (Availability.OUT_OF_STOCK, 0)
    assert black.attributes["color"] == "Black"
    assert black.attributes["tags"] == ["cotton", "summer"]
    assert black.attributes["gender"] == "unisex"
    assert "7.50" not in str(products)


def test_sizes_collapse_and_the_lowest_price_counts():
    """Sizes of one picture are one product: sizes listed, stock added up, the cheapest price."""
    black = read(FEEDS / "shopify_old.csv")[0]["fjord-tee-black"]
    assert black.attributes["size"] == ["S", "M"]
    assert black.attributes["sku"] == ["TEE-B-S", "TEE-B-M"]
    assert (black.price, black.sale_price) == (eur("29.90"), eur("22.90"))
    assert (black.stock, black.availability) == (5, Availability.IN_STOCK)
    assert black.gtin == "4006381333931"


def test_gallery_pictures_go_to_the_variant_they_follow():
    """The back of the red shirt is a picture of the red shirt."""
    products, _ = read(FEEDS / "shopify_old.csv")
    assert [link.rpartition("/")[2] for link in products["fjord-tee-black"].image_links] == [
        "tee-black.jpg",
        "tee-black-back.jpg",
    ]
    assert [link.rpartition("/")[2] for link in products["fjord-tee-red"].image_links] == [
        "tee-red.jpg",
        "tee-red-back.jpg",
    ]


def test_products_not_on_sale_are_skipped_with_a_warning():
    """Drafts, archived and unpublished products are named, with their line and the reason."""
    products, problems = read(FEEDS / "shopify_old.csv")
    assert set(products) == {"fjord-tee-black", "fjord-tee-red", "mug", "ring"}
    assert [problem.partition(": ")[0] for problem in problems] == [
        "shopify_old.csv:8 old-lamp [status]",
        "shopify_old.csv:9 secret [status]",
    ]
    assert "archived in Shopify and was skipped" in problems[0]
    assert "not published in the online store" in problems[1]


def test_variants_without_pictures_are_one_product():
    """Without pictures of their own, variants are shown by the main one; the id is the handle."""
    ring = read(FEEDS / "shopify_old.csv")[0]["ring"]
    assert (ring.title, ring.item_group_id) == ("Ring", "ring")
    assert ring.attributes["size"] == ["50", "52"]
    assert (ring.price, ring.availability) == (eur("95.00"), Availability.BACKORDER)


def test_a_product_without_options_is_plain():
    """Shopify's Default Title is no attribute, and an untracked stock is in stock."""
    mug = read(FEEDS / "shopify_old.csv")[0]["mug"]
    assert mug.attributes == {"sku": ["MUG-1"]}
    assert (mug.item_group_id, mug.stock, mug.availability) == ("", None, Availability.IN_STOCK)


def test_gallery_order_follows_the_positions(tmp_path: Path):
    """Image Position decides which picture is the main one, not the order of rows."""
    base = {"Handle": "a", "Variant Price": "", "Title": ""}
    path = write(
        tmp_path,
        {**base, "Title": "A", "Image Src": "2.jpg", "Image Position": "2"},
        {**base, "Image Src": "3.jpg", "Image Position": "3"},
        {**base, "Image Src": "1.jpg", "Image Position": "1"},
    )
    products, _ = read(path)
    assert products["a"].image_links == ("1.jpg", "2.jpg", "3.jpg")


def test_ids_are_unique_and_stable_under_reordering(tmp_path: Path):
    """The same colours get the same ids in any order; equal ones are numbered."""
    rows = [
        {
            "Handle": "a", "Title": "A", "Option1 Name": "Color", "Option1 Value": color,
            "Variant SKU": color, "Variant Price": "5", "Image Src": f"{color}.jpg",
            "Variant Image": f"{color}.jpg",
        }
        for color in ("Dark Red", "Blau/Grün", "红")
    ]  # fmt: skip
    ids = set(read(write(tmp_path, *rows))[0])
    assert ids == {"a-dark-red", "a-blau-grün", "a-红"}
    assert set(read(write(tmp_path, *reversed(rows)))[0]) == ids
    same = [{**row, "Option1 Value": "One"} for row in rows]
    assert len(read(write(tmp_path, *same))[0]) == 3


def test_barcodes_of_all_sizes_are_kept(tmp_path: Path):
    """A product with several barcodes has none of its own, and lists the valid ones."""
    row = {"Handle": "a", "Title": "", "Image Src": "", "Variant Price": "5", "Option1 Name": ""}
    codes = ["4006381333931", "36000291452", "4006381333932"]
    rows = [
        {**row, "Option1 Value": size, "Variant Barcode": code}
        for size, code in zip("SML", codes, strict=True)
    ]
    rows[0] |= {"Title": "A", "Image Src": "a.jpg", "Option1 Name": "Size"}
    product = read(write(tmp_path, *rows))[0]["a"]
    assert product.gtin == ""
    assert product.attributes["gtins"] == ["036000291452", "4006381333931"]


def test_a_row_without_a_title_belongs_to_the_product_before_it(tmp_path: Path):
    """Hand-made files leave the handle out in rows that go on."""
    path = write(
        tmp_path,
        {"Handle": "a", "Title": "A", "Image Src": "1.jpg", "Variant Price": "5"},
        {"Handle": "", "Title": "", "Image Src": "2.jpg", "Variant Price": ""},
        {"Handle": "", "Title": "No Handle", "Image Src": "3.jpg", "Variant Price": "5"},
    )
    products, _ = read(path)
    assert products["a"].image_links == ("1.jpg", "2.jpg")
    assert "no-handle" in products


def test_a_product_without_picture_or_title_is_an_error_and_the_next_is_read(tmp_path: Path):
    """What cannot be shown is reported with its line and handle."""
    path = write(
        tmp_path,
        {"Handle": "a", "Title": "A", "Image Src": "", "Variant Price": "5"},
        {"Handle": "b", "Title": "", "Image Src": "b.jpg", "Variant Price": "5"},
        {"Handle": "c", "Title": "C", "Image Src": "c.jpg", "Variant Price": "absurd"},
    )
    products, problems = read(path)
    assert set(products) == {"c"}
    assert problems == [
        "products.csv:2 a [image_link]: There is no image_link; every product needs one",
        "products.csv:3 b [title]: There is no title; every product needs one",
        "products.csv:4 c [price]: 'absurd' is no price such as 14.90 EUR",
    ]


def test_without_a_currency_the_price_is_left_out_and_asked_for_once():
    """Shopify's export names none: one warning says how to give it."""
    products, problems = read_all(FEEDS / "shopify_old.csv")
    assert {product.price for product in products} == {None}
    assert [problem.field for problem in problems if "--currency" in problem.reason] == ["price"]


def test_a_mapping_is_refused():
    """The columns are fixed; the message names the way around."""
    with pytest.raises(FeedError, match="--format table"):
        read_all(FEEDS / "shopify_old.csv", format="shopify", mapping={"id": "Handle"})
    table, _ = read_all(
        FEEDS / "shopify_old.csv", mapping={"id": "Variant SKU"}, default_currency="EUR"
    )
    assert {product.id for product in table} == {"TEE-B-S", "MUG-1", "LAM-1", "SEC-1", "RING-50"}
