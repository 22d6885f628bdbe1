"""Keeps what is known of a shop's categories at hand."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogStore
from shopsight.encoders.categories import CategoryHead
from shopsight.errors import NotFoundError, StorageError
from shopsight.index.collection import Collection
from shopsight.recognize.category import Classifier, HeadVote
from shopsight.recognize.category_blend import Look
from shopsight.recognize.category_gallery import CatalogueGallery, Member
from shopsight.recognize.category_paths import CategoryTree, PathReader, path_text
from shopsight.recognize.category_tables import CategoryFit, CategoryTables, learn
from shopsight.recognize.category_views import VIEWS, Encode, made_up
from shopsight.search.confidence_cases import Picture
from shopsight.wiring.kept import Kept, from_file, to_file

AUTO = "auto"
"""The field of most products: their ``product_type``, or else their ``google_product_category``."""

FIELDS = ("product_type", "google_product_category")

MOST_CLASSES = 20_000
"""Categories that are told apart: the most frequent ones. Bounds memory and time."""


@dataclass(frozen=True, slots=True)
class ShopCategories:
    """The categories of a catalogue.

    Attributes:
        field: The field of products that says them.
        reader: Understands its texts.
        tree: All categories.
        members: Product id -> its category and its item group.
    """

    field: str
    reader: PathReader
    tree: CategoryTree
    members: dict[str, Member]

    def of_products(self, ids: Iterable[str]) -> dict[str, str]:
        """Categories of products, as text; those without one are left out."""
        return {
            key: path_text(self.tree.classes[self.members[key].number])
            for key in ids
            if key in self.members
        }

    def spelled(self, text: str) -> str:
        """A category as answers write it."""
        return path_text(self.reader.read(text))


def shop_categories(products: Iterable[Product], field: str = AUTO) -> ShopCategories:
    """Read the categories of a catalogue, once through.

    Args:
        products: All products.
        field: The field that says the category, or ``auto``.
    """
    names = FIELDS if field == AUTO else (field,)
    given = [
        (product.id, product.item_group_id or product.id, [text_of(product, n) for n in names])
        for product in products
    ]
    counts = [sum(bool(texts[place]) for _, _, texts in given) for place in range(len(names))]
    chosen = counts.index(max(counts))
    reader = PathReader(texts[chosen] for _, _, texts in given)
    paths = {key: reader.read(texts[chosen]) for key, _, texts in given if texts[chosen]}
    frequent = Counter(path for path in paths.values() if path).most_common(MOST_CLASSES)
    tree = CategoryTree(sorted(path for path, _ in frequent))
    members = {
        key: Member(tree.number[paths[key]], group)
        for key, group, _ in given
        if key in paths and paths[key] in tree.number
    }
    return ShopCategories(names[chosen], reader, tree, members)


def text_of(product: Product, field: str) -> str:
    """A field or attribute of a product as text; empty where it has none."""
    value = getattr(product, field, None) if field in Product.model_fields else None
    if value is None:
        value = product.attributes.get(field, "")
    return str(value).strip()


class KnownCategories:
    """The categories of a shop, and the classifier of them. Safe to use from several threads.

    They are read when they are first needed. After a change of the catalogue they are read anew
    beside the requests, which go on with the old ones until then. Numbers that were found out with
    made-up photos are kept in a file, so that reading is fast.

    Args:
        catalog: Whose categories they are.
        collection: Where the vectors are.
        path: File that keeps the numbers.
        field: The field that says a product's category, or ``auto``.
        threshold: Least probability of an answer.
        head: The encoder's category head; asked for when there is a classifier to make.
        clock: Seconds since any time.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        collection: Collection,
        path: Path,
        *,
        field: str,
        threshold: float,
        head: Callable[[], CategoryHead | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._path = path
        self._field = field
        self._threshold = threshold
        self._head = head
        self._kept = Kept("categories", self._read, catalog.signature, clock)

    def categories(self) -> ShopCategories:
        """The categories; those of some seconds ago where the catalogue keeps changing."""
        return self._kept.get()[0]

    def classifier(self) -> Classifier:
        """The classifier.

        Raises:
            NotFoundError: No product with a picture has a category.
        """
        found = self._kept.get()[1]
        if found is None:
            raise NotFoundError(
                "No product of the catalogue has a category: fill the column product_type or "
                "google_product_category of the feed for some of each kind, and index it again."
            )
        return found

    def refresh(self) -> threading.Thread | None:
        """Begin to read them anew if a product changed; gives the thread that reads, if any."""
        return self._kept.refresh()

    def fit(
        self,
        pictures: Iterable[Picture],
        encode: Encode,
        seen: Sequence[tuple[Picture, NDArray[np.float32]]] = (),
    ) -> None:
        """Find out, with made-up photos, how sure one can be; and keep that.

        Args:
            pictures: All pictures of the index.
            encode: As searches do.
            seen: Photos that were made up already, with their vectors; more are made where these
                are not enough.
        """
        signature = self._catalog.signature()
        known = shop_categories(self._catalog.every(), self._field)
        if not known.members:
            return
        usable = (one for one in pictures if one.product_id in known.members)
        made = [each for each in seen if each[0].product_id in known.members]
        if len(made) < VIEWS:
            made += made_up(usable, encode, count=VIEWS - len(made))
        photos = [
            Look(vector, known.members[one.product_id].number, one.group) for one, vector in made
        ]
        gallery = CatalogueGallery(self._collection, known.members)
        tables = learn(known.tree, gallery, photos=photos)
        if tables is None:
            return
        to_file(self._path, self._fits(known), tables.fit.to_json().encode())
        self._kept.put((known, self._classifier(known, tables)), signature)

    def _read(self) -> tuple[ShopCategories, Classifier | None]:
        known = shop_categories(self._catalog.every(), self._field)
        tables = None
        if known.members:
            gallery = CatalogueGallery(self._collection, known.members)
            tables = learn(known.tree, gallery, fit=self._from_file(known))
        return known, None if tables is None else self._classifier(known, tables)

    def _classifier(self, known: ShopCategories, tables: CategoryTables) -> Classifier:
        head = self._head()
        vote = None if head is None else HeadVote(head, known.tree, known.reader)
        return Classifier(tables, threshold=self._threshold, head=vote)

    def _fits(self, known: ShopCategories) -> str:
        """Says what numbers were found out for: they serve as long as it stays the same."""
        manifest = self._collection.manifest
        return json.dumps([manifest.name, manifest.fingerprint, known.field])

    def _from_file(self, known: ShopCategories) -> CategoryFit | None:
        kept = from_file(self._path, self._fits(known))
        try:
            return None if kept is None else CategoryFit.from_json(kept.decode())
        except (UnicodeDecodeError, StorageError):
            return None  # damaged: found out from the pictures
