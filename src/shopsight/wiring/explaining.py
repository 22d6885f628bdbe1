"""Why hits matched, with the pictures painted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from shopsight.encoders.base import Vectors
from shopsight.images.boxes import Box
from shopsight.index.collection import Collection
from shopsight.search.explaining.contributions import Explanation, explain_cells
from shopsight.search.explaining.overlay import overlay_png
from shopsight.search.explaining.scoring import Scoring
from shopsight.search.focus import Focus
from shopsight.search.photos import PhotoReader, SeenPicture
from shopsight.search.query import Hit
from shopsight.search.ranking import nearest_products
from shopsight.search.weights import part_weights
from shopsight.wiring.models import Models

RIVALS = 10
"""Products that a hit's lead is over, at least, where the shop has so many."""

CACHE_BYTES = 64_000_000
"""Memory for pictures that were explained lately: about 200."""


@dataclass(frozen=True, eq=False)
class ShownExplanation:
    """Why a hit matched. The pictures are painted when they are first asked for.

    Attributes:
        explanation: The numbers.
        photo: The photo as it was searched for.
        product: The product's picture.
        photo_number: Which photo of the query it is about, from 0: the one most like the product.
    """

    explanation: Explanation
    photo: SeenPicture
    product: SeenPicture
    photo_number: int = 0

    @cached_property
    def photo_overlay(self) -> bytes:
        """The photo with a heat map, PNG."""
        seen = self.photo
        return overlay_png(seen.small, self.explanation.query.cells, seen.cells.sight)

    @cached_property
    def product_overlay(self) -> bytes:
        """The product's picture with one, PNG."""
        seen = self.product
        return overlay_png(seen.small, self.explanation.product.cells, seen.cells.sight)


class Explainer:
    """Explains hits of one index version. Safe to use from several threads.

    Args:
        collection: The index version.
        models: Its encoder.
        reader: Reads photos, as searches do.
        load: Where a picture is to its bytes.
    """

    def __init__(
        self,
        collection: Collection,
        models: Models,
        reader: PhotoReader,
        *,
        load: Callable[[str], bytes],
    ) -> None:
        self._collection = collection
        self._models = models
        self._reader = reader
        self._load = load

    def explain(
        self,
        photos: Sequence[bytes],
        hits: Sequence[Hit],
        *,
        box: Box | None,
        regions: bool,
        focus: Focus,
    ) -> dict[str, ShownExplanation]:
        """Why products matched photos, by product id.

        With several photos each hit is explained by the one that it is most like; the score that is
        explained is then that of this photo alone.

        Args:
            photos: Their bytes, at least one.
            hits: Of one search with them.
            box: The part of the first photo that was asked for.
            regions: Whether the search looked for main subjects.
            focus: Of the search.

        Raises:
            ImageError: A photo, or a product's picture, cannot be had.
            EncoderError: The model failed.
        """
        spec = self._models.spec()
        asked = [
            self._reader.seen(data, box=None if number else box, regions=regions)
            for number, data in enumerate(photos)
        ]
        metric, scaling = self._collection.store.schema.metric, self._collection.scaling
        scorings = [
            Scoring(metric, scaling, part_weights(spec, one.cells.vector, focus)) for one in asked
        ]
        vectors = self._compared_with(hits, asked[0].cells.vector, scorings[0])
        found = {}
        for hit in hits:
            others = [vector for name, vector in vectors.items() if name != hit.product.id]
            product = self._reader.seen(self._load(hit.image_location), box=None, regions=False)
            number = max(
                range(len(asked)),
                key=lambda n: scorings[n].score(asked[n].cells.vector, product.cells.vector),
            )
            explanation = explain_cells(
                spec,
                asked[number].cells,
                product.cells,
                scorings[number],
                rivals=np.stack(others) if others else None,
            )
            found[hit.product.id] = ShownExplanation(explanation, asked[number], product, number)
        return found

    def _compared_with(
        self, hits: Sequence[Hit], photo: Vectors, scoring: Scoring
    ) -> Mapping[str, Vectors]:
        """By product id, vectors of hits; if they are few, of what is most like the photo, too."""
        records = {hit.product.id: hit.record for hit in hits}
        if len(records) <= RIVALS:
            near = nearest_products(
                lambda k: self._collection.search(photo, k, weights=scoring.weights), RIVALS + 1
            )
            records |= {name: key for name, (_, key) in near.items() if name not in records}
            records = dict(islice(records.items(), RIVALS + 1))
        vectors = self._collection.vectors_by_id(list(records.values()))
        return {name: vectors[key] for name, key in records.items() if key in vectors}
