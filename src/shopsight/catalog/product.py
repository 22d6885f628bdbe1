"""A product as the shop sells it, and what can be wrong with a row of its feed."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

AttributeValue = bool | int | float | str | list[str]
"""A typed attribute: what a filter can compare. Lists hold several values, such as sizes."""

AttributeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""Lower-case snake case: the spelling used in filters. Feed readers convert column titles to it."""


class Availability(StrEnum):
    """Google Merchant's four states of supply."""

    IN_STOCK = "in_stock"
    OUT_OF_STOCK = "out_of_stock"
    PREORDER = "preorder"
    BACKORDER = "backorder"


class Price(BaseModel):
    """An amount of money: never a float, never without its currency.

    Attributes:
        amount: Not negative, in the currency's main unit (14.90, not 1490).
        currency: ISO 4217 code.
    """

    model_config = ConfigDict(frozen=True)

    amount: Decimal = Field(ge=0, max_digits=14, decimal_places=4)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Product(BaseModel):
    """One thing a shopper can buy. Field names are Google Merchant's.

    Attributes:
        id: The shop's own key, unique in the catalogue, 1 to 200 characters.
        title: Name shown to shoppers.
        description: Plain text; mark-up is removed by the feed readers.
        link: Page of the product in the shop, or empty.
        image_link: Main picture: http(s) URL, ``file:`` URL, or path relative to the feed.
        additional_image_link: Further pictures, best first.
        price: Regular price.
        sale_price: Reduced price in force now (readers drop one whose dates have passed).
        availability: State of supply; ``None`` when the feed does not say.
        brand: Maker's name, or empty.
        gtin: GTIN-8, -12, -13 or -14 with a right check digit, or empty.
        mpn: The maker's part number, or empty.
        item_group_id: Joins the variants of one design, or empty.
        google_product_category: Path or number in Google's taxonomy, or empty.
        product_type: The shop's own category path, such as ``Kitchen > Mugs``, or empty.
        stock: Pieces at hand.
        rating: Mean review, 0 to 5.
        review_count: Number of reviews.
        attributes: Everything else, typed: ``color``, ``size``, ``material`` ...
    """

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    id: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=1000)
    description: str = Field(default="", max_length=20_000)
    link: str = Field(default="", max_length=4000)
    image_link: str = Field(min_length=1, max_length=4000)
    additional_image_link: tuple[str, ...] = Field(default=(), max_length=50)
    price: Price | None = None
    sale_price: Price | None = None
    availability: Availability | None = None
    brand: str = Field(default="", max_length=200)
    gtin: str = Field(default="", pattern=r"^(\d{8}|\d{12,14})?$")
    mpn: str = Field(default="", max_length=200)
    item_group_id: str = Field(default="", max_length=200)
    google_product_category: str = Field(default="", max_length=1000)
    product_type: str = Field(default="", max_length=1000)
    stock: int | None = Field(default=None, ge=0)
    rating: float | None = Field(default=None, ge=0, le=5)
    review_count: int | None = Field(default=None, ge=0)
    attributes: dict[AttributeName, AttributeValue] = Field(default_factory=dict)

    @property
    def image_links(self) -> tuple[str, ...]:
        """All pictures, the main one first, each once."""
        return tuple(dict.fromkeys((self.image_link, *self.additional_image_link)))

    @property
    def current_price(self) -> Price | None:
        """What a shopper pays now: the sale price where there is one."""
        return self.sale_price or self.price

    def content_hash(self) -> str:
        """SHA-256 of all fields, in hex: two products with the same hash are the same."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class RowError(BaseModel):
    """Something wrong with one row of a feed.

    Attributes:
        source: File or URL of the feed.
        line: Line, record or item number, from 1, as an editor shows it; ``None`` if it has none.
        product_id: Id of the product, where it could be read.
        field: Field that is wrong; empty when the whole row is.
        reason: What is wrong and what to do, for people.
        severity: ``error``: the row was skipped; ``warning``: the field was left out, the product
            kept.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    line: int | None = None
    product_id: str = ""
    field: str = ""
    reason: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line is not None else self.source
        named = f" {self.product_id}" if self.product_id else ""
        field = f" [{self.field}]" if self.field else ""
        return f"{place}{named}{field}: {self.reason}"
