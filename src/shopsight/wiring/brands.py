"""Recognises a shop's brands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from shopsight.catalog.brands import BrandStore, folded
from shopsight.catalog.store import CatalogStore, record_id
from shopsight.images.boxes import Box
from shopsight.images.prepare import ImageLimits, decode
from shopsight.index.filters import In
from shopsight.recognize.brand import (
    BrandKnowledge,
    BrandRecognition,
    BrandSenses,
    KnownBrand,
    LikeProducts,
    recognize_brands,
)
from shopsight.recognize.brand_gallery import Looks, gallery_of
from shopsight.recognize.brand_names import BrandNames
from shopsight.search.clock import Clock
from shopsight.search.engine import JUDGED
from shopsight.search.query import Hit
from shopsight.wiring.brand_registry import BrandRegistry
from shopsight.wiring.options import checked_box
from shopsight.wiring.photos import Photo, naming

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shopsight.settings import Settings
    from shopsight.wiring.models import Models
    from shopsight.wiring.serving import Serving

BACKGROUND_PRODUCTS = 500
"""Products whose pictures say what is no logo."""

_MOST_CATALOGUE_BRANDS = 10_000
_LEAST_LIKELY = 1e-4  # probability of a product from which it is looked up


class Brands(BrandRegistry):
    """The brands of a shop: the registry, and their recognition. Safe to use from several threads.

    Args:
        store: Where they are kept.
        catalog: The products.
        models: Encoder and text reader.
        settings: Thresholds, and what a picture may cost.
        limits: What a picture may cost.
        serving: What answers searches; gives ``None`` where nothing is indexed.
    """

    def __init__(
        self,
        store: BrandStore,
        catalog: CatalogStore,
        models: Models,
        settings: Settings,
        *,
        limits: ImageLimits,
        serving: Callable[[], Serving | None],
    ) -> None:
        super().__init__(store, models, limits)
        self._catalog = catalog
        self._settings = settings
        self._serving = serving
        self._lock = threading.Lock()
        self._kept: tuple[tuple[object, ...], BrandKnowledge] | None = None

    def recognize(
        self,
        photo: Photo,
        *,
        box: Box | Sequence[float] | None = None,
        thorough: bool | None = None,
    ) -> BrandRecognition:
        """Say which brands a photo shows, by logos, words, and the brands of like products.

        Args:
            photo: A file, or a picture's bytes.
            box: The part of it that is meant; ``None``: all of it.
            thorough: Look for small logos too, about ten times as long; ``None``: as the settings
                say.

        Raises:
            ImageError: The photo cannot be used.
            QueryError: The box makes no sense.
            EncoderMismatchError: Another encoder made the index.
        """
        clock = Clock()
        with naming((photo,)):
            image = decode(self._bytes(photo), self._limits)
        part = None if box is None else checked_box(box)
        clock.lap("decode")
        serving = self._serving()
        known = self._knowledge(serving)
        return recognize_brands(
            image,
            known,
            self._senses(serving, known.keys),
            threshold=self._settings.brand_threshold,
            box=part,
            thorough=self._settings.brand_thorough if thorough is None else thorough,
            clock=clock,
        )

    def products(
        self, name: str, like: NDArray[np.float32] | None = None, *, limit: int = 10
    ) -> list[Hit]:
        """Products of a brand.

        Args:
            name: Of the brand, or an alias.
            like: ``(dimension,)`` unit vector that orders them, such as the ``look`` of an answer;
                ``None``: in no order.
            limit: How many at most.
        """
        serving = self._serving()
        if serving is None:
            return []
        keys = self._keys(name)
        spelled = tuple(one for one in self._spelled(serving) if folded(one) in keys)
        if not spelled:
            return []
        dimension = self._models.spec().dimension
        vector = np.full(dimension, dimension**-0.5, np.float32) if like is None else like
        found = serving.engine.nearest(vector, limit, In("brand", spelled))
        return list(serving.engine.hits(found))

    def of_products(self, ids: Iterable[str]) -> dict[str, str]:
        """Brands of products, as answers spell them; those without one are left out."""
        found = self._catalog.get(list(ids))
        return {key: self.spelled(one.brand) for key, one in found.items() if one.brand}

    def refresh(self) -> None:
        """See what was written since, here or by another process."""
        with self._lock:
            if self._kept is not None and self._kept[0] != self._state(self._serving()):
                self._kept = None

    def _state(self, serving: Serving | None) -> tuple[object, ...]:
        indexed = serving.collection.manifest.name if serving else ""
        return (*self._store.state(), indexed, serving.words.signature() if serving else "")

    def _senses(self, serving: Serving | None, keys: Mapping[str, str]) -> BrandSenses:
        reader = self._models.text_reader()
        budget = self._settings.ocr_budget_ms / 1000
        return BrandSenses(
            self._models.encoder,
            (lambda vector: self._like(serving, keys, vector)) if serving else None,
            partial(serving.reader.things, regions=self._settings.regions) if serving else None,
            (lambda pixels: reader.read(pixels, budget).lines) if reader else None,
        )

    def _knowledge(self, serving: Serving | None) -> BrandKnowledge:
        with self._lock:
            if self._kept is None:
                state = self._state(serving)
                self._kept = state, self._learnt(serving)
            return self._kept[1]

    def _learnt(self, serving: Serving | None) -> BrandKnowledge:
        brands = {brand.key: brand for brand in self._store.all()}
        names = [(brand.key, name) for brand in brands.values() for name in brand.names]
        known = {brand.key: KnownBrand(brand.name, brand.website) for brand in brands.values()}
        aliases = {folded(name): key for key, name in names}
        for spelled in self._spelled(serving) if serving else ():
            if folded(spelled) not in aliases:
                known[folded(spelled)] = KnownBrand(spelled)
                names.append((folded(spelled), spelled))
        examples: dict[str, list[Looks]] = {key: [] for key in brands}
        for example in self._looked():
            examples[example.brand].append(Looks.unpacked(example.looks))
        spec = self._models.spec()
        background = np.zeros((0, spec.dimension), np.float32)
        if serving is not None:
            page = self._catalog.page(limit=BACKGROUND_PRODUCTS)
            background = serving.collection.vectors([record_id(one.id, 0) for one in page])
        gallery = gallery_of(examples, background)
        return BrandKnowledge(known, BrandNames(names), gallery, aliases)

    def _spelled(self, serving: Serving) -> list[str]:
        """Brands of the catalogue, as the feed writes them."""
        facets = serving.collection.store.facets(["brand"], limit=_MOST_CATALOGUE_BRANDS)
        return [name for name in facets.get("brand", {}) if name.strip()]

    def _like(
        self, serving: Serving, keys: Mapping[str, str], vector: NDArray[np.float32]
    ) -> LikeProducts:
        calibration = serving.calibration.get()
        found = serving.engine.nearest(vector, JUDGED)
        if calibration is None or not found:
            return LikeProducts()
        ids = [one.product_id for one in found]
        scores = np.array([one.score for one in found], np.float32)
        judged = calibration.judge(scores, serving.engine.groups(ids))
        likely = {
            key: confidence
            for key, confidence in zip(ids, judged.confidences.tolist(), strict=True)
            if confidence >= _LEAST_LIKELY
        }
        products = self._catalog.get(list(likely))
        shares: dict[str, float] = {}
        names: dict[str, str] = {}
        for key, confidence in likely.items():
            product = products.get(key)
            if product is None:
                continue
            own = folded(product.brand) if product.brand else ""
            brand = keys.get(own, own)
            shares[brand] = shares.get(brand, 0.0) + confidence
            names.setdefault(brand, product.title)
        return LikeProducts(shares, names)
