"""Products out of the nodes of a JSON-LD document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from shopsight.catalog.assemble import Assembler
from shopsight.catalog.feed_source import FeedSource
from shopsight.catalog.prices import parse_price
from shopsight.catalog.product import Availability, Product, RowError
from shopsight.catalog.values import (
    BadValueError,
    as_text,
    parse_availability,
    parse_count,
    parse_rating,
    short_id,
)
from shopsight.catalog.variants import (
    Variant,
    by_picture,
    group_ids,
    group_names,
    merged_attributes,
    merged_fields,
)

Node = Mapping[str, object]

_PRODUCTS = frozenset(
    {
        "Product",
        "IndividualProduct",
        "ProductModel",
        "SomeProducts",
        "Vehicle",
        "Car",
        "ProductCollection",
    }
)
_GROUP = "ProductGroup"
_GTINS = ("gtin", "gtin13", "gtin12", "gtin14", "gtin8", "isbn")
_OPTIONS = ("color", "size", "material", "pattern")
_LIST_PRICES = ("listprice", "strikethroughprice", "msrp", "srp", "suggestedretailprice")
_DEPTH = 12


class JsonLdProducts:
    """Finds products in documents and reads them.

    Args:
        source: The feed.
    """

    def __init__(self, source: FeedSource) -> None:
        self._source = source
        self._assembler = Assembler(source, decimal_point=".")

    def read(self, line: int, document: object) -> Iterator[Product | RowError]:
        """Products of one document, wherever they are in it."""
        names: dict[str, Node] = {}
        found: list[Node] = []
        _collect(document, names, found, 0)
        inner = {
            id(_resolve(node, names)) for group in found for node in _nodes(group.get("hasVariant"))
        }
        for node in found:
            if id(node) in inner:
                continue
            self._source.count.rows += 1
            yield from (
                self._group(line, node, names)
                if _GROUP in _types(node)
                else self._single(line, node, names)
            )

    def _single(
        self, line: int, node: Node, names: Mapping[str, Node]
    ) -> Iterator[Product | RowError]:
        variant = self._variant(node, names)
        fields, attributes = _shared(node, names)
        fields |= merged_fields([variant], self._source.default_currency, ".")
        fields |= {"id": _id(node), "image_link": _images(node, names)}
        yield from self._rated(line, node, names, fields)
        yield from self._assembler.assemble(line, fields, attributes | _own_options(variant))

    def _group(
        self, line: int, node: Node, names: Mapping[str, Node]
    ) -> Iterator[Product | RowError]:
        """One product for each picture of the variants, as for other platforms."""
        members = [_resolve(variant, names) for variant in _nodes(node.get("hasVariant"))]
        if not members:
            yield from self._single(line, node, names)
            return
        gallery = _images(node, names)
        variants = [self._variant(member, names) for member in members]
        by_variant = {
            id(variant): member for variant, member in zip(variants, members, strict=True)
        }
        groups = by_picture(variants, gallery[0] if gallery else "")
        group_id = short_id(as_text(node.get("productGroupID")) or _id(node), 130)
        ids, titles = group_ids(group_id, groups), group_names(groups)
        shared, attributes = _shared(node, names)
        yield from self._rated(line, node, names, shared)
        for image, several in groups.items():
            first = by_variant[id(several[0])]
            own, own_attributes = _shared(first, names)
            title = " - ".join(
                filter(None, (as_text(shared["title"]), titles[image] if len(groups) > 1 else ""))
            )
            fields = {
                **shared,
                **{name: value for name, value in own.items() if value and name != "title"},
                **merged_fields(several, self._source.default_currency, "."),
                "id": several[0].key if len(groups) > 1 and several[0].key else ids[image],
                "title": title if shared["title"] else own["title"],
                "image_link": [image] if image else None,
                "additional_image_link": [link for variant in several for link in variant.images],
                "item_group_id": group_id,
            }
            yield from self._assembler.assemble(
                line, fields, {**attributes, **own_attributes, **merged_attributes(several)}
            )

    def _rated(
        self, line: int, node: Node, names: Mapping[str, Node], fields: dict[str, object]
    ) -> Iterator[RowError]:
        """Add the mean review to the fields."""
        rating = _resolve(_first(node.get("aggregateRating")), names)
        try:
            fields["rating"] = parse_rating(rating.get("ratingValue"), rating.get("bestRating"))
            fields["review_count"] = parse_count(
                rating.get("reviewCount") or rating.get("ratingCount")
            )
        except BadValueError as error:
            yield self._source.problem(
                str(error), line=line, field="rating", product_id=_id(node), severity="warning"
            )

    def _variant(self, node: Node, names: Mapping[str, Node]) -> Variant:
        price, sale, availability = self._offer(node, names)
        options = {name: text for name in _OPTIONS if (text := _words(node.get(name), names))}
        return Variant(
            key=_id(node),
            sku=as_text(node.get("sku")),
            gtin=next((text for name in _GTINS if (text := as_text(node.get(name)))), ""),
            price=price,
            sale_price=sale,
            availability=availability,
            images=_images(node, names),
            options=options,
        )

    def _offer(
        self, node: Node, names: Mapping[str, Node]
    ) -> tuple[object, object, Availability | None]:
        """Regular price, reduced price, and supply of the cheapest offer."""
        offers = [_resolve(offer, names) for offer in _nodes(node.get("offers"))]
        for offer in list(offers):
            offers += [_resolve(inner, names) for inner in _nodes(offer.get("offers"))]
        prices = [
            (offer, price) for offer in offers if (price := _price_of(offer, names)) is not None
        ]
        states = [state for offer in offers if (state := _supply(offer)) is not None]
        supply = (
            Availability.IN_STOCK if Availability.IN_STOCK in states else next(iter(states), None)
        )
        if not prices:
            return None, None, supply
        offer, price = min(prices, key=lambda pair: self._amount(pair[1]))
        regular = _list_price(offer, names)
        if regular is not None and self._amount(regular) > self._amount(price):
            return regular, price, supply
        return price, None, supply

    def _amount(self, price: Mapping[str, object]) -> Decimal:
        try:
            found = parse_price(price, self._source.default_currency or "EUR", decimal_point=".")
        except BadValueError:
            found = None
        return found.amount if found else Decimal("Infinity")


def _collect(value: object, names: dict[str, Node], found: list[Node], depth: int) -> None:
    """All nodes with a name, and all products that are not inside another product."""
    if depth > _DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            _collect(item, names, found, depth + 1)
    elif isinstance(value, dict):
        name = value.get("@id")
        if isinstance(name, str) and len(value) > 1:
            names.setdefault(name, value)
        is_product = bool(_types(value) & {*_PRODUCTS, _GROUP})
        if is_product:
            found.append(value)
        hidden: list[Node] = []  # related products and the like are not the shop's own list
        for inner in value.values():
            if isinstance(inner, list | dict):
                _collect(inner, names, hidden if is_product else found, depth + 1)


def _types(node: Node) -> set[str]:
    kinds = node.get("@type")
    several = kinds if isinstance(kinds, list) else [kinds]
    return {as_text(kind).rsplit("/", 1)[-1].rsplit(":", 1)[-1] for kind in several if kind}


def _nodes(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _first(value: object) -> object:
    return next(iter(_nodes(value)), None)


def _resolve(value: object, names: Mapping[str, Node]) -> Node:
    """A node, looked up where only its name is given."""
    if not isinstance(value, dict):
        return names.get(value, {}) if isinstance(value, str) else {}
    name = value.get("@id")
    return names.get(name, value) if isinstance(name, str) and len(value) == 1 else value


def _words(value: object, names: Mapping[str, Node]) -> str:
    """Text of a value that may be an object with a name, or a list of them."""
    texts = []
    for item in _nodes(value):
        node = _resolve(item, names)
        text = (
            as_text(node.get("name") or node.get("value") or node.get("@value"))
            if node
            else as_text(item)
        )
        if node or (text and not isinstance(item, dict)):
            texts.append(text)
    return "/".join(dict.fromkeys(filter(None, texts)))


def _images(node: Node, names: Mapping[str, Node]) -> list[str]:
    links = []
    for item in _nodes(node.get("image")):
        if isinstance(item, str) and item not in names:
            links.append(item)
            continue
        picture = _resolve(item, names)
        for key in ("contentUrl", "url", "@id"):
            link = _first(picture.get(key))
            if isinstance(link, str) and link:
                links.append(link)
                break
    return list(dict.fromkeys(link.strip() for link in links if link.strip()))


def _id(node: Node) -> str:
    identifier = _first(node.get("identifier"))
    if isinstance(identifier, dict):
        identifier = identifier.get("value")
    candidates = [node.get("sku"), node.get("productID"), node.get("productGroupID"), identifier]
    candidates += [
        *(node.get(name) for name in _GTINS),
        node.get("mpn"),
        node.get("@id"),
        node.get("url"),
    ]
    return short_id(next((text for item in candidates if (text := as_text(_first(item)))), ""))


def _shared(node: Node, names: Mapping[str, Node]) -> tuple[dict[str, object], dict[str, object]]:
    """Fields and attributes apart from offers, options and pictures."""
    offer = _resolve(_first(node.get("offers")), names)
    parent = _resolve(_first(node.get("isVariantOf")), names)
    category = node.get("category")
    fields: dict[str, object] = {
        "title": _words(node.get("name"), names),
        "description": _words(node.get("description"), names),
        "link": as_text(_first(node.get("url"))) or as_text(_first(offer.get("url"))),
        "brand": _words(node.get("brand"), names) or _words(node.get("manufacturer"), names),
        "mpn": as_text(_first(node.get("mpn"))),
        "product_type": as_text(category) if isinstance(category, str) else _words(category, names),
        "item_group_id": as_text(parent.get("productGroupID") or node.get("inProductGroupWithID")),
    }
    attributes: dict[str, object] = {}
    for item in _nodes(node.get("additionalProperty")):
        extra = _resolve(item, names)
        name, value = as_text(extra.get("name")), extra.get("value")
        if name:
            attributes[name] = _words(value, names) if isinstance(value, list | dict) else value
    condition = as_text(node.get("itemCondition") or offer.get("itemCondition")).rsplit("/", 1)[-1]
    attributes["condition"] = condition.removesuffix("Condition").casefold()
    return fields, attributes


def _own_options(variant: Variant) -> dict[str, object]:
    return merged_attributes([variant])


def _supply(offer: Node) -> Availability | None:
    try:
        return parse_availability(_first(offer.get("availability")))
    except BadValueError:
        return None


def _price_of(offer: Node, names: Mapping[str, Node]) -> dict[str, object] | None:
    """What the offer costs now."""
    currency = offer.get("priceCurrency")
    for name in ("price", "lowPrice"):
        if as_text(offer.get(name)):
            return {"value": offer[name], "currency": currency}
    for value in _nodes(offer.get("priceSpecification")):
        part = _resolve(value, names)
        if as_text(part.get("price")) and not _is_list_price(part):
            return {"value": part["price"], "currency": part.get("priceCurrency") or currency}
    return None


def _list_price(offer: Node, names: Mapping[str, Node]) -> dict[str, object] | None:
    """The price before a reduction."""
    for value in _nodes(offer.get("priceSpecification")):
        part = _resolve(value, names)
        if as_text(part.get("price")) and _is_list_price(part):
            return {
                "value": part["price"],
                "currency": part.get("priceCurrency") or offer.get("priceCurrency"),
            }
    return None


def _is_list_price(part: Node) -> bool:
    return as_text(part.get("priceType")).rsplit("/", 1)[-1].casefold() in _LIST_PRICES
