from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.catalog.database import Database
from shopsight.catalog.product import AttributeValue, Product
from shopsight.catalog.store import CatalogStore
from shopsight.index.base import FieldType
from shopsight.ingest.fields import CORE_FIELDS, MAX_ATTRIBUTES, FieldTypes, core_values


@pytest.fixture
def catalog(tmp_path: Path):
    """An empty catalogue."""
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield CatalogStore(database)
    database.close()


def product(**attributes: AttributeValue) -> Product:
    """A product with these attributes."""
    return Product(id="a", title="A", image_link="a.jpg", attributes=attributes)


def test_core_values_have_the_types_of_their_fields() -> None:
    """Every core field that a full product fills has a value of the declared type."""
    full = Product.model_validate(
        {
            "id": "a",
            "title": "A",
            "image_link": "a.jpg",
            "price": {"amount": "20", "currency": "EUR"},
            "sale_price": {"amount": "15.5", "currency": "EUR"},
            "availability": "in_stock",
            "brand": "Kavoa",
            "gtin": "2070824820410",
            "mpn": "M1",
            "item_group_id": "G1",
            "google_product_category": "Mugs",
            "product_type": "Kitchen > Mugs",
            "stock": 0,
            "rating": 0,
            "review_count": 3,
        }
    )
    values = core_values(full)
    assert values.keys() == CORE_FIELDS.keys()
    python = {FieldType.STRING: str, FieldType.NUMBER: int | float, FieldType.BOOLEAN: bool}
    assert all(isinstance(value, python[CORE_FIELDS[name]]) for name, value in values.items())
    assert (values["price"], values["on_sale"]) == (15.5, True)


def test_what_a_product_does_not_say_is_missing() -> None:
    """Empty texts and absent numbers are null in the index, not empty or zero."""
    assert core_values(product()) == {"title": "A", "on_sale": False}


def test_first_value_settles_the_type(catalog: CatalogStore) -> None:
    """Later values are fitted to the first type where that loses nothing, or reported."""
    types = FieldTypes(catalog)
    types.learn([product(size="M", watts=5, sizes=["S"])])
    values, problems = types.values(product(size=38, watts="five", sizes="L"))
    assert (values["size"], values["sizes"]) == ("38", ["L"])
    assert "watts" not in values
    assert len(problems) == 1
    assert "no number" in problems[0]


def test_types_outlive_the_process(catalog: CatalogStore) -> None:
    """Another run knows the types that an earlier one settled."""
    FieldTypes(catalog).learn([product(watts=5, organic=True)])
    assert (
        FieldTypes(catalog).all.items()
        >= {
            "watts": FieldType.NUMBER,
            "organic": FieldType.BOOLEAN,
        }.items()
    )


def test_attribute_named_like_a_core_field_changes_nothing(catalog: CatalogStore) -> None:
    """An attribute cannot take the place of a core field."""
    types = FieldTypes(catalog)
    odd = product(price="cheap")
    types.learn([odd])
    assert types.values(odd) == ({"title": "A", "on_sale": False}, [])


def test_number_of_fields_is_bounded(catalog: CatalogStore) -> None:
    """Beyond the bound attributes are reported and left out of the index, and nothing breaks."""
    types = FieldTypes(catalog)
    wide = product(**{f"a{number}": "x" for number in range(MAX_ATTRIBUTES + 5)})
    types.learn([wide])
    values, problems = types.values(wide)
    assert len(values) == MAX_ATTRIBUTES + 2
    assert len(problems) == 5
