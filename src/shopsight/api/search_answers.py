"""Answers of searches as the API sends them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict

from shopsight.api.pictures import is_remote, picture_path, shown, thumbnail_of
from shopsight.api.search_models import (
    BoxModel,
    ChipModel,
    ExplanationModel,
    FacetModel,
    ObjectModel,
    PatchPair,
    SearchAnswer,
    SearchHit,
)
from shopsight.images.boxes import Box
from shopsight.search.query import FoundObject, Hit, SearchResult
from shopsight.wiring.explaining import ShownExplanation

_DIGITS = 6


def answer(
    result: SearchResult,
    *,
    root: str,
    image_id: str = "",
    explanations: Mapping[str, ExplanationModel] | None = None,
) -> SearchAnswer:
    """The answer to send.

    Args:
        result: What was found.
        root: Path under which the application is mounted.
        image_id: Names the photo for further searches.
        explanations: By product id, from :func:`explained`.
    """
    why = explanations or {}
    return SearchAnswer.model_construct(
        query_id=result.query_id,
        image_id=image_id,
        hits=[shown_hit(hit, root, why.get(hit.product.id)) for hit in result.hits],
        total=result.total,
        no_match=result.no_match,
        objects=[_object(found, root) for found in result.objects],
        facets=[FacetModel.model_validate(asdict(facet)) for facet in result.facets],
        chips=[ChipModel.model_validate(asdict(chip)) for chip in result.chips],
        timings_ms=dict(result.timings_ms),
    )


def shown_hit(hit: Hit, root: str, why: ExplanationModel | None = None) -> SearchHit:
    """A hit as the API sends it; ``root`` is where the application is mounted."""
    return SearchHit.model_construct(
        product=shown(hit.product, root=root),
        score=round(hit.score, _DIGITS),
        confidence=None if hit.confidence is None else round(hit.confidence, 4),
        match=hit.match,
        image_url=hit.image_location
        if is_remote(hit.image_location)
        else picture_path(hit.product.id, hit.position, root=root),
        thumbnail=None
        if hit.image_hash is None
        else thumbnail_of(hit.product.id, hit.position, hit.image_hash, hit.image_size, root=root),
        terms={name: round(value, _DIGITS) for name, value in hit.terms.items()},
        seen_at_s=hit.seen_at_s,
        explanation=why,
    )


def _object(found: FoundObject, root: str) -> ObjectModel:
    return ObjectModel.model_construct(
        box=_box(found.box),
        confidence=round(found.confidence, 4),
        searched=found.searched,
        hits=[shown_hit(hit, root) for hit in found.hits],
    )


def _box(box: Box) -> BoxModel:
    x1, y1, x2, y2 = (round(float(value), 4) for value in box)
    return BoxModel.model_construct(x1=x1, y1=y1, x2=x2, y2=y2)


def explained(found: Mapping[str, ShownExplanation]) -> dict[str, ExplanationModel]:
    """Explanations by product id, as they are sent. Paints pictures, which takes a while."""
    return {product_id: _explanation(why) for product_id, why in found.items()}


def _explanation(why: ShownExplanation) -> ExplanationModel:
    found = why.explanation
    return ExplanationModel.model_construct(
        score=round(found.score, _DIGITS),
        photo_number=why.photo_number,
        photo_base=round(found.query.base, _DIGITS),
        product_base=round(found.product.base, _DIGITS),
        exact=found.exact,
        photo_cells=found.query.cells.round(_DIGITS).tolist(),
        product_cells=found.product.cells.round(_DIGITS).tolist(),
        parts={name: round(value, _DIGITS) for name, value in found.parts.items()},
        pairs=[
            PatchPair.model_construct(
                photo=_box(pair.query),
                product=_box(pair.product),
                share=round(pair.contribution, _DIGITS),
            )
            for pair in found.pairs
        ],
        photo_overlay=_data_url(why.photo_overlay),
        product_overlay=_data_url(why.product_overlay),
    )


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
