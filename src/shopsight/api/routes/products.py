"""Products: read, write, delete, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from pydantic import JsonValue, ValidationError

from shopsight.api.models import (
    BatchAnswer,
    BatchBody,
    BatchItem,
    ProductBody,
    ProductPage,
    ShownProduct,
)
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.pictures import is_kept, is_remote, meant, with_pictures
from shopsight.api.problems import FieldProblem, ProblemError, from_validation
from shopsight.catalog.product import Product
from shopsight.errors import NotFoundError
from shopsight.wiring import Shop

ProductId = Annotated[str, InPath(min_length=1, max_length=200, examples=["MUG001"])]


def router(parts: Parts) -> APIRouter:
    """Routes for products."""
    routes = APIRouter(tags=["products"])
    _add_reads(routes, parts)
    _add_writes(routes, parts)
    _add_batch(routes, parts)
    return routes


def _add_reads(routes: APIRouter, parts: Parts) -> None:
    @routes.get(
        "/v1/products",
        summary="List products",
        response_model=ProductPage,
        responses=problems(401, 422),
        dependencies=[Depends(parts.gate.search())],
    )
    async def list_products(
        request: Request,
        limit: Annotated[int, Query(ge=1, le=1000, description="Most products.")] = 100,
        after: Annotated[str, Query(max_length=200, description="`next` of the page before.")] = "",
        q: Annotated[
            str, Query(max_length=200, description="Only products with this in any field.")
        ] = "",
    ) -> Response:
        root = request.scope.get("root_path", "")
        page = await parts.lookups.run(_page, parts.shop, after, limit, root, q.strip())
        return Response(page.model_dump_json(), media_type="application/json")

    @routes.get(
        "/v1/products/{product_id:path}",
        summary="Get a product",
        response_model=ShownProduct,
        responses=problems(401, 404),
        dependencies=[Depends(parts.gate.search())],
    )
    async def get_product(request: Request, product_id: ProductId) -> Response:
        root = request.scope.get("root_path", "")
        product = await parts.lookups.run(_product, parts.shop, product_id, root)
        return Response(product.model_dump_json(), media_type="application/json")


def _add_writes(routes: APIRouter, parts: Parts) -> None:
    admin = [Depends(parts.gate.admin())]

    @routes.put(
        "/v1/products/{product_id:path}",
        summary="Add or replace a product",
        response_model=BatchItem,
        responses=problems(401, 403, 409, 413, 422)
        | {201: {"description": "The product is new.", "model": BatchItem}},
        openapi_extra=body_schema(ProductBody),
        dependencies=admin,
    )
    async def put_product(request: Request, product_id: ProductId) -> Response:
        body = await read_json(request, ProductBody, parts.lookups)
        if body.id != product_id:
            message = f"the address names {product_id!r}, the body {body.id!r}"
            raise ProblemError(
                422,
                "validation",
                f"body.id: {message}",
                fields=[FieldProblem(field="body.id", message=message)],
            )
        root = request.scope.get("root_path", "")
        (item,) = await parts.writes.run(_upsert, parts.shop, [body], root)
        if item.status == "failed":
            raise ProblemError(
                422,
                "image",
                f"{item.error}. Searches find the product only once its picture can be used.",
                title="The picture cannot be used",
            )
        status = 201 if item.status == "created" else 200
        return Response(item.model_dump_json(), status, media_type="application/json")

    @routes.delete(
        "/v1/products/{product_id:path}",
        summary="Delete a product",
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 404, 409),
        dependencies=admin,
    )
    async def delete_product(product_id: ProductId) -> Response:
        (item,) = await parts.writes.run(parts.shop.delete_products, [product_id])
        if item.status == "not_found":
            raise NotFoundError(f"There is no product with the id {product_id!r}.")
        return Response(status_code=204)


def _add_batch(routes: APIRouter, parts: Parts) -> None:
    @routes.post(
        "/v1/products/batch",
        summary="Add, replace and delete many products",
        response_model=BatchAnswer,
        responses=problems(401, 403, 409, 413, 422),
        openapi_extra=body_schema(BatchBody),
        dependencies=[Depends(parts.gate.admin())],
    )
    async def batch(request: Request) -> Response:
        body = await read_json(request, BatchBody, parts.lookups)
        answer = await parts.writes.run(
            _batch, parts.shop, body, request.scope.get("root_path", "")
        )
        return Response(answer.model_dump_json(), media_type="application/json")


def _page(shop: Shop, after: str, limit: int, root: str, containing: str) -> ProductPage:
    products = shop.catalog.page(after=after, limit=limit + 1, containing=containing)
    page = products[:limit]
    states = shop.catalog.states([product.id for product in page])
    return ProductPage.model_construct(
        products=[with_pictures(one, states.get(one.id), root=root) for one in page],
        next=page[-1].id if len(products) > limit else None,
    )


def _product(shop: Shop, product_id: str, root: str) -> ShownProduct:
    product = shop.catalog.one(product_id)
    return with_pictures(product, shop.catalog.states([product_id]).get(product_id), root=root)


def _batch(shop: Shop, body: BatchBody, root: str) -> BatchAnswer:
    items: list[BatchItem | None] = []
    good: list[ProductBody] = []
    for raw in body.upsert:
        checked = _checked(raw)
        if isinstance(checked, ProductBody):
            good.append(checked)
            items.append(None)
        else:
            items.append(checked)
    written = iter(_upsert(shop, good, root) if good else [])
    done = [item or next(written) for item in items]
    deleted = shop.delete_products(body.delete) if body.delete else []
    done += [BatchItem(id=item.id, status=item.status, error=item.error) for item in deleted]
    return BatchAnswer(items=done)


def _checked(raw: dict[str, JsonValue]) -> ProductBody | BatchItem:
    try:
        return ProductBody.model_validate(raw)
    except ValidationError as error:
        given = raw.get("id")
        product_id = given if isinstance(given, str) else ""
        return BatchItem(id=product_id, status="failed", error=from_validation(error).detail)


def _upsert(shop: Shop, bodies: Sequence[ProductBody], root: str) -> list[BatchItem]:
    """Write products. Links lead to the web or to files that the product already had."""
    ids = [body.id for body in bodies]
    stored, states = shop.catalog.get(ids), shop.catalog.states(ids)
    answers: list[BatchItem | None] = []
    wanted: list[Product] = []
    for body in bodies:
        product = Product.model_validate(meant(body, stored.get(body.id), root=root).model_dump())
        images = states[product.id].images.values() if product.id in states else ()
        own = {image.link for image in images if is_kept(image)}
        strange = next(
            (link for link in product.image_links if not is_remote(link) and link not in own), None
        )
        if strange is None:
            wanted.append(product)
            answers.append(None)
        else:
            error = f"image_link: {strange!r} is no http or https link"
            answers.append(BatchItem(id=product.id, status="failed", error=error))
    written = iter(shop.put_products(wanted) if wanted else [])

    def outcome() -> BatchItem:
        item = next(written)
        return BatchItem(id=item.id, status=item.status, error=item.error)

    return [answer or outcome() for answer in answers]
