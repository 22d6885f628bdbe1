"""What searches can be told besides what they look for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import TypedDict, TypeVar, Unpack

from shopsight.errors import QueryError
from shopsight.images.boxes import Box
from shopsight.search.focus import Focus
from shopsight.search.query import Cutoff, GroupBy, Query, Sort, Weights

ChoiceT = TypeVar("ChoiceT", bound=StrEnum)


class SearchOptions(TypedDict, total=False):
    """Options of a search; what each means is said at :class:`shopsight.search.query.Query`.

    Attributes:
        negative_text: What the hits should not be.
        weights: How much photo, words and unwanted words count.
        product_id: A product to find similar ones to.
        box: The part of the photo that is meant: a box, or its four numbers.
        regions: Whether the main subject and further objects are looked for; as set if not given.
        where: Filter, such as ``brand = "Kavoa" AND price < 50``.
        ignore: Ids of chips that were taken away.
        limit: Hits wanted.
        offset: Hits to skip.
        focus: ``shape``, ``balanced`` or ``color``.
        sort: ``relevance``, ``price``, ``-price``, ``-rating`` or ``newest``.
        group_by: ``product``, ``item_group_id`` or ``brand``.
        facets: Fields whose values are counted.
        boosts: Weight of each score term of the business.
        cutoff: ``none``, ``gap`` or ``relative``.
        object_hits: Hits for each object on the photo besides.
        explain: Whether :meth:`.shop.Shop.explain` will be asked next; it is faster then.
    """

    negative_text: str
    weights: Weights
    product_id: str
    box: Box | Sequence[float] | None
    regions: bool
    where: str | None
    ignore: Collection[str]
    limit: int
    offset: int
    focus: Focus | str
    sort: Sort | str
    group_by: GroupBy | str
    facets: Sequence[str]
    boosts: Mapping[str, float]
    cutoff: Cutoff | str
    object_hits: int
    explain: bool


def query_of(images: tuple[bytes, ...], text: str, **options: Unpack[SearchOptions]) -> Query:
    """The query that was asked for.

    Args:
        images: Bytes of the photos.
        text: Words.
        options: The rest.

    Raises:
        QueryError: Something is out of range, or no name of an option's values.
    """
    box = options.get("box")
    return Query(
        images=images,
        text=text,
        negative_text=options.get("negative_text", ""),
        weights=options.get("weights", Weights()),
        product_id=options.get("product_id", ""),
        box=None if box is None else checked_box(box),
        regions=options.get("regions", True),
        where=options.get("where") or "",
        ignore=frozenset(options.get("ignore", ())),
        limit=options.get("limit", 10),
        offset=options.get("offset", 0),
        focus=Focus.named(options.get("focus", Focus.BALANCED)),
        sort=named(Sort, options.get("sort", Sort.RELEVANCE)),
        group_by=named(GroupBy, options.get("group_by", GroupBy.PRODUCT)),
        facets=tuple(options.get("facets", ())),
        boosts=dict(options.get("boosts", {})),
        cutoff=named(Cutoff, options.get("cutoff", Cutoff.NONE)),
        object_hits=options.get("object_hits", 0),
        explain=options.get("explain", False),
    )


def named(kind: type[ChoiceT], name: str) -> ChoiceT:
    """The choice of a name.

    Raises:
        QueryError: There is none of that name; lists those there are.
    """
    try:
        return kind(name)
    except ValueError:
        what = {Sort: "sort", GroupBy: "group_by", Cutoff: "cutoff"}.get(kind, kind.__name__)
        raise QueryError(f"There is no {what} {name!r}: take one of {', '.join(kind)}.") from None


def checked_box(box: Box | Sequence[float]) -> Box:
    """The box of four numbers.

    Raises:
        QueryError: There are not four, or they make no sense.
    """
    if len(box) != len(Box._fields):
        raise QueryError(f"A box has four numbers, x1, y1, x2 and y2, not {len(box)}.")
    return Box.checked(*box)
