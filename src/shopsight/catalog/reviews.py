"""What shoppers said of products: read from tables, kept in SQL, summed up."""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import ColumnElement, func, insert, or_, select

from shopsight.catalog.database import Database, reviews
from shopsight.catalog.product import Product, RowError
from shopsight.catalog.text_encoding import detect_encoding
from shopsight.errors import FeedError

STARS = (1, 2, 3, 4, 5)
_CHUNK = 500
_NAMES: Mapping[str, tuple[str, ...]] = {
    "product_id": ("product_id", "id", "sku"),
    "item_group_id": ("item_group_id",),
    "rating": ("rating", "stars"),
    "title": ("title", "headline"),
    "review": ("review", "text", "body", "content"),
    "reviewer": ("reviewer", "author", "name", "nickname"),
    "created_at": ("created_at", "date", "timestamp"),
}
"""Our field -> the columns it may come from, the best first."""


class Review(BaseModel):
    """What one shopper said.

    Attributes:
        product_id: Of the product; or empty, if all variants of a group are meant.
        item_group_id: Of the variants that are meant; or empty.
        rating: 1 to 5 stars.
        title: Its headline, or empty.
        review: Its text, or empty; plain.
        reviewer: Name that is shown, or empty.
        created_at: When it was written; ``None`` if that is not known.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={
            "examples": [
                {
                    "product_id": "MUG001",
                    "rating": 5,
                    "title": "My favourite",
                    "review": "Keeps tea warm for an hour.",
                    "reviewer": "Ana",
                }
            ]
        },
    )

    product_id: str = Field(default="", max_length=200)
    item_group_id: str = Field(default="", max_length=200)
    rating: float = Field(ge=1, le=5)
    title: str = Field(default="", max_length=500)
    review: str = Field(default="", max_length=10_000)
    reviewer: str = Field(default="", max_length=200)
    created_at: datetime | None = None

    @field_validator("created_at", mode="after")
    @classmethod
    def _with_zone(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @model_validator(mode="after")
    def _of_something(self) -> Self:
        if not self.product_id and not self.item_group_id:
            raise ValueError("product_id or item_group_id: one of them must say what is reviewed")
        return self

    def key(self) -> str:
        """Names the review: the same words of the same person for the same thing are one review."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class ReviewSummary:
    """All reviews of a product in figures.

    Attributes:
        count: How many there are.
        rating: Their mean, 1 to 5; ``None`` without any.
        stars: Number of stars -> how many gave it, rounded to whole stars.
    """

    count: int = 0
    rating: float | None = None
    stars: Mapping[int, int] = field(default_factory=lambda: dict.fromkeys(STARS, 0))


class ReviewStore:
    """Keeps reviews. Every method raises :class:`~shopsight.errors.StorageError` on failure.

    Args:
        database: Where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, given: Iterable[Review]) -> int:
        """Keep reviews; those that are known already are left alone.

        Returns:
            How many were new.
        """
        rows = {review.key(): review for review in given}
        keys = list(rows)
        added = 0
        now = time.time()
        with self._database.begin() as connection:
            for start in range(0, len(keys), _CHUNK):
                part = keys[start : start + _CHUNK]
                query = select(reviews.c.id).where(reviews.c.id.in_(part))
                known = set(connection.execute(query).scalars())
                new = [_row(key, rows[key], now) for key in part if key not in known]
                if new:
                    connection.execute(insert(reviews), new)
                added += len(new)
        return added

    def of(self, product: Product, *, limit: int = 10, offset: int = 0) -> list[Review]:
        """Reviews of a product and of its group, newest first; undated ones come last."""
        query = (
            select(reviews)
            .where(_about(product))
            .order_by(reviews.c.created_at.desc().nulls_last(), reviews.c.added_at, reviews.c.id)
            .limit(limit)
            .offset(offset)
        )
        with self._database.begin() as connection:
            return [
                Review(
                    product_id=row["product_id"],
                    item_group_id=row["item_group_id"],
                    rating=row["rating"],
                    title=row["title"],
                    review=row["review"],
                    reviewer=row["reviewer"],
                    created_at=None
                    if row["created_at"] is None
                    else datetime.fromtimestamp(row["created_at"], UTC),
                )
                for row in connection.execute(query).mappings()
            ]

    def summary(self, product: Product) -> ReviewSummary:
        """The reviews of a product and of its group in figures."""
        query = (
            select(reviews.c.stars, func.count(), func.sum(reviews.c.rating))
            .where(_about(product))
            .group_by(reviews.c.stars)
        )
        stars = dict.fromkeys(STARS, 0)
        total = 0.0
        with self._database.begin() as connection:
            for number, count, ratings in connection.execute(query):
                stars[number] = count
                total += ratings
        count = sum(stars.values())
        return ReviewSummary(count, total / count if count else None, stars)


def read_reviews(path: Path) -> Iterator[Review | RowError]:
    """Reviews of a CSV file, and what is wrong with its rows.

    Columns are ``rating``, ``product_id`` or ``item_group_id``, and if wanted ``title``,
    ``review``, ``reviewer`` and ``created_at``.

    Raises:
        FeedError: The file cannot be read, or lacks a column.
    """
    try:
        encoding = detect_encoding(lambda: path.open("rb"))
        with path.open(encoding=encoding.name, errors=encoding.errors, newline="") as stream:
            lines = csv.DictReader(stream)
            columns = _columns(lines.fieldnames or (), path)
            for row in lines:
                yield _review(row, columns, str(path), lines.line_num)
    except OSError as error:
        raise FeedError(f"{path} cannot be read: {error.strerror}") from error
    except csv.Error as error:
        raise FeedError(f"{path} is no CSV table: {error}") from error


def _columns(titles: Sequence[str], path: Path) -> dict[str, str]:
    known = {title.strip().lower().replace(" ", "_"): title for title in titles if title}
    found = {
        name: known[candidate]
        for name, candidates in _NAMES.items()
        for candidate in reversed(candidates)
        if candidate in known
    }
    if "rating" not in found or not {"product_id", "item_group_id"} & set(found):
        raise FeedError(
            f"{path} needs the column 'rating', and 'product_id' or 'item_group_id'. Its columns: "
            + (", ".join(titles) or "none")
        )
    return found


def _review(
    row: Mapping[str, str | None], columns: Mapping[str, str], source: str, line: int
) -> Review | RowError:
    cells = {name: (row.get(title) or "").strip() for name, title in columns.items()}
    try:
        return Review.model_validate({name: text for name, text in cells.items() if text})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        reason = "is missing" if first["type"] == "missing" else first["msg"]
        subject = cells.get("product_id") or cells.get("item_group_id") or ""
        return RowError(source=source, line=line, product_id=subject, field=name, reason=reason)


def _about(product: Product) -> ColumnElement[bool]:
    own = reviews.c.product_id == product.id
    if not product.item_group_id:
        return own
    # Of a group, reviews of single variants belong to these alone.
    whole = (reviews.c.item_group_id == product.item_group_id) & (reviews.c.product_id == "")
    return or_(own, whole)


def _row(key: str, review: Review, now: float) -> dict[str, object]:
    created = review.created_at.timestamp() if review.created_at is not None else None
    values = review.model_dump() | {"created_at": created}
    return values | {"id": key, "stars": int(review.rating + 0.5), "added_at": now}
