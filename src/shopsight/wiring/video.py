"""Searches with a video: frame by frame, each as a photo."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from shopsight.images.boxes import WHOLE
from shopsight.images.video import read_frames
from shopsight.regions.choose import objects
from shopsight.search.candidates import Candidate
from shopsight.search.clock import Clock
from shopsight.search.query import Match, Query, SearchResult
from shopsight.search.video import FrameHit, find_products

if TYPE_CHECKING:
    from PIL import Image

    from shopsight.wiring.models import Models
    from shopsight.wiring.serving import Serving

_HITS_PER_OBJECT = 5

_OBJECTS_PER_FRAME = 4
"""With the detector, five forward passes for each frame."""

_MOST_PRODUCTS = 500
"""Of all that is seen on some frame; 24 frames with four objects and five hits each make 480."""


def search_video(data: bytes, serving: Serving, models: Models, query: Query) -> SearchResult:
    """Find the products that a video shows.

    Args:
        data: Its bytes.
        serving: The index.
        models: Encoder and detector.
        query: Its words, filter, facets, and page count.

    Raises:
        DecodeError: The video cannot be used.
        FilterError: The filter makes no sense.
        QueryError: There is no such facet.
        MissingExtraError: The extra ``video`` is not installed.
    """
    clock = Clock()
    engine, reader = serving.engine, serving.reader
    question = engine.understood(query)
    finder = models.finder() if query.regions else None

    def search_frame(image: Image.Image) -> list[FrameHit]:
        found = objects(finder.find(image))[:_OBJECTS_PER_FRAME] if finder else ()
        hits = []
        boxes = [one.box for one in found] or [WHOLE]
        for box, vector in zip(boxes, reader.encoded(image, boxes), strict=True):
            nearest = engine.nearest(vector, _HITS_PER_OBJECT, question.where, question.words)
            hits += [
                FrameHit(one.product_id, one.score, record=one.record, box=box) for one in nearest
            ]
        return hits

    found = find_products(read_frames(data), search_frame, limit=_MOST_PRODUCTS)
    clock.lap("search")
    seen = {one.product_id: one for one in found.products}
    ranked = engine.wished(
        question,
        [
            Candidate(one.product_id, one.evidence, one.hit.record, {"evidence": one.evidence})
            for one in found.products
        ],
    )
    hits = engine.hits(ranked[query.offset : query.offset + query.limit])
    clock.lap("hydrate")
    counted = engine.facets(query, question)
    clock.lap("rank")
    return SearchResult(
        query_id=uuid.uuid4().hex,
        hits=tuple(
            replace(
                hit,
                score=seen[hit.product.id].hit.score,
                seen_at_s=seen[hit.product.id].best_s,
                match=Match.SIMILAR,
            )
            for hit in hits
        ),
        total=len(found.products),
        timings_ms=clock.timings(),
        facets=counted,
        chips=question.chips,
    )
