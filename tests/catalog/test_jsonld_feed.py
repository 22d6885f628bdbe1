from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from shopsight.catalog.feeds import detect_format
from shopsight.catalog.product import Availability, Price
from shopsight.errors import FeedError
from shopsight.testing.feeds import read_all

FEEDS = Path(__file__).parent / "feeds"
PRODUCT = {
    "@context": "https://schema.org",
    "@type": "Product",
    "sku": "1",
    "name": "Mug",
    "image": "1.jpg",
}


def write(folder: Path, document: object, name: str = "page.json") -> Path:
    """A file with that document."""
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def read_one(folder: Path, **fields: object):
    """The one product of a document with these fields, and its problems."""
    (product,), problems = read_all(write(folder, {**PRODUCT, **fields}), default_currency="EUR")
    return product, problems


def test_a_saved_page_gives_its_product():
    """References within the graph are followed; related products are not the page's own."""
    assert detect_format(FEEDS / "page.html") == "jsonld"
    products, problems = read_all(FEEDS / "page.html")
    (mug,) = products
    assert (mug.id, mug.title, mug.description, mug.brand) == (
        "MUG001",
        "Fjord mug",
        "A mug",
        "Kavoa",
    )
    assert mug.image_links == ("https://img.example/MUG001.jpg", "https://img.example/MUG001_2.jpg")
    assert mug.price == Price(amount=Decimal("14.90"), currency="EUR")
    assert mug.availability is Availability.IN_STOCK
    assert (mug.rating, mug.review_count, mug.gtin) == (4.5, 12, "4006381333931")
    assert mug.link == "https://shop.example/p/MUG001"
    assert mug.attributes == {"color": "sage", "volume": 330, "sku": ["MUG001"]}
    assert [(problem.line, problem.severity) for problem in problems] == [(21, "error")]


def test_groups_and_lists_are_read():
    """Variants join by picture with the group's texts; list items and list prices count."""
    assert detect_format(FEEDS / "schema_org.json") == "jsonld"
    products, problems = read_all(FEEDS / "schema_org.json")
    black, red, lamp = products
    assert (black.id, black.title, black.item_group_id) == ("TEE-B-S", "Fjord Tee - Black", "TEE")
    assert black.attributes["size"] == ["S", "M"]
    assert black.price == Price(amount=Decimal("22.9"), currency="EUR")
    assert black.availability is Availability.IN_STOCK
    assert (red.title, red.brand) == ("Fjord Tee - Red", "Kavoa")
    assert red.price == Price(amount=Decimal("25.90"), currency="EUR")
    assert lamp.id == "https://shop.example/p/LAM025"
    assert (lamp.price, lamp.sale_price) == (
        Price(amount=Decimal(59), currency="EUR"),
        Price(amount=Decimal(49), currency="EUR"),
    )
    assert lamp.attributes == {"condition": "new"}
    assert [(problem.product_id, problem.field) for problem in problems] == [("X", "image_link")]


@pytest.mark.parametrize(
    ("image", "links"),
    [
        ("a.jpg", ("a.jpg",)),
        (["a.jpg", "b.jpg", "a.jpg"], ("a.jpg", "b.jpg")),
        ({"@type": "ImageObject", "contentUrl": "a.jpg", "url": "page.html"}, ("a.jpg",)),
        ([{"url": ["a.jpg"]}, {"@id": "b.jpg"}], ("a.jpg", "b.jpg")),
    ],
)
def test_pictures_come_in_every_allowed_shape(tmp_path: Path, image, links):
    """A link, a list, an ImageObject, and mixtures."""
    assert read_one(tmp_path, image=image)[0].image_links == links


@pytest.mark.parametrize(
    "brand", ["Kavoa", {"@type": "Brand", "name": "Kavoa"}, [{"name": "Kavoa"}]]
)
def test_brands_are_text_or_objects(tmp_path: Path, brand):
    """A name, an object with one, or a list of them."""
    assert read_one(tmp_path, brand=brand)[0].brand == "Kavoa"


def test_the_cheapest_of_several_offers_counts(tmp_path: Path):
    """A product is as cheap, and as available, as its best offer."""
    offers = [
        {"price": "20.00", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"},
        {"price": "18.50", "priceCurrency": "EUR", "availability": "https://schema.org/SoldOut"},
        {"price": "nonsense"},
    ]
    product, _ = read_one(tmp_path, offers=offers)
    assert product.price == Price(amount=Decimal("18.50"), currency="EUR")
    assert product.availability is Availability.IN_STOCK


def test_odd_values_are_reported_and_the_product_kept(tmp_path: Path):
    """A bad rating and a bad price are warnings."""
    product, problems = read_one(
        tmp_path, offers={"price": -5}, aggregateRating={"ratingValue": 7}, gtin="123"
    )
    assert product.title == "Mug"
    assert {problem.field for problem in problems} == {"price", "rating", "gtin"}
    assert {problem.severity for problem in problems} == {"warning"}


def test_json_lines_of_documents_are_read(tmp_path: Path):
    """Crawlers write one document a line; a bad line does not stop them."""
    path = tmp_path / "crawl.jsonl"
    lines = [json.dumps({**PRODUCT, "sku": key}) for key in ("1", "2")]
    path.write_text(f"{lines[0]}\n{{bad\n{lines[1]}\n")
    products, problems = read_all(path)
    assert [product.id for product in products] == ["1", "2"]
    assert [problem.line for problem in problems] == [2]


def test_pages_without_products_and_endless_nesting_end_in_an_error(tmp_path: Path):
    """A page that sells nothing, and a document that nests too deeply, are no feeds."""
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><html><body>Hello</body></html>")
    with pytest.raises(FeedError, match="holds no products"):
        read_all(page)
    deep: dict[str, object] = dict(PRODUCT)
    for _ in range(100):
        deep = {"@type": "Thing", "@context": "https://schema.org", "about": deep}
    with pytest.raises(FeedError, match="holds no products"):
        read_all(write(tmp_path, deep))
