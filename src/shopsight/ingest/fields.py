"""Which facts of a product can be filtered by, and of what type each is."""

from __future__ import annotations

from collections.abc import Mapping

from shopsight.catalog.product import AttributeValue, Product
from shopsight.catalog.store import CatalogStore
from shopsight.index.base import FieldType

CORE_FIELDS: Mapping[str, FieldType] = {
    "title": FieldType.STRING,
    "brand": FieldType.STRING,
    "price": FieldType.NUMBER,
    "currency": FieldType.STRING,
    "on_sale": FieldType.BOOLEAN,
    "availability": FieldType.STRING,
    "stock": FieldType.NUMBER,
    "rating": FieldType.NUMBER,
    "review_count": FieldType.NUMBER,
    "gtin": FieldType.STRING,
    "mpn": FieldType.STRING,
    "item_group_id": FieldType.STRING,
    "google_product_category": FieldType.STRING,
    "product_type": FieldType.STRING,
}
"""Fields of every product. ``price`` is what a shopper pays now."""

MAX_ATTRIBUTES = 200
"""Attributes that become fields; a feed with a column per product must not break the index."""


def core_values(product: Product) -> dict[str, AttributeValue]:
    """Values of :data:`CORE_FIELDS`; what the product does not say is missing."""
    price = product.current_price
    values: dict[str, AttributeValue | None] = {
        "title": product.title,
        "brand": product.brand or None,
        "price": float(price.amount) if price else None,
        "currency": price.currency if price else None,
        "on_sale": product.sale_price is not None,
        "availability": product.availability.value if product.availability else None,
        "stock": product.stock,
        "rating": product.rating,
        "review_count": product.review_count,
        "gtin": product.gtin or None,
        "mpn": product.mpn or None,
        "item_group_id": product.item_group_id or None,
        "google_product_category": product.google_product_category or None,
        "product_type": product.product_type or None,
    }
    return {name: value for name, value in values.items() if value is not None}


class FieldTypes:
    """Types of all filterable fields. The first value of an attribute settles its type for good.

    Args:
        catalog: Where types are remembered.
    """

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog
        self._types = {name: FieldType(kind) for name, kind in catalog.attribute_types().items()}

    @property
    def all(self) -> dict[str, FieldType]:
        """Core fields and attributes."""
        return self._types | dict(CORE_FIELDS)

    def learn(self, products: list[Product]) -> None:
        """Settle types of attributes not seen before."""
        new: dict[str, FieldType] = {}
        for product in products:
            for name, value in product.attributes.items():
                if name in self._types or name in new or name in CORE_FIELDS:
                    continue
                if len(self._types) + len(new) < MAX_ATTRIBUTES:
                    new[name] = type_of(value)
        self._catalog.add_attribute_types({name: kind.value for name, kind in new.items()})
        self._types |= new

    def values(self, product: Product) -> tuple[dict[str, AttributeValue], list[str]]:
        """What the index stores for a product.

        Returns:
            Values by field, and a message for each attribute that does not fit its field's type.
        """
        values = core_values(product)
        problems: list[str] = []
        for name, value in product.attributes.items():
            if name in CORE_FIELDS:
                continue
            kind = self._types.get(name)
            if kind is None:
                problems.append(
                    f"{name}: there are {MAX_ATTRIBUTES} attributes already; this one is shown but "
                    "cannot be filtered by"
                )
            elif type_of(value) is kind:
                values[name] = value
            elif kind is FieldType.STRING and not isinstance(value, list):
                values[name] = str(value)
            elif kind is FieldType.STRINGS and isinstance(value, str):
                values[name] = [value]
            else:
                problems.append(
                    f"{name}: {value!r} is no {kind}, which it was for earlier products"
                )
        return values, problems


def type_of(value: AttributeValue) -> FieldType:
    """Field type that holds a value."""
    if isinstance(value, bool):
        return FieldType.BOOLEAN
    if isinstance(value, int | float):
        return FieldType.NUMBER
    return FieldType.STRINGS if isinstance(value, list) else FieldType.STRING
