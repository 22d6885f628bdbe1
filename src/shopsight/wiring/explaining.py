"""Why hits matched, with the pictures painted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from shopsight.images.boxes import WHOLE, Box
from shopsight.images.crops import square_around, whole_square
from shopsight.images.prepare import ImageLimits, decode
from shopsight.index.collection import Collection
from shopsight.regions.base import Region
from shopsight.search.explaining.cells import (
    CellCache,
    PictureCells,
    joined_cells,
    picture_cells,
)
from shopsight.search.explaining.contributions import Explanation, explain_cells
from shopsight.search.explaining.overlay import overlay_png
from shopsight.search.explaining.scoring import Scoring
from shopsight.search.explaining.sight import sight
from shopsight.search.focus import Focus
from shopsight.search.photos import PhotoReader, looks
from shopsight.search.query import Hit
from shopsight.search.weights import part_weights
from shopsight.wiring.models import Models

CACHE_BYTES = 64_000_000
_SHOWN = 512


@dataclass(frozen=True, slots=True)
class ShownExplanation:
    """Why a hit matched.

    Attributes:
        explanation: The numbers.
        photo_overlay: The photo with a heat map, PNG.
        product_overlay: The product's picture with one, PNG.
    """

    explanation: Explanation
    photo_overlay: bytes
    product_overlay: bytes


@dataclass(frozen=True, slots=True)
class _Seen:
    """A picture and its cells."""

    image: Image.Image
    cells: PictureCells


class Explainer:
    """Explains hits of one index version. Safe to use from several threads.

    Args:
        collection: The index version.
        models: Its encoder.
        reader: Reads photos, as searches do.
        limits: What a picture may cost.
        load: Where a picture is to its bytes.
    """

    def __init__(
        self,
        collection: Collection,
        models: Models,
        reader: PhotoReader,
        *,
        limits: ImageLimits,
        load: Callable[[str], bytes],
    ) -> None:
        self._collection = collection
        self._models = models
        self._reader = reader
        self._limits = limits
        self._load = load
        self._cache = CellCache(CACHE_BYTES)

    def explain(
        self,
        photo: bytes,
        hits: Sequence[Hit],
        *,
        box: Box | None,
        subject: Region | None,
        focus: Focus,
    ) -> dict[str, ShownExplanation]:
        """Why products matched a photo, by product id.

        Args:
            photo: Its bytes.
            hits: Of one search with it.
            box: The part that was asked for.
            subject: The main subject, if the search was for that.
            focus: Of the search.

        Raises:
            ImageError: The photo, or a product's picture, cannot be had.
            EncoderError: The model failed.
        """
        spec = self._models.spec()
        asked = self._photo(photo, box, subject)
        weights = part_weights(spec, asked.cells.vector, focus)
        scoring = Scoring(self._collection.store.schema.metric, self._collection.scaling, weights)
        records = [hit.record for hit in hits]
        vectors = {key: self._collection.vectors([key]) for key in records}
        found = {}
        for hit in hits:
            others = [vectors[key] for key in records if key != hit.record and len(vectors[key])]
            product = self._product(hit)
            explanation = explain_cells(
                spec,
                asked.cells,
                product.cells,
                scoring,
                rivals=np.concatenate(others) if others else None,
            )
            found[hit.product.id] = ShownExplanation(
                explanation,
                overlay_png(asked.image, explanation.query.cells, asked.cells.sight),
                overlay_png(product.image, explanation.product.cells, product.cells.sight),
            )
        return found

    def _photo(self, data: bytes, box: Box | None, subject: Region | None) -> _Seen:
        image = self._reader.decoded(data, box)
        digest = hashlib.sha256(data).digest()
        parts = looks(box, subject)
        seen = [self._seen(image, part, digest).cells for part, _ in parts]
        return _Seen(image, joined_cells(seen, [share for _, share in parts]))

    def _product(self, hit: Hit) -> _Seen:
        data = self._load(hit.image_location)
        image = decode(data, self._limits, target_side=_SHOWN)
        return self._seen(image, WHOLE, hashlib.sha256(data).digest())

    def _seen(self, image: Image.Image, box: Box, digest: bytes) -> _Seen:
        spec = self._models.spec()
        key = (digest, image.size, box, spec.fingerprint)

        def make(_: Sequence[int]) -> list[PictureCells]:
            part, how = WHOLE, spec.preprocessing
            if box != WHOLE:
                part, how = square_around(image.size, box), whole_square(how)
            pixels = self._reader.pixels(image, box)
            where = sight(how, image.size, part)
            return picture_cells(self._models.encoder, pixels[None], [where])

        return _Seen(image, self._cache.get([key], make)[0])
