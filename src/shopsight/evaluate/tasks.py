"""What can be measured: photos and products, labels across groups, products that are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from shopsight.catalog.product import Product
from shopsight.errors import FeedError
from shopsight.evaluate.photos import DEPTH
from shopsight.evaluate.pictures import CataloguePicture, Picture, file_picture, photo_picture
from shopsight.evaluate.ranking import Problem, Query, Rows
from shopsight.images.prepare import ImageLimits
from shopsight.photo_lists import Only, PhotoList, read_box, used_rows


class Task(Protocol):
    """Something to measure encoders by.

    Attributes:
        title: What is measured, in words.
        unit: What the queries are: ``photos`` or ``products``.
        pictures: All pictures that matter, to be encoded.
    """

    title: str
    unit: str
    pictures: Sequence[Picture]

    def problem(self, failed: Collection[int]) -> Problem:
        """The queries and what is searched, without the pictures that failed.

        Raises:
            FeedError: Too few pictures are left to measure anything.
        """
        ...

    def notes(self, problem: Problem) -> list[str]:
        """What a reader must know to judge the figures, in words."""
        ...


class PhotosToProducts:
    """Photos against the catalogue: is the right product found?

    Photos of one product are one cluster. Photos without a product serve to measure whether what
    the shop does not sell can be told from what it sells.

    Args:
        photos: Labelled photos.
        catalogue: All pictures of the catalogue.
        limits: For the photos.

    Raises:
        FeedError: There is no labelled photo, or the catalogue has none of the products.
    """

    unit = "photos"
    figures = ("recall@1", "recall@5", "recall@10", "mrr", "map", "ndcg@10")

    def __init__(
        self, photos: PhotoList, catalogue: Sequence[CataloguePicture], limits: ImageLimits
    ) -> None:
        if not photos.photos:
            raise FeedError("There is no photo with a product to evaluate on.")
        self._photos = photos
        self._catalogue = catalogue
        self._titles = {one.product.id: _title(one.product) for one in catalogue}
        self._names = sorted(self._titles)
        self._labels = frozenset().union(*(photo.product_ids for photo in photos.photos))
        if not self._labels.intersection(self._names):
            raise FeedError(
                "The catalogue has none of the products that the photos name: index the feed they "
                f"are from. The list names {min(self._labels)!r}, the catalogue {self._names[0]!r}."
            )
        self.title = f"{len(photos.photos)} photos, {len(self._names)} products"
        self.pictures: Sequence[Picture] = [one.picture for one in catalogue] + [
            photo_picture(photo, limits) for photo in (*photos.photos, *photos.absent)
        ]

    def problem(self, failed: Collection[int]) -> Problem:
        """See :meth:`Task.problem`. A photo that failed counts as not found."""
        number = {name: place for place, name in enumerate(self._names)}
        gallery = [row for row in range(len(self._catalogue)) if row not in failed]
        if not gallery:
            raise FeedError("None of the catalogue's pictures could be used.")
        start = len(self._catalogue)
        queries = [
            Query(
                None if row in failed else row,
                _rows(sorted(number[key] for key in photo.product_ids if key in number)),
                len(photo.product_ids),
                min(photo.product_ids),
                ", ".join(self._titles.get(key, key) for key in sorted(photo.product_ids)),
            )
            for row, photo in enumerate(self._photos.photos, start)
        ]
        absent = range(start + len(queries), len(self.pictures))
        return Problem(
            _rows(gallery),
            _rows([number[self._catalogue[row].product.id] for row in gallery]),
            [self._titles[name] for name in self._names],
            queries,
            self.figures,
            _rows([row for row in absent if row not in failed]),
            DEPTH,
        )

    def notes(self, problem: Problem) -> list[str]:
        """See :meth:`Task.notes`."""
        unknown = len(self._labels.difference(self._names))
        found = []
        if unknown:
            found.append(
                f"{unknown} products of the list are not in the catalogue: "
                "their photos cannot succeed."
            )
        if len(problem.absent):
            found.append(f"{len(problem.absent)} photos name no product: taken for not sold.")
        return found


@dataclass(frozen=True, slots=True)
class Item:
    """A picture with a label.

    Attributes:
        picture: The picture.
        label: Empty for one that is only searched.
        group: Items of one group are never compared.
        name: Items of one name count as one answer, the best of them.
        title: What people call it.
    """

    picture: Picture
    label: str
    group: str
    name: str
    title: str


class Labelled:
    """Pictures against each other: is the nearest of another group of the same kind?

    ``accuracy`` is that of a 1-nearest-neighbour classifier; ``map`` ranks all pictures of other
    groups. Pictures whose label no other group has are searched, not asked for. The pictures of one
    group are one cluster.

    Args:
        title: What is measured.
        unit: What the items are.
        items: Labelled pictures; several may be of one group.
        figures: Figures to compute.

    Raises:
        FeedError: No two groups share a label.
    """

    def __init__(
        self,
        title: str,
        items: Sequence[Item],
        *,
        unit: str = "photos",
        figures: Sequence[str] = ("accuracy", "map"),
        by_label: bool = False,
    ) -> None:
        self.title = title
        self.unit = unit
        self.pictures: Sequence[Picture] = [item.picture for item in items]
        self._items = items
        self._figures = figures
        self._by_label = by_label
        self.problem(())

    def problem(self, failed: Collection[int]) -> Problem:
        """See :meth:`Task.problem`."""
        rows = [row for row in range(len(self._items)) if row not in failed]
        items = [self._items[row] for row in rows]
        names = list(dict.fromkeys(item.name for item in items))
        number = {name: place for place, name in enumerate(names)}
        owner_of = _rows([number[item.name] for item in items])
        groups = _codes([item.group for item in items])
        labels = _codes([item.label for item in items])
        queries, asked = [], set[int]()
        for place, item in enumerate(items):
            if not item.label or owner_of[place] in asked:
                continue
            same_group = groups == groups[place]
            relevant = np.unique(owner_of[(labels == labels[place]) & ~same_group])
            if len(relevant):
                asked.add(int(owner_of[place]))
                cluster = item.label if self._by_label else item.group
                excluded = np.unique(owner_of[same_group])
                queries.append(
                    Query(rows[place], relevant, len(relevant), cluster, item.label, excluded)
                )
        if not queries:
            raise FeedError(
                f"There is nothing to measure: no two of the {len(names)} {self.unit} share a "
                "label across groups."
            )
        titles = {item.name: item.title for item in items}
        return Problem(
            _rows(rows), owner_of, [titles[name] for name in names], queries, self._figures
        )

    def notes(self, problem: Problem) -> list[str]:
        """See :meth:`Task.notes`."""
        alone = len(problem.owner_titles) - len(problem.queries)
        what = f"{alone} of {len(problem.owner_titles)} {self.unit} have no right answer"
        return [f"{what}: they are searched, not asked for."] if alone else []


def labelled_photos(
    path: Path,
    limits: ImageLimits,
    *,
    label_column: str,
    group_column: str | None = None,
    only: Only | None = None,
    boxes: bool = False,
    margin: float = 0.0,
) -> Labelled:
    """Photos of a CSV file that have a label, and perhaps a group such as who sent them.

    Args:
        path: The file, with a column ``photo``.
        limits: For the photos.
        label_column: Its column of labels; rows without one are left out.
        group_column: Photos with the same value are never compared; without it, all others are.
        only: Column -> value or values; other rows are left out.
        boxes: Whether only the part in ``x1``, ``y1``, ``x2``, ``y2`` counts.
        margin: Added around boxes.

    Raises:
        FeedError: The file cannot be read, lacks a column, or no two groups share a label.
    """
    needed = ["photo", label_column, *([group_column] if group_column else [])]
    needed += ["x1", "y1", "x2", "y2"] if boxes else []
    items = []
    for number, row in used_rows(path, only=only, required=needed):
        name = f"{path}:{number}"
        box = read_box(row, name).grown(margin) if boxes else None
        group = row[group_column].strip() if group_column else ""
        if label := row[label_column].strip():
            picture = file_picture(path.parent / row["photo"], limits, box)
            items.append(Item(picture, label, group or name, name, label))
    if not items:
        raise FeedError(f"{path} has no photo with a {label_column}.")
    across = f", across {group_column}" if group_column else ""
    return Labelled(f"{len(items)} photos by {label_column}{across}", items)


def same_field(catalogue: Sequence[CataloguePicture], field: str) -> Labelled:
    """Main pictures of products: is another product with the same value of a field nearest?

    All pictures are searched; a product counts by its best. Products with one value are one
    cluster.

    Args:
        catalogue: All pictures of the catalogue.
        field: A field of products such as ``item_group_id``, or an attribute such as ``color``.

    Raises:
        FeedError: No product has the field, or no two have the same value.
    """
    values = {one.product.id: field_text(one.product, field) for one in catalogue}
    if not any(values.values()):
        present = sorted(_fields_with_values(one.product for one in catalogue))
        raise FeedError(f"No product has a {field!r}; there are: {', '.join(present)}.")
    if max(Counter(filter(None, values.values())).values()) == 1:
        raise FeedError(f"No two products have the same {field}: there is nothing to measure.")
    items = [
        Item(
            one.picture,
            values[one.product.id],
            one.product.id,
            one.product.id,
            _title(one.product),
        )
        for one in catalogue
    ]
    title = f"{len(values)} products by {field}"
    return Labelled(title, items, unit="products", figures=("hit@1", "hit@5", "map"), by_label=True)


def field_text(product: Product, field: str) -> str:
    """A field or attribute of a product as text; empty where it has none."""
    if field in Product.model_fields and field != "attributes":
        value = getattr(product, field)
    else:
        value = product.attributes.get(field)
    return "" if value in {None, ()} else str(value)


def _fields_with_values(products: Iterable[Product]) -> set[str]:
    names: set[str] = set()
    for product in products:
        given = product.model_dump(exclude_defaults=True)
        names.update(given.pop("attributes", {}), given)
    return names


def _title(product: Product) -> str:
    return f"{product.id}: {product.title}"


def _codes(names: Sequence[str]) -> Rows:
    """Equal numbers for equal names."""
    return np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)[1]


def _rows(values: Sequence[int]) -> Rows:
    return np.asarray(values, dtype=np.intp)
