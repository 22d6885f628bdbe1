"""Variants of one design: how many products they are to a camera.

Sizes look the same, colours do not. So there is one product for each picture that variants have;
what varies among the variants of one picture becomes a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from shopsight.catalog.prices import parse_price
from shopsight.catalog.product import Availability
from shopsight.catalog.values import BadValueError, as_text, attribute_name, parse_gtin, slug

JOINED = frozenset({"color", "material", "pattern"})
"""Text, as in Google's feeds, where several are joined by a slash; all other options are lists."""

_SPELLINGS = {
    "colour": "color",
    "farbe": "color",
    "couleur": "color",
    "u989c_u8272": "color",
    "u5c3a_u7801": "size",
}
_SUPPLY = (
    Availability.IN_STOCK,
    Availability.PREORDER,
    Availability.BACKORDER,
    Availability.OUT_OF_STOCK,
)


@dataclass(slots=True)
class Variant:
    """One variant as the feed gives it; values are raw.

    Attributes:
        key: Own id of the variant in the feed, or empty.
        sku: The shop's article number.
        gtin: Barcode.
        price: Regular price.
        sale_price: Reduced price.
        availability: State of supply.
        stock: Pieces at hand.
        images: Its own pictures.
        options: Option -> value, such as ``Size`` -> ``M``.
    """

    key: str = ""
    sku: str = ""
    gtin: str = ""
    price: object = None
    sale_price: object = None
    sale_dates: str = ""
    availability: Availability | None = None
    stock: int | None = None
    images: Sequence[str] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def by_picture(variants: Sequence[Variant], main_image: str) -> dict[str, list[Variant]]:
    """Variants by their picture, in order; those without one are shown by the main picture."""
    groups: dict[str, list[Variant]] = {}
    for variant in variants:
        groups.setdefault(variant.images[0] if variant.images else main_image, []).append(variant)
    return groups


def group_names(groups: Mapping[str, Sequence[Variant]]) -> dict[str, str]:
    """What tells each picture's variants from the others, such as ``Red``; may be empty."""
    shared = [_constant_options(variants) for variants in groups.values()]
    telling = (
        [name for name in shared[0] if len({options.get(name) for options in shared}) > 1]
        if shared
        else []
    )
    return {
        image: " ".join(options[name] for name in telling if name in options)
        for image, options in zip(groups, shared, strict=True)
    }


def _constant_options(variants: Sequence[Variant]) -> dict[str, str]:
    first = variants[0].options
    return {
        name: value
        for name, value in first.items()
        if all(variant.options.get(name) == value for variant in variants)
    }


def group_ids(parent: str, groups: Mapping[str, Sequence[Variant]]) -> dict[str, str]:
    """A stable, unique id for each picture: the parent's, with what tells it from the others."""
    if len(groups) == 1:
        return dict.fromkeys(groups, parent)
    ids: dict[str, str] = {}
    for image, name in group_names(groups).items():
        part = slug(name) or slug(groups[image][0].sku) or "main"
        wanted, number = f"{parent}-{part}", 2
        while wanted in ids.values():
            wanted, number = f"{parent}-{part}-{number}", number + 1
        ids[image] = wanted
    return ids


def merged_fields(
    variants: Sequence[Variant], currency: str | None, decimal_point: str
) -> dict[str, object]:
    """Fields of several variants together: the lowest price, the best supply, all pieces."""
    cheapest = min(variants, key=lambda variant: _amount(variant, currency, decimal_point))
    stocks = [variant.stock for variant in variants if variant.stock is not None]
    states = {variant.availability for variant in variants}
    gtins = list(dict.fromkeys(variant.gtin for variant in variants if variant.gtin))
    return {
        "price": cheapest.price,
        "sale_price": cheapest.sale_price,
        "sale_price_effective_date": cheapest.sale_dates,
        "availability": next((state for state in _SUPPLY if state in states), None),
        "stock": sum(max(0, pieces) for pieces in stocks) if stocks else None,
        "gtin": gtins[0] if len(gtins) == 1 else "",
    }


def _amount(variant: Variant, currency: str | None, decimal_point: str) -> Decimal:
    """What the variant costs, for comparing; infinite when its price is unusable."""
    amounts = []
    for value in (variant.price, variant.sale_price):
        try:
            # any currency will do: the feed has one
            price = parse_price(value, currency or "EUR", decimal_point=decimal_point)
        except BadValueError:
            continue
        if price is not None:
            amounts.append(price.amount)
    return min(amounts, default=Decimal("Infinity"))


def option_attributes(options: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Options by title, with their values, as attributes of the right name and type."""
    attributes: dict[str, object] = {}
    for title, values in options.items():
        distinct = list(dict.fromkeys(value for value in values if value))
        name = attribute_name(title)
        name = _SPELLINGS.get(name, name)
        attributes[name] = "/".join(distinct) if name in JOINED else distinct
    return attributes


def merged_attributes(variants: Sequence[Variant]) -> dict[str, object]:
    """Options and article numbers of several variants.

    Types depend on the name alone, never on how many values there are: a filter needs that.
    """
    titles = dict.fromkeys(title for variant in variants for title in variant.options)
    attributes = option_attributes(
        {title: [variant.options.get(title, "") for variant in variants] for title in titles}
    )
    attributes["sku"] = [variant.sku for variant in variants if variant.sku]
    gtins = {as_text(variant.gtin) for variant in variants} - {""}
    if len(gtins) > 1:
        attributes["gtins"] = sorted(filter(None, map(_gtin, gtins)))
    return attributes


def _gtin(text: str) -> str:
    try:
        return parse_gtin(text)
    except BadValueError:
        return ""
