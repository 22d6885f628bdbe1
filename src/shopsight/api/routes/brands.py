"""Brands: which ones a photo shows, and the registry of those that are known."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from fastapi import Path as InPath
from numpy.typing import NDArray

from shopsight.api.intake import PICTURE_FORM, one_photo, remembered
from shopsight.api.models_brands import (
    BrandAnswer,
    BrandBody,
    BrandExampleBody,
    BrandItem,
    BrandList,
    BrandPhotoBody,
    ExampleAnswer,
    SeenBrand,
    box_model,
)
from shopsight.api.models_recognition import AlternativeModel, EvidenceModel
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.pictures import shown
from shopsight.recognize.brand import BrandRecognition, BrandSeen
from shopsight.wiring import Shop

Name = Annotated[str, InPath(min_length=1, max_length=200, examples=["Kavoa"])]

_PHOTO_FORM = {
    "type": "object",
    "properties": PICTURE_FORM
    | {
        "thorough": {"type": "boolean"},
        "products": {"type": "integer", "default": 5},
    },
}
_EXAMPLE_FORM = {"type": "object", "properties": PICTURE_FORM}


def router(parts: Parts) -> APIRouter:
    """Routes for brands."""
    routes = APIRouter(tags=["brands"])
    _add_recognition(routes, parts)
    _add_reads(routes, parts)
    _add_writes(routes, parts)
    return routes


def _add_recognition(routes: APIRouter, parts: Parts) -> None:
    @routes.post(
        "/v1/brand",
        summary="Which brands a photo shows",
        response_model=BrandAnswer,
        responses=problems(400, 401, 404, 413, 422, 503, 504),
        openapi_extra=body_schema(BrandPhotoBody, forms=_PHOTO_FORM),
        dependencies=[Depends(parts.gate.search())],
    )
    async def recognize_brands(request: Request) -> Response:
        body, photo = await one_photo(request, BrandPhotoBody, parts)
        root = request.scope.get("root_path", "")
        found, brands = await parts.searches.run(_recognized, parts.shop, photo.data, body, root)
        answer = BrandAnswer(
            answer=found.answer,
            confidence=round(found.confidence, 4),
            brands=brands,
            alternatives=[AlternativeModel.of(one) for one in found.alternatives],
            evidence=[EvidenceModel.of(one) for one in found.evidence],
            image_id=remembered(photo, parts),
            timings_ms=dict(found.timings_ms),
        )
        return Response(answer.model_dump_json(), media_type="application/json")


def _add_reads(routes: APIRouter, parts: Parts) -> None:
    admin = [Depends(parts.gate.admin())]

    @routes.get(
        "/v1/brands",
        summary="List the brands that were taught",
        responses=problems(401, 403),
        dependencies=admin,
    )
    async def list_brands() -> BrandList:
        brands = await parts.lookups.run(parts.shop.brands.all)
        return BrandList(brands=[BrandItem.of(one) for one in brands])

    @routes.get(
        "/v1/brands/{name:path}",
        summary="Get a brand, by its name or an alias",
        responses=problems(401, 403, 404),
        dependencies=admin,
    )
    async def get_brand(name: Name) -> BrandItem:
        return BrandItem.of(await parts.lookups.run(parts.shop.brands.one, name))


def _add_writes(routes: APIRouter, parts: Parts) -> None:
    admin = [Depends(parts.gate.admin())]

    @routes.put(
        "/v1/brands/{name:path}",
        summary="Add a brand, or replace its aliases and its website",
        response_model=BrandItem,
        responses=problems(401, 403, 409, 413, 422)
        | {201: {"description": "The brand is new.", "model": BrandItem}},
        openapi_extra=body_schema(BrandBody),
        dependencies=admin,
    )
    async def put_brand(request: Request, name: Name) -> Response:
        body = await read_json(request, BrandBody, parts.lookups)
        item, new = await parts.writes.run(_put, parts.shop, name, body)
        status = 201 if new else 200
        return Response(item.model_dump_json(), status, media_type="application/json")

    # Before the brands themselves, whose names may hold a slash.
    @routes.delete(
        "/v1/brands/{name:path}/examples",
        summary="Forget what a brand's logo looks like",
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 404),
        dependencies=admin,
    )
    async def delete_examples(name: Name) -> Response:
        await parts.writes.run(parts.shop.brands.remove_examples, name)
        return Response(status_code=204)

    @routes.delete(
        "/v1/brands/{name:path}",
        summary="Forget a brand and its examples",
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 404),
        dependencies=admin,
    )
    async def delete_brand(name: Name) -> Response:
        await parts.writes.run(parts.shop.brands.remove, name)
        return Response(status_code=204)

    @routes.post(
        "/v1/brands/{name:path}/examples",
        summary="Teach a brand from a logo, or from a box on a photo",
        response_model=ExampleAnswer,
        responses=problems(400, 401, 403, 404, 413, 422, 503),
        openapi_extra=body_schema(BrandExampleBody, forms=_EXAMPLE_FORM),
        dependencies=admin,
    )
    async def add_example(request: Request, name: Name) -> Response:
        body, photo = await one_photo(request, BrandExampleBody, parts)
        added = await parts.writes.run(parts.shop.brands.add_example, name, photo.data, body.part)
        brand = await parts.lookups.run(parts.shop.brands.one, name)
        answer = ExampleAnswer(added=added, brand=BrandItem.of(brand))
        return Response(answer.model_dump_json(), media_type="application/json")


def _put(shop: Shop, name: str, body: BrandBody) -> tuple[BrandItem, bool]:
    new = shop.brands.put(name, aliases=body.aliases, website=body.website)
    return BrandItem.of(shop.brands.one(name)), new


def _recognized(
    shop: Shop, photo: bytes, body: BrandPhotoBody, root: str
) -> tuple[BrandRecognition, list[SeenBrand]]:
    found = shop.brands.recognize(photo, box=body.part, thorough=body.thorough)
    return found, [_seen(shop, one, found.look, body.products, root) for one in found.brands]


def _seen(
    shop: Shop, one: BrandSeen, look: NDArray[np.float32] | None, limit: int, root: str
) -> SeenBrand:
    hits = shop.brands.products(one.name, look, limit=limit) if limit else []
    return SeenBrand(
        name=one.name,
        website=one.website,
        confidence=round(one.confidence, 4),
        box=box_model(one.box),
        products=[shown(hit.product, root=root) for hit in hits],
    )
