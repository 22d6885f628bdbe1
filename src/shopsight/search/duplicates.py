"""Near-duplicate listings: products that share a picture, or nearly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.store import CatalogStore
from shopsight.encoders.base import Part
from shopsight.errors import QueryError
from shopsight.index.base import Vectors
from shopsight.index.collection import Collection

THRESHOLD = 0.95
"""How alike two pictures are from which they count as nearly the same, unless told otherwise.

Measured with the default encoder, in three shops: no two pictures of different things reach it, and
of pictures that were saved again as JPEG, smaller and worse, most do. See ``docs/duplicates.md``.
"""

_TILE = 512, 8192
"""Pictures compared at once: few enough that all their similarities fit into a core's cache."""

Numbers = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Products that look like one listed several times.

    Attributes:
        product_ids: At least two, in the order of their ids.
        score: Each of them is at least this alike to another one, 0 to 1.
        why: ``same_picture``: the same file joins them all; ``near_identical``: at least one is
            joined by pictures that are nearly the same.
        variants: All have the same ``item_group_id``.
    """

    product_ids: tuple[str, ...]
    score: float
    why: Literal["same_picture", "near_identical"]
    variants: bool = False


def duplicates(
    collection: Collection,
    catalog: CatalogStore,
    *,
    parts: Sequence[Part] = (),
    threshold: float = THRESHOLD,
    include_variants: bool = False,
) -> Iterator[DuplicateGroup]:
    """Find products that share a picture, or nearly, in all of a catalogue.

    Two pictures count only if one of them is the main picture of its product: a table of sizes that
    many products have among their further pictures makes them no duplicates. Nor are variants of
    one design, whose listings often share a picture, unless asked for.

    Every picture is compared with every other one, so that none is missed; a file that several
    products have is looked at once. Memory is needed for all vectors, time grows with the square of
    the number of pictures: see ``docs/duplicates.md``.

    Args:
        collection: The index version that serves.
        catalog: Knows products, their designs, and the content of their pictures.
        parts: What the encoder's vectors are made of, from its spec. Pictures are as alike as the
            part in which they are least alike. Without parts, the whole vector counts.
        threshold: Least similarity, more than 0, up to 1. At 1 only equal files count.
        include_variants: Whether variants of one design count, too.

    Yields:
        Groups: those with the same picture first, then the most alike.

    Raises:
        QueryError: The threshold is out of range.
        VectorIndexError: The index failed.
        StorageError: The database failed.
    """
    if not 0 < threshold <= 1:
        raise QueryError(f"The threshold is {threshold:g}: give more than 0, at most 1.")
    pictures = _Pictures.of(catalog, collection.manifest.name)
    links = _Links(len(pictures.ids))
    _link_same(pictures, links, include_variants=include_variants)
    same = links.roots()
    if threshold < 1:
        rows, vectors = _vectors(collection, pictures)
        pairs = (
            (rows[one], rows[other], alike)
            for one, other, alike in _near(_divided(vectors, parts), threshold)
        )
        _link_near(pictures, links, pairs, include_variants=include_variants)
    yield from _groups(pictures, links, same)


@dataclass(slots=True)
class _Pictures:
    """All pictures of a catalogue, a file of several products once.

    Products and designs are numbered; a product without variants is a design of its own.

    Attributes:
        ids: Id of each product.
        design: Design of each product.
        owners: Products of each picture.
        main: Whether the picture is the main one of any product.
        row: Record id of a picture -> its number.
    """

    ids: list[str] = field(default_factory=list)
    design: list[int] = field(default_factory=list)
    owners: list[list[int]] = field(default_factory=list)
    main: list[bool] = field(default_factory=list)
    row: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, catalog: CatalogStore, version: str) -> _Pictures:
        found = cls()
        designs: dict[tuple[str, bool], int] = {}
        files: dict[str, int] = {}
        for chunk in catalog.all_states():
            for product, state in chunk:
                number = len(found.ids)
                found.ids.append(product.id)
                key = (product.item_group_id or product.id, bool(product.item_group_id))
                found.design.append(designs.setdefault(key, len(designs)))
                for position, image in sorted(state.images.items()):
                    if image.index_version == version:
                        file = image.content_hash or image.record_id
                        picture = files.setdefault(file, len(files))
                        found.row[image.record_id] = picture
                        found._own(picture, number, main=position == 0)
        return found

    def _own(self, picture: int, product: int, *, main: bool) -> None:
        if picture == len(self.owners):
            self.owners.append([])
            self.main.append(False)
        if self.owners[picture][-1:] != [product]:  # it may have the same file twice
            self.owners[picture].append(product)
        self.main[picture] |= main

    def designs(self, picture: int) -> set[int]:
        return {self.design[product] for product in self.owners[picture]}


class _Links:
    """Products that belong together: a forest whose roots name the groups (union-find).

    Args:
        count: Number of products.
    """

    def __init__(self, count: int) -> None:
        self._root: Numbers = np.arange(count)
        self.best: Floats = np.zeros(count, np.float32)

    def roots(self) -> Numbers:
        """Group of each product, as the number of one of its products."""
        return self._root.copy()

    def join(self, one: Numbers, other: Numbers, alike: Floats) -> None:
        """Join pairs of products that are so much alike, ``(n,)`` each."""
        np.maximum.at(self.best, one, alike)
        np.maximum.at(self.best, other, alike)
        while True:
            first, second = self._root[one], self._root[other]
            apart = first != second
            if not apart.any():
                return
            low = np.minimum(first[apart], second[apart])
            high = np.maximum(first[apart], second[apart])
            np.minimum.at(self._root, high, low)
            self._flatten()

    def _flatten(self) -> None:
        while True:
            above = self._root[self._root]
            if np.array_equal(above, self._root):
                return
            self._root = above


def _link_same(pictures: _Pictures, links: _Links, *, include_variants: bool) -> None:
    """Join the products that have the same file, where that counts."""
    shared = [
        owners
        for number, owners in enumerate(pictures.owners)
        if len(owners) > 1
        and pictures.main[number]
        and (include_variants or len(pictures.designs(number)) > 1)
    ]
    _join_owners(links, [(owners, 1.0) for owners in shared])


def _join_owners(links: _Links, shared: Sequence[tuple[Sequence[int], float]]) -> None:
    pairs = [(owners[0], other, alike) for owners, alike in shared for other in owners[1:]]
    if pairs:
        one, other, alike = zip(*pairs, strict=True)
        links.join(np.array(one), np.array(other), np.array(alike, np.float32))


def _link_near(
    pictures: _Pictures,
    links: _Links,
    pairs: Iterable[tuple[Numbers, Numbers, Floats]],
    *,
    include_variants: bool,
) -> None:
    """Join the products of pairs of pictures that are nearly the same, where that counts."""
    count = len(pictures.owners)
    main = np.array(pictures.main, bool)
    first = np.array([owners[0] for owners in pictures.owners], np.int64)
    # A file of several designs is told from every other one by a number of its own.
    design = np.array(
        [
            found.pop() if len(found := pictures.designs(number)) == 1 else -1 - number
            for number in range(count)
        ],
        np.int64,
    )
    single = np.array([len(owners) == 1 for owners in pictures.owners], bool)
    best = np.zeros(count, np.float32)
    for one, other, alike in pairs:
        counts = main[one] | main[other]
        if not include_variants:
            counts &= design[one] != design[other]
        counts &= ~(single[one] & single[other] & (first[one] == first[other]))
        left, right, found = one[counts], other[counts], alike[counts]
        links.join(first[left], first[right], found)
        np.maximum.at(best, left, found)
        np.maximum.at(best, right, found)
    _join_owners(
        links,
        [(pictures.owners[row], float(best[row])) for row in np.flatnonzero(best).tolist()],
    )


def _vectors(collection: Collection, pictures: _Pictures) -> tuple[Numbers, Vectors]:
    """Numbers of the pictures that are in the index, each once, and their vectors."""
    vectors = np.zeros((len(pictures.owners), collection.manifest.dimension), np.float32)
    there = np.zeros(len(pictures.owners), bool)
    for records in collection.scan():
        known = [place for place, key in enumerate(records.ids) if key in pictures.row]
        numbers = [pictures.row[records.ids[place]] for place in known]
        vectors[numbers] = records.vectors[known]
        there[numbers] = True
    return np.flatnonzero(there), vectors[there]


def _divided(vectors: Vectors, parts: Sequence[Part]) -> list[Vectors]:
    """Each part of the vectors, scaled to length 1; what has no length is like nothing."""
    slices = [slice(part.start, part.stop) for part in parts] or [slice(None)]
    divided = []
    for part in slices:
        piece = vectors[:, part]
        lengths = np.linalg.norm(piece, axis=1, keepdims=True)
        divided.append((piece / np.where(lengths > 0, lengths, 1)).astype(np.float32))
    return divided


def _near(parts: Sequence[Vectors], threshold: float) -> Iterator[tuple[Numbers, Numbers, Floats]]:
    """Pairs of rows that are alike in every part, tile by tile, each pair once."""
    first, *others = parts
    high, wide = _TILE
    for top in range(0, len(first), high):
        rows = slice(top, top + high)
        for left in range(top - top % wide, len(first), wide):
            columns = slice(left, left + wide)
            alike = first[rows] @ first[columns].T
            if alike.max() < threshold:
                continue
            for part in others:
                np.minimum(alike, part[rows] @ part[columns].T, out=alike)
            one, other = np.nonzero(alike >= threshold)
            once = one + top < other + left
            if once.any():
                one, other = one[once], other[once]
                yield one + top, other + left, alike[one, other]


def _groups(pictures: _Pictures, links: _Links, same: Numbers) -> Iterator[DuplicateGroup]:
    roots = links.roots()
    members: dict[int, list[int]] = {}
    for product in np.flatnonzero(links.best > 0).tolist():
        members.setdefault(int(roots[product]), []).append(product)
    yield from sorted(
        (_group(pictures, links, same, products) for products in members.values()),
        key=lambda group: (group.why != "same_picture", -group.score, group.product_ids),
    )


def _group(
    pictures: _Pictures, links: _Links, same: Numbers, products: Iterable[int]
) -> DuplicateGroup:
    numbers = np.array(list(products), np.int64)
    joined = len(np.unique(same[numbers])) == 1
    return DuplicateGroup(
        tuple(sorted(pictures.ids[number] for number in numbers)),
        round(min(float(links.best[numbers].min()), 1.0), 6),
        "same_picture" if joined else "near_identical",
        variants=len({pictures.design[number] for number in numbers}) == 1,
    )
