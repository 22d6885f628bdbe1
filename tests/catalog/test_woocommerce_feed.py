from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from shopsight.catalog.feeds import detect_format
from shopsight.catalog.product import Availability, Price, Product
from shopsight.errors import FeedError
from shopsight.testing.feeds import read_all

FEED = Path(__file__).parent / "feeds" / "woocommerce.csv"


@pytest.fixture
def products() -> dict[str, Product]:
    """The example's products by id."""
    found, _ = read_all(FEED, default_currency="EUR")
    return {product.id: product for product in found}


def test_variations_join_their_parent_wherever_they_stand(products):
    """Rows that name the parent by id or article number become one product for each picture."""
    assert detect_format(FEED) == "woocommerce"
    blue, green = products["61"], products["63"]
    assert (blue.title, green.title) == ("Hoodie - Blue", "Hoodie - Green")
    assert (blue.item_group_id, green.item_group_id) == ("44", "44")
    assert blue.attributes["size"] == ["S", "M"]
    assert blue.attributes["color"] == "Blue"
    assert blue.price == Price(amount=Decimal(42), currency="EUR")
    assert blue.stock == 2
    assert (blue.availability, green.availability) == (
        Availability.IN_STOCK,
        Availability.OUT_OF_STOCK,
    )
    assert blue.description == "Warm hoodie"
    assert (blue.brand, blue.product_type) == ("Kavoa", "Clothing > Hoodies")
    assert blue.image_link == "https://img.example/hoodie-blue.jpg"


def test_simple_products_have_localised_prices_and_dated_sales(products):
    """Decimal commas, escaped commas in categories, and sale dates are understood."""
    beanie = products["48"]
    assert beanie.price == Price(amount=Decimal("19.90"), currency="EUR")
    assert beanie.sale_price == Price(amount=Decimal("17.90"), currency="EUR")
    assert beanie.product_type == "Clothing > Caps, Hats"
    assert beanie.gtin == "4006381333931"
    assert beanie.attributes == {
        "material": "Wool",
        "tags": ["wool", "winter"],
        "categories": ["Clothing > Caps, Hats"],
        "sku": ["beanie"],
    }
    assert products["51"].availability is Availability.OUT_OF_STOCK


def test_what_is_not_shown_or_lost_its_parent_is_reported():
    """Drafts and hidden products are warnings, an orphan is an error; each names its line."""
    _, problems = read_all(FEED, default_currency="EUR")
    assert [(problem.line, problem.product_id, problem.severity) for problem in problems] == [
        (4, "49", "warning"),
        (5, "50", "warning"),
        (10, "64", "error"),
    ]
    assert "'id:999' is not in the feed" in problems[-1].reason


def test_a_parent_without_variations_is_a_product(tmp_path: Path):
    """A variable product whose variations were not exported is still shown."""
    path = tmp_path / "feed.csv"
    head = FEED.read_text().splitlines(keepends=True)[:2]
    path.write_text("".join(head))
    (hoodie,), _ = read_all(path, default_currency="EUR")
    assert hoodie.id == "44"
    assert hoodie.attributes["size"] == ["S", "M"]
    assert hoodie.attributes["color"] == "Blue/Green"


def test_a_mapping_is_refused():
    """The columns are fixed; the message names the way around."""
    with pytest.raises(FeedError, match="--format table"):
        read_all(FEED, format="woocommerce", mapping={"id": "SKU"})
