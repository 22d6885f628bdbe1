"""Which column of a table is which field of a product: as told, or by sensible guesses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shopsight.catalog.product import Product
from shopsight.catalog.values import attribute_name
from shopsight.errors import FeedError

REQUIRED = ("id", "title", "image_link")
EXTRA_FIELDS = ("sale_price_effective_date", "currency")
"""Read with the others, but no fields of a product."""

FIELDS = (*(name for name in Product.model_fields if name != "attributes"), *EXTRA_FIELDS)

RESERVED = frozenset((*Product.model_fields, "currency", "on_sale"))
"""Names that filters use for fields of the product; no attribute may take them."""

_GUESSES: Mapping[str, str] = {
    "id": """
        id product_id item_id offer_id sku item_sku product_code item_code
        article_number article_no asin handle code uuid artikelnummer artikel_nr
        produktnummer reference référence referencia 商品id 商品编号 编号 货号
    """,
    "title": """
        title name product_name product_title item_name product_display_name
        productdisplayname item_title titel bezeichnung artikelbezeichnung produktname
        nom titre nombre titulo título 标题 名称 商品名称 商品标题 品名
    """,
    "description": """
        description product_description long_description body body_html desc summary
        details short_description beschreibung descripción descripcion descrizione 描述
        商品描述 简介
    """,
    "link": """
        link url product_url product_link deep_link deeplink landing_page permalink
        page_url produktlink lien enlace 链接 商品链接
    """,
    "image_link": """
        image_link image picture image_url img_url img image_src image_path image_file
        photo photo_url picture_url main_image main_image_url main_image_link
        primary_image thumbnail thumbnail_url image_1 image1 image_url_1 filename
        file_name images image_links image_urls pictures photos img_urls bild bild_url
        bildlink bilder image_principale imagen foto 图片 主图 图片链接 商品图片
    """,
    "additional_image_link": """
        additional_image_link additional_image_links additional_images
        additional_image additional_image_urls other_images other_image_urls
        more_images extra_images gallery gallery_images images image_links image_urls
        pictures photos weitere_bilder 附加图片 更多图片
    """,
    "price": """
        price regular_price list_price current_price price_eur price_usd unit_price
        retail_price rrp msrp cost amount preis prix precio prezzo 价格 原价 售价
    """,
    "sale_price": """
        sale_price special_price discounted_price discount_price promo_price
        offer_price angebotspreis 促销价 折扣价 现价
    """,
    "sale_price_effective_date": "sale_price_effective_date sale_price_dates",
    "currency": "currency currency_code price_currency währung waehrung devise moneda 币种 货币",
    "availability": """
        availability stock_status in_stock instock is_in_stock available verfügbarkeit
        verfuegbarkeit disponibilité 库存状态
    """,
    "brand": "brand brand_name manufacturer vendor maker marke hersteller marque marca 品牌",
    "gtin": "gtin ean ean13 upc barcode gtin13 gtin14 gtin12 gtin8 isbn isbn13 jan 条码 条形码",
    "mpn": "mpn manufacturer_part_number part_number model_number",
    "item_group_id": "item_group_id parent_id group_id parent_sku style_id product_group_id",
    "google_product_category": "google_product_category google_category",
    "product_type": """
        product_type category categories category_path category_name product_category
        type department breadcrumb kategorie catégorie categoria categoría 类目 分类 类别 品类
    """,
    "stock": """
        stock quantity qty inventory stock_quantity inventory_quantity stock_level
        quantity_available quantity_to_sell_on_facebook lagerbestand bestand 库存 库存数量
    """,
    "rating": "rating average_rating avg_rating stars review_rating rating_value bewertung 评分",
    "review_count": """
        review_count reviews reviews_count rating_count number_of_reviews num_reviews
        评论数
    """,
}
_MORE_PICTURES = re.compile(
    r"(?:additional_|product_|main_)?(?:image|img|picture|photo|bild|foto)"
    r"(?:_(?:link|url|src|path))?_?(\d+)"
)
_SECRET = re.compile(
    r"cost|cost_(?:price|per_item|of_goods(?:_sold)?)|"
    r"(?:purchase|wholesale|buying|einkaufs)_?(?:price|preis)|"
    r"supplier_price|margin|profit"
)
"""What the shop pays is nobody's business: such columns become no attributes."""

_KNOWN_SHAPES = 1000
_UNWANTED = re.compile(
    r"shipping(?:_.*)?|tax(?:_.*)?|tax_category|unnamed(?:_\d+)?|index_level_\d+"
)


def normal(title: str) -> str:
    """A column title reduced to what guesses compare: lower snake case, without Google's ``g:``."""
    name = re.sub(
        r"[\W_]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", title.strip()).casefold()
    ).strip("_")
    return name.removeprefix("g_")


_ALIASES: Mapping[str, tuple[str, ...]] = {
    field: tuple(dict.fromkeys(normal(word) for word in words.split()))
    for field, words in _GUESSES.items()
}


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What becomes of each column.

    Attributes:
        fields: Field -> its columns, best first. Only ``additional_image_link`` has several.
        attributes: Column -> name of its attribute.
    """

    fields: Mapping[str, Sequence[str]]
    attributes: Mapping[str, str]

    def split(self, row: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """Raw values of a row by field, and by attribute."""
        fields: dict[str, object] = {}
        for field, columns in self.fields.items():
            if len(columns) == 1:
                fields[field] = row.get(columns[0])
            else:
                fields[field] = [row.get(column) for column in columns]
        return fields, {name: row.get(column) for column, name in self.attributes.items()}

    def missing(self) -> list[str]:
        """Required fields without a column."""
        return [field for field in REQUIRED if field not in self.fields]


def plan_columns(columns: Sequence[str], mapping: Mapping[str, str], label: str) -> ColumnPlan:
    """Decide what becomes of each column.

    Args:
        columns: Titles.
        mapping: Field, or name of an attribute -> title, as told by the user.
        label: Name of the feed, for messages.

    Raises:
        FeedError: The mapping names a column that is not there, or a field that cannot be.
    """
    told: dict[str, list[str]] = {}
    named: dict[str, str] = {}
    for field, column in mapping.items():
        found = _find(column, columns, label)
        if field in FIELDS:
            told[field] = [found]
        elif field and attribute_name(field) == field:
            named[found] = field
        else:
            raise FeedError(
                f"{field!r} is no field; fields and attributes are lower case, such as image_link"
            )
    fields = _guess(columns, told, set(named))
    used = {column for several in fields.values() for column in several}
    attributes = dict(named)
    taken = set(named.values())
    for column in columns:
        name = attribute_name(normal(column))
        if (
            column in used
            or column in named
            or not name
            or _SECRET.fullmatch(name)
            or _UNWANTED.fullmatch(name)
        ):
            continue
        attributes[column] = free_name(name, taken)
        taken.add(attributes[column])
    return ColumnPlan(fields, attributes)


class PlanCache:
    """Plans for records that each name their own fields; made once for each set of names.

    Args:
        mapping: Field -> name, as told; what a record lacks is left out for it.
        label: Name of the feed, for messages.
    """

    def __init__(self, mapping: Mapping[str, str], label: str) -> None:
        self._mapping = mapping
        self._label = label
        self._plans: dict[tuple[str, ...], ColumnPlan] = {}

    def split(self, record: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
        """Raw values of a record by field, and by attribute."""
        names = tuple(record)
        if names not in self._plans:
            if len(self._plans) >= _KNOWN_SHAPES:
                self._plans.clear()
            known = {normal(name) for name in names}
            present = {
                field: told for field, told in self._mapping.items() if normal(told) in known
            }
            self._plans[names] = plan_columns(names, present, self._label)
        return self._plans[names].split(record)


def free_name(name: str, taken: set[str]) -> str:
    """The name for an attribute, changed where it would clash with a field or another attribute."""
    wanted = f"feed_{name}" if name in RESERVED else name
    free, number = wanted, 2
    while free in taken:
        free, number = f"{wanted}_{number}", number + 1
    return free


def knows(columns: Sequence[str], mapping: Mapping[str, str]) -> bool:
    """Whether columns look like products': all of the mapping, or two required fields known."""
    if mapping:
        return all(
            any(normal(column) == normal(told) for column in columns) for told in mapping.values()
        )
    return len(set(REQUIRED) & set(_guess(columns, {}, set()))) >= len(REQUIRED) - 1


def _find(wanted: str, columns: Sequence[str], label: str) -> str:
    if wanted in columns:
        return wanted
    for column in columns:
        if column and normal(column) == normal(wanted):
            return column
    shown = ", ".join(column for column in columns if column)
    raise FeedError(f"{label} has no column {wanted!r}; it has: {shown}")


def _guess(
    columns: Sequence[str], told: Mapping[str, list[str]], named: set[str]
) -> dict[str, list[str]]:
    fields = dict(told)
    used = {column for several in told.values() for column in several} | named
    by_name: dict[str, str] = {}
    for column in columns:
        if column and column not in used:
            by_name.setdefault(normal(column), column)
    for field, aliases in _ALIASES.items():
        alias = next((alias for alias in aliases if alias in by_name), None)
        if field not in fields and alias is not None:
            fields[field] = [by_name.pop(alias)]
    if "additional_image_link" not in told:
        numbered = sorted(
            (int(match[1]), name) for name in by_name if (match := _MORE_PICTURES.fullmatch(name))
        )
        more = [*fields.get("additional_image_link", []), *(by_name[name] for _, name in numbered)]
        if more:
            fields["additional_image_link"] = more
    return fields
