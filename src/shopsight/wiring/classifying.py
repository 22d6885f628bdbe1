"""Classifies photos with what a shop has: its index, or labelled photos in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shopsight.catalog.feeds import read_feed
from shopsight.catalog.product import Product
from shopsight.errors import FeedError, ShopsightError
from shopsight.images.boxes import Box
from shopsight.images.source import resolve
from shopsight.recognize.category import Classification, Classifier
from shopsight.recognize.category_blend import NEAREST
from shopsight.recognize.category_gallery import MemoryGallery
from shopsight.recognize.category_paths import CategoryTree, PathReader, within
from shopsight.recognize.category_tables import learn
from shopsight.search.clock import Clock
from shopsight.search.photos import PhotoReader
from shopsight.search.query import Hit
from shopsight.wiring.known_categories import ShopCategories, text_of
from shopsight.wiring.serving import Serving

RELATED = 10
"""Related products, if nothing else is said."""


def classify(
    data: bytes, serving: Serving, *, regions: bool, box: Box | None = None, related: int = RELATED
) -> Classification:
    """The category of what a photo shows.

    Args:
        data: The photo's bytes.
        serving: The shop's parts.
        regions: Whether the main subject is looked for.
        box: The part of the photo that is meant.
        related: Products wanted, at most.

    Raises:
        DecodeError: The photo cannot be used.
        NotFoundError: The shop has no categories.
        VectorIndexError: The index failed.
    """
    clock = Clock()
    classifier = serving.categories.classifier()
    photo = serving.reader.read(data, box=box, regions=regions, clock=clock)
    found = classifier.classify(photo.vector)
    clock.lap("classify")
    hits: tuple[Hit, ...] = ()
    if related:
        alike = serving.engine.nearest(photo.vector, max(NEAREST, related))
        if found.answer is not None:
            names = serving.categories.categories().of_products(one.product_id for one in alike)
            alike = [one for one in alike if within(found.answer, names.get(one.product_id, ""))]
        hits = serving.engine.hits(alike[:related])
    clock.lap("search")
    return replace(found, related=hits, timings_ms=clock.timings())


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A photo whose category is known.

    Attributes:
        path: Where it is.
        category: Its category.
        group: Photos of one group share more than the category, such as who took them; empty: it
            is a group of its own.
    """

    path: Path
    category: str
    group: str


def classifier_of(
    pictures: Sequence[LabelledPicture],
    vector_of: Callable[[Path], np.ndarray[tuple[int, ...], np.dtype[np.float32]]],
    *,
    threshold: float,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Classifier, PathReader]:
    """A classifier that knows nothing but labelled photos.

    Args:
        pictures: The photos; those that cannot be used are left out.
        vector_of: A photo's vector, as searches make it; may raise ``ShopsightError``.
        threshold: Least probability of an answer.
        progress: Told the number of photos done.

    Raises:
        FeedError: None of them can be used.
    """
    reader = PathReader(picture.category for picture in pictures)
    tree = CategoryTree(sorted({reader.read(picture.category) for picture in pictures} - {()}))
    vectors, kept = [], []
    for done, picture in enumerate(pictures, start=1):
        path = reader.read(picture.category)
        if path:
            try:
                vectors.append(vector_of(picture.path))
                kept.append((tree.number[path], picture.group or str(picture.path)))
            except ShopsightError:
                pass  # one photo less to learn from
        progress(done)
    if not kept:
        raise FeedError("There is no labelled photo to learn categories from.")
    gallery = MemoryGallery(
        np.stack(vectors),
        np.array([number for number, _ in kept], np.intp),
        [group for _, group in kept],
    )
    tables = learn(tree, gallery)
    assert tables is not None  # noqa: S101  # it has photos
    return Classifier(tables, threshold=threshold), reader


def photo_classifier(
    classifier: Classifier, reader: PhotoReader, *, regions: bool
) -> Callable[[bytes], Classification]:
    """A classifier of photos from one of vectors; related products are not looked for."""

    def one(data: bytes) -> Classification:
        clock = Clock()
        photo = reader.read(data, box=None, regions=regions, clock=clock)
        found = classifier.classify(photo.vector)
        clock.lap("classify")
        return replace(found, timings_ms=clock.timings())

    return one


@dataclass(frozen=True, slots=True)
class Proposal:
    """A category for a product of a feed that has none.

    Attributes:
        product_id: The product; empty for a row that could not be read.
        category: What is proposed; empty if it is not sure enough.
        probability: Of that category, or of the likeliest one.
        likeliest: The likeliest category, even if it is not sure enough.
        error: Why there is no proposal; empty if there is one.
    """

    product_id: str
    category: str
    probability: float
    likeliest: str
    error: str = ""


def proposals(
    feed: Path,
    known: ShopCategories,
    classify_picture: Callable[[bytes], Classification],
    load: Callable[[str], bytes],
    *,
    image_root: Path | None = None,
) -> Iterator[Proposal]:
    """Categories for the products of a feed that have none.

    Args:
        feed: The file.
        known: The categories of the shop.
        classify_picture: From bytes to a category.
        load: Where a picture is to its bytes.
        image_root: Folder that local pictures must be in; the feed's own when not given.

    Yields:
        One for each product without a category, in the order of the feed, and one with an error for
        each row that cannot be read.

    Raises:
        FeedError: The feed cannot be read at all.
    """
    base = feed.resolve().parent
    for row in read_feed(feed):
        if not isinstance(row, Product):
            if row.severity == "error":
                yield Proposal(row.product_id, "", 0.0, "", str(row))
            continue
        if known.reader.read(text_of(row, known.field)):
            continue
        try:
            place = resolve(row.image_link, base, image_root or base)
            found = classify_picture(load(str(place)))
        except ShopsightError as error:
            yield Proposal(row.id, "", 0.0, "", str(error))
        else:
            best = found.candidates[0].answer
            yield Proposal(row.id, found.answer or "", found.confidence, best)
