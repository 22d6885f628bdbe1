"""What is asked, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shopsight.catalog.product import Product
from shopsight.errors import QueryError
from shopsight.images.boxes import Box
from shopsight.search.choices import Cutoff, GroupBy, Sort
from shopsight.search.focus import Focus
from shopsight.words.chips import Chip

__all__ = [
    "Chip",
    "Cutoff",
    "Facet",
    "FacetValue",
    "FoundObject",
    "GroupBy",
    "Hit",
    "Match",
    "Query",
    "SearchResult",
    "Sort",
    "Weights",
]

MAX_DEPTH = 1000
"""``offset + limit`` at most: nobody turns that many pages, and each costs."""

MAX_TEXT = 1000
"""Characters of a text at most."""

MAX_OBJECT_HITS = 50

MAX_PHOTOS = 8
"""Photos of one thing in one query at most."""


class Match(StrEnum):
    """How a hit relates to what was asked."""

    SAME_ITEM = "same_item"
    NEAR_DUPLICATE = "near_duplicate"
    SIMILAR = "similar"


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each thing asked for counts; only their ratios matter.

    Attributes:
        image: The photo, at least 0.
        text: The words, at least 0.
        negative: The unwanted words, at least 0.
    """

    image: float = 1.0
    text: float = 1.0
    negative: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """A search, by photos, words, or both, or by a product that is like what is wanted.

    Attributes:
        images: Bytes of photos of one thing, as the shopper sent them; at most 8.
        text: Words; alone, or beside the photos: "this but in red".
        negative_text: What the hits should not be.
        weights: How much each counts.
        product_id: A product of the shop to find similar ones to, in place of photos.
        box: The part of the (first) photo that is meant; without it, the main subject is found.
        regions: Whether the main subject and further objects are looked for.
        where: Filter text, or empty; see ``docs/filters.md``.
        ignore: Ids of chips that the shopper took away: words that shall not be understood so.
        limit: Hits wanted, 1 to 1000.
        offset: Hits to skip; ``offset + limit`` is at most 1000.
        focus: What makes products alike.
        sort: Order of the hits.
        group_by: What a hit stands for.
        facets: Fields whose values are counted.
        boosts: Score terms of the business by name, such as ``availability``: 0.1.
        cutoff: Where the ranking ends.
        object_hits: Hits wanted for each object on the photo besides; each object costs a forward
            pass.
        explain: Whether the hits will be explained: what that needs of the photos is then kept.

    Raises:
        QueryError: Nothing, or too much, is asked, or a number is out of range.
    """

    images: tuple[bytes, ...] = ()
    text: str = ""
    negative_text: str = ""
    weights: Weights = Weights()
    product_id: str = ""
    box: Box | None = None
    regions: bool = True
    where: str = ""
    ignore: frozenset[str] = frozenset()
    limit: int = 10
    offset: int = 0
    focus: Focus = Focus.BALANCED
    sort: Sort = Sort.RELEVANCE
    group_by: GroupBy = GroupBy.PRODUCT
    facets: tuple[str, ...] = ()
    boosts: Mapping[str, float] = field(default_factory=dict)
    cutoff: Cutoff = Cutoff.NONE
    object_hits: int = 0
    explain: bool = False

    def __post_init__(self) -> None:
        if self.limit < 1 or self.offset < 0 or self.offset + self.limit > MAX_DEPTH:
            raise QueryError(
                f"limit {self.limit} and offset {self.offset} are out of range: limit is at "
                f"least 1, offset at least 0, and both together at most {MAX_DEPTH}."
            )
        if not 0 <= self.object_hits <= MAX_OBJECT_HITS:
            raise QueryError(
                f"object_hits is {self.object_hits}: it is at least 0, at most {MAX_OBJECT_HITS}."
            )
        if self.images and self.product_id:
            raise QueryError("Ask with photos or with a product, not with both.")
        if not (self.images or self.product_id or self.text.strip()):
            raise QueryError("Nothing is asked: give a photo, a product, or words.")
        if len(self.images) > MAX_PHOTOS:
            raise QueryError(
                f"There are {len(self.images)} photos: at most {MAX_PHOTOS} are taken."
            )
        for name, text in (("text", self.text), ("negative_text", self.negative_text)):
            if len(text) > MAX_TEXT:
                raise QueryError(
                    f"The {name} has {len(text):,} characters: at most {MAX_TEXT:,} are taken."
                )
        if min(self.weights.image, self.weights.text, self.weights.negative) < 0:
            raise QueryError("Weights are not negative.")


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a field, or a range of numbers, and how many products have it.

    Attributes:
        value: The value as a filter would name it; empty for a range.
        count: Products that have it and fit the query.
        low: Least number of a range.
        high: Largest number of a range.
    """

    value: str
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """A field and its values under the query, most frequent first; ranges in their order."""

    field: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A product that was found.

    Attributes:
        product: The product.
        score: What the ranking is by. For photos alone, cosine similarity of the photo and the
            product's best picture, -1 to 1; with the L2 metric, minus the squared distance. Both
            with the weights of the focus.
        position: Which of the product's pictures matched best; 0 is the main one.
        image_link: Link of that picture, as in the feed.
        image_location: Where that picture really is: an absolute path or a URL.
        confidence: Probability that this is the thing on the photo, 0 to 1; ``None`` where no photo
            was given.
        match: How it relates to what was asked.
        terms: What made up the score, by name: ``image``, ``text``, ``boost.availability`` ...
        record: Key of that picture in the index.
        image_hash: SHA-256 of its bytes, in hex, where it is known.
        image_size: Its width and height in pixels, where they are known.
        seen_at_s: With a video, the second at which the product is seen best.
    """

    product: Product
    score: float
    position: int
    image_link: str
    image_location: str
    confidence: float | None = None
    match: Match = Match.SIMILAR
    terms: Mapping[str, float] = field(default_factory=dict)
    record: str = ""
    image_hash: str | None = None
    image_size: tuple[int, int] | None = None
    seen_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class FoundObject:
    """Something on the photo that can be searched for.

    Attributes:
        box: Where it is.
        confidence: That it is an object, 0 to 1.
        searched: Whether the hits are those of this object.
        hits: Its own hits, best first, where they were asked for.
    """

    box: Box
    confidence: float
    searched: bool = False
    hits: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Answer to a query.

    Attributes:
        query_id: Key of this answer, for events that refer to it.
        hits: Products, best first.
        total: Products that could be found at all: those in the index that pass the filter.
        timings_ms: Milliseconds by stage: ``decode``, ``regions``, ``encode``, ``search``,
            ``rank``, ``hydrate``, ``total``; only those that took place.
        image_id: Names the photo for further queries, as long as it is remembered.
        objects: What is on the photo, most confident first.
        facets: In the order asked for.
        chips: What was understood of the words.
        no_match: The thing on the photo is not in the shop; the hits are only similar.
    """

    query_id: str
    hits: tuple[Hit, ...]
    total: int
    timings_ms: Mapping[str, float]
    image_id: str = ""
    objects: tuple[FoundObject, ...] = ()
    facets: tuple[Facet, ...] = ()
    chips: tuple[Chip, ...] = ()
    no_match: bool = False

    def _repr_html_(self) -> str:
        """How notebooks show it."""
        from shopsight.search.notebook import as_html

        return as_html(self)
