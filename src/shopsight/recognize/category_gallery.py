"""What categories are learnt from: pictures whose category is known, and the nearest of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shopsight.index.base import Metric, Vectors
from shopsight.index.collection import Collection
from shopsight.index.nearness import best, scores

_NOTHING = -1


class Member(NamedTuple):
    """What is known of a product: its class, and the group of variants it belongs to."""

    number: int
    group: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of a gallery: ``vectors`` ``(n, dimension)``, ``classes`` ``(n,)``, ``groups``."""

    vectors: Vectors
    classes: NDArray[np.intp]
    groups: Sequence[str]


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest pictures of a vector, best first.

    Attributes:
        classes: ``(k,)``.
        scores: ``(k,)``, larger is nearer.
        groups: Group of each.
        products: Product of each; empty names where they belong to none.
    """

    classes: NDArray[np.intp]
    scores: NDArray[np.float32]
    groups: Sequence[str]
    products: Sequence[str]

    def __len__(self) -> int:
        return len(self.classes)

    def where(self, kept: NDArray[np.bool_]) -> Near:
        """Some of them."""
        places = np.flatnonzero(kept).tolist()
        return Near(
            self.classes[places],
            self.scores[places],
            [self.groups[place] for place in places],
            [self.products[place] for place in places],
        )


class Gallery(Protocol):
    """Pictures whose class is known."""

    def batches(self) -> Iterator[Batch]:
        """All of them, as the encoder made them, a bounded number at a time."""
        ...

    def nearest(self, vector: NDArray[np.float32], k: int) -> Near:
        """At most k of them: the nearest to a vector as the encoder made it."""
        ...


class CatalogueGallery:
    """The pictures in the index, by the categories of their products.

    Args:
        collection: The index version.
        members: Product id -> what is known of it; others have no category.
    """

    def __init__(self, collection: Collection, members: Mapping[str, Member]) -> None:
        self._collection = collection
        self._members = members

    def batches(self) -> Iterator[Batch]:
        """See :meth:`Gallery.batches`."""
        for records in self._collection.scan():
            kept = [
                (row, self._members[key])
                for row, key in enumerate(records.product_ids)
                if key in self._members
            ]
            yield Batch(
                records.vectors[[row for row, _ in kept]],
                np.array([member.number for _, member in kept], np.intp),
                [member.group for _, member in kept],
            )

    def nearest(self, vector: NDArray[np.float32], k: int) -> Near:
        """See :meth:`Gallery.nearest`. Pictures of products without a category are passed over."""
        found = self._collection.search(vector, k)
        members = [self._members.get(key, Member(_NOTHING, "")) for key in found.product_ids]
        near = Near(
            np.array([member.number for member in members], np.intp),
            found.scores,
            [member.group for member in members],
            found.product_ids,
        )
        return near.where(near.classes >= 0)


class MemoryGallery:
    """Labelled pictures in memory, compared exhaustively by cosine.

    Args:
        vectors: ``(n, dimension)`` of unit length; at least one.
        classes: ``(n,)``.
        groups: Of each; pictures of one group share more than the class.
        products: Of each, if they belong to products.
    """

    def __init__(
        self,
        vectors: Vectors,
        classes: NDArray[np.intp],
        groups: Sequence[str],
        products: Sequence[str] = (),
    ) -> None:
        self._all = Batch(vectors, classes, groups)
        self._products = products or [""] * len(groups)

    def batches(self) -> Iterator[Batch]:
        """See :meth:`Gallery.batches`."""
        yield self._all

    def nearest(self, vector: NDArray[np.float32], k: int) -> Near:
        """See :meth:`Gallery.nearest`."""
        found = scores(Metric.COSINE, self._all.vectors, vector)
        top = best(found, k)
        return Near(
            self._all.classes[top],
            found[top],
            [self._all.groups[place] for place in top],
            [self._products[place] for place in top],
        )
