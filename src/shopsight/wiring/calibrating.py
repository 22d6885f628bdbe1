"""Fits the confidence of a shop's index."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.catalog.calibrations import CalibrationStore
from shopsight.catalog.store import CatalogStore
from shopsight.encoders.places import Places
from shopsight.errors import FeedError
from shopsight.images.prepare import ImageLimits, decode
from shopsight.index.collection import Collection
from shopsight.photo_lists import PhotoRow
from shopsight.search.calibrate import (
    VIEWS,
    Calibration,
    Labelled,
    Picture,
    Ranking,
    Searches,
    fit,
)
from shopsight.search.confidence_cases import DEPTH, Seen
from shopsight.search.engine import SearchEngine
from shopsight.search.photos import PhotoReader
from shopsight.wiring.models import Models

_SIDE = 480
_PRODUCT_COLUMNS = ("product_id", "id")

QUICK_VIEWS = 160
"""Photos made up after indexing, where people wait: a third less work, and somewhat less sure."""

Progress = Callable[[int, int], None]


class Calibrator:
    """Fits and keeps the calibration of one index version.

    Args:
        catalog: Whose pictures are shown to the search as if a shopper had taken them.
        collection: The index version.
        engine: Searches it.
        reader: Reads photos, as searches do.
        models: The encoder.
        store: Where calibrations are kept.
        limits: What a picture may cost.
        load: Where a picture is to its bytes.
        regions: Whether searches look for the main subject.

    Attributes:
        places: Of the pictures that were encoded last, by the bytes of their vectors; none if the
            encoder does not tell them.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        collection: Collection,
        *,
        engine: SearchEngine,
        reader: PhotoReader,
        models: Models,
        store: CalibrationStore,
        limits: ImageLimits,
        load: Callable[[str], bytes],
        regions: bool,
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._engine = engine
        self._reader = reader
        self._models = models
        self._store = store
        self._limits = limits
        self._load = load
        self._regions = regions
        self.places: dict[bytes, Places] = {}

    def fit(
        self,
        labels: Sequence[PhotoRow] = (),
        progress: Progress | None = None,
        *,
        views: int = VIEWS,
        seen: Seen = lambda _picture, _vector: None,
    ) -> Calibration | None:
        """Fit it anew, and keep it.

        Args:
            labels: Shoppers' photos with the column ``product_id``, empty for what is not sold.
                One that cannot be read, or that shows an unknown product, is left out.
            progress: Told how many photos of how many are done.
            views: Photos made up at most.
            seen: Told of each of them.

        Returns:
            ``None``: there are too few products to tell. What was kept before is forgotten.

        Raises:
            FeedError: A labelled photo has no such column.
        """
        name = self._collection.manifest.name
        calibration = fit(
            self.pictures(),
            Searches(self.encode, self._find),
            version=name,
            fingerprint=self._models.spec().fingerprint,
            products=self._collection.store.count_products(),
            labels=list(self._labelled(labels)),
            views=views,
            progress=progress,
            seen=seen,
        )
        if calibration is None:
            self._store.delete(name)
        else:
            self._store.save(name, calibration.fingerprint, calibration.model_dump_json())
        return calibration

    def pictures(self) -> Iterator[Picture]:
        """All pictures of the index; those on the web are fetched again if they are drawn."""
        fetched: dict[str, bytes] = {}
        for page in self._catalog.all_states():
            for product, state in page:
                for image in state.images.values():
                    if image.index_version and image.location:
                        group = product.item_group_id or product.id
                        opened = partial(self._opened, image.location, fetched)
                        yield Picture(product.id, group, opened)

    def _labelled(self, labels: Sequence[PhotoRow]) -> Iterator[Labelled]:
        wanted: dict[Path, set[str]] = {}
        for row in labels:
            product = next((row.columns[n] for n in _PRODUCT_COLUMNS if n in row.columns), None)
            if product is None:
                raise FeedError(
                    f"The photo {row.photo} has no column 'product_id': name the product on it, or "
                    "leave the cell empty where it is not sold here."
                )
            wanted.setdefault(row.path, set()).update({product} - {""})
        known = set(self._catalog.get([key for keys in wanted.values() for key in keys]))
        for path, ids in wanted.items():
            if ids <= known:
                yield Labelled(frozenset(ids), partial(self._opened, str(path), {}))

    def _opened(self, location: str, fetched: dict[str, bytes]) -> Image.Image:
        data = fetched.get(location)
        if data is None:
            data = self._load(location)
            if not Path(location).is_absolute():
                fetched[location] = data  # from the web, and needed again for further views
        return decode(data, self._limits, target_side=_SIDE)

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """What searches make of photos, ``(n, dimension)``, all of them encoded together."""
        parts = [self._reader.looks(image, regions=self._regions) for image in images]
        found = self._reader.placed(images, parts)
        self.places = {vector.tobytes(): places for vector, places in found if places is not None}
        return np.stack([vector for vector, _ in found])

    def _find(self, vector: NDArray[np.float32]) -> Ranking:
        found = self._engine.nearest(vector, DEPTH)
        return Ranking(
            [one.product_id for one in found],
            self._engine.groups([one.product_id for one in found]),
            np.array([one.score for one in found], np.float32),
        )
