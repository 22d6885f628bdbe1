"""What is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shopsight.catalog.product import Product
from shopsight.errors import QueryError
from shopsight.search.focus import Focus

MAX_DEPTH = 1000
"""``offset + limit`` at most: nobody turns that many pages, and each costs."""


@dataclass(frozen=True, slots=True)
class Query:
    """A photo search.

    Attributes:
        image: Bytes of the photo as the shopper sent it.
        where: Filter text, or empty; see ``docs/filters.md``.
        limit: Products wanted, 1 to 1000.
        offset: Products to skip; ``offset + limit`` is at most 1000.
        focus: What makes products alike.

    Raises:
        QueryError: A number is out of range.
    """

    image: bytes
    where: str = ""
    limit: int = 10
    offset: int = 0
    focus: Focus = Focus.BALANCED

    def __post_init__(self) -> None:
        if self.limit < 1 or self.offset < 0 or self.offset + self.limit > MAX_DEPTH:
            raise QueryError(
                f"limit {self.limit} and offset {self.offset} are out of range: limit is at "
                f"least 1, offset at least 0, and both together at most {MAX_DEPTH}."
            )


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that was found.

    Attributes:
        product: The product.
        score: Cosine similarity of the photo and the product's best picture, -1 to 1; with the L2
            metric, minus the squared distance. Both with the weights of the focus.
        position: Which of the product's pictures matched best; 0 is the main one.
        image_link: Link of that picture, as in the feed.
        image_location: Where that picture really is: an absolute path or a URL.
    """

    product: Product
    score: float
    position: int
    image_link: str
    image_location: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Answer to a query.

    Attributes:
        query_id: Key of this answer, for events that refer to it.
        hits: Products, best first.
        total: Products that could be found at all: those in the index that pass the filter.
        timings_ms: Milliseconds by stage: ``decode``, ``encode``, ``search``, ``hydrate``,
            ``total``.
    """

    query_id: str
    hits: tuple[Hit, ...]
    total: int
    timings_ms: Mapping[str, float]
