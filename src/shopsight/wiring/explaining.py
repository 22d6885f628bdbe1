"""Why hits matched, with the pictures painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shopsight.images.boxes import Box
from shopsight.index.collection import Collection
from shopsight.search.explaining.contributions import Explanation, explain_cells
from shopsight.search.explaining.overlay import overlay_png
from shopsight.search.explaining.scoring import Scoring
from shopsight.search.focus import Focus
from shopsight.search.photos import PhotoReader, SeenPicture
from shopsight.search.query import Hit
from shopsight.search.weights import part_weights
from shopsight.wiring.models import Models

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
        records = [hit.record for hit in hits]
        vectors = self._collection.vectors_by_id(records) if len(hits) > 1 else {}
        found = {}
        for hit in hits:
            others = [vector for record, vector in vectors.items() if record != hit.record]
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
