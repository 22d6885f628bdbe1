"""The category of what a photo shows."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from shopsight.api.intake import PICTURE_FORM, one_photo, remembered
from shopsight.api.models_recognition import (
    AlternativeModel,
    ClassifyAnswer,
    ClassifyBody,
    EvidenceModel,
    LevelModel,
)
from shopsight.api.parts import Parts, body_schema, problems
from shopsight.api.search_answers import shown_hit
from shopsight.recognize.category import Classification
from shopsight.recognize.category_paths import SEPARATOR

FORM = {
    "type": "object",
    "properties": PICTURE_FORM
    | {"regions": {"type": "boolean"}, "related": {"type": "integer", "minimum": 0}},
}


def router(parts: Parts) -> APIRouter:
    """The route for categories."""
    routes = APIRouter(tags=["recognition"])

    @routes.post(
        "/v1/classify",
        dependencies=[Depends(parts.gate.search())],
        summary="The category of what a photo shows",
        description=(
            "Level by level, from the shop's own categories. The answer is the lowest category "
            "that is probable enough, or none."
        ),
        openapi_extra=body_schema(ClassifyBody, forms=FORM),
        responses=problems(400, 401, 404, 413, 415, 422, 502, 503, 504),
    )
    async def classify(request: Request) -> ClassifyAnswer:
        body, photo = await one_photo(request, ClassifyBody, parts)
        found = await parts.searches.run(_classified, parts, body, photo.data)
        return _answer(found, request.scope.get("root_path", ""), remembered(photo, parts))

    return routes


def _classified(parts: Parts, body: ClassifyBody, data: bytes) -> Classification:
    return parts.shop.classify(data, box=body.part, regions=body.regions, related=body.related)


def _answer(found: Classification, root: str, image_id: str) -> ClassifyAnswer:
    return ClassifyAnswer.model_construct(
        path=found.answer,
        confidence=round(found.confidence, 4),
        abstained=found.answer is None,
        levels=[
            LevelModel(
                path=level.answer,
                name=level.answer.rpartition(SEPARATOR)[2],
                probability=round(level.confidence, 4),
            )
            for level in found.levels
        ],
        alternatives=[AlternativeModel.of(one) for one in found.alternatives],
        evidence=[EvidenceModel.of(one) for one in found.evidence],
        related=[shown_hit(hit, root) for hit in found.related],
        image_id=image_id,
        timings_ms=dict(found.timings_ms),
    )
