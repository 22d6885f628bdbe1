"""The product that a photo shows."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from shopsight.api.intake import PICTURE_FORM, one_photo, remembered
from shopsight.api.models_recognition import EvidenceModel
from shopsight.api.models_recognize import AlternativeProduct, RecognizeAnswer, RecognizeBody
from shopsight.api.parts import Parts, body_schema, problems
from shopsight.api.pictures import shown
from shopsight.catalog.product import Product
from shopsight.recognize.answers import Recognition

_FORM = {"type": "object", "properties": PICTURE_FORM | {"regions": {"type": "boolean"}}}
_DIGITS = 4


def router(parts: Parts) -> APIRouter:
    """The route for products on photos."""
    routes = APIRouter(tags=["recognition"])

    @routes.post(
        "/v1/recognize",
        dependencies=[Depends(parts.gate.search())],
        summary="The product that a photo shows",
        description=(
            "By barcodes and QR codes, by printed words, and by its look, with the evidence; or "
            "that it is unknown."
        ),
        openapi_extra=body_schema(RecognizeBody, forms=_FORM),
        responses=problems(400, 401, 404, 413, 415, 422, 503, 504),
    )
    async def recognize(request: Request) -> RecognizeAnswer:
        body, photo = await one_photo(request, RecognizeBody, parts)
        found, products = await parts.searches.run(_recognized, parts, body, photo.data)
        root = request.scope.get("root_path", "")
        return _answer(found, products, root=root, image_id=remembered(photo, parts))

    return routes


def _recognized(
    parts: Parts, body: RecognizeBody, data: bytes
) -> tuple[Recognition, dict[str, Product]]:
    found = parts.shop.recognize(data, box=body.part, regions=body.regions)
    ids = [one.answer for one in found.alternatives]
    return found, parts.shop.catalog.get(ids if found.answer is None else [found.answer, *ids])


def _answer(
    found: Recognition, products: dict[str, Product], *, root: str, image_id: str
) -> RecognizeAnswer:
    product = products.get(found.answer or "")
    return RecognizeAnswer.model_construct(
        product=None if product is None else shown(product, root=root),
        unknown=product is None,
        confidence=round(found.confidence, _DIGITS),
        alternatives=[
            AlternativeProduct.model_construct(
                product=shown(products[one.answer], root=root),
                confidence=round(one.confidence, _DIGITS),
            )
            for one in found.alternatives
            if one.answer in products
        ],
        evidence=[EvidenceModel.of(one) for one in found.evidence],
        image_id=image_id,
        timings_ms=dict(found.timings_ms),
    )
