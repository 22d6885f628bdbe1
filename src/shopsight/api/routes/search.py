"""Photo in, products out."""

from __future__ import annotations

import base64
import binascii
from io import BytesIO

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from shopsight.api.forms import read_form
from shopsight.api.models import SearchAnswer, SearchBody, SearchHit, SearchOptions
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.pictures import is_remote, picture_bytes, picture_path, shown
from shopsight.api.problems import FieldProblem, ProblemError, from_validation
from shopsight.search.focus import Focus
from shopsight.search.query import SearchResult

_FORM = {
    "type": "object",
    "properties": {
        "image": {"type": "string", "format": "binary", "description": "The photo."},
        "image_url": {"type": "string", "format": "uri"},
        "product_id": {"type": "string"},
        "filter": {"type": "string"},
        "limit": {"type": "integer", "default": 10},
        "offset": {"type": "integer", "default": 0},
        "focus": {"type": "string", "enum": [*Focus], "default": Focus.BALANCED},
    },
}


def router(parts: Parts) -> APIRouter:
    """Routes for shoppers' photos."""
    routes = APIRouter(tags=["search"])

    @routes.post(
        "/v1/search",
        summary="Find products that look like a photo",
        response_model=SearchAnswer,
        responses=problems(400, 401, 413, 422, 503, 504),
        openapi_extra=body_schema(SearchBody, forms=_FORM),
        dependencies=[Depends(parts.gate.search())],
    )
    async def search(request: Request) -> Response:
        photo, body = await _question(request, parts)
        if body.product_id is not None:
            result = await _like_product(parts, body)
        else:
            if body.image_url is not None:
                photo = await parts.fetches.run(parts.shop.fetch_image, body.image_url)
            result = await _by_photo(parts, photo, body, limit=body.limit, offset=body.offset)
        parts.metrics.search(result.timings_ms)
        answer = _answer(result, root=request.scope.get("root_path", ""))
        return Response(answer.model_dump_json(), media_type="application/json")

    @routes.get(
        "/v1/search/options",
        summary="What searches can be asked for",
        responses=problems(401, 503, 504),
        dependencies=[Depends(parts.gate.search())],
    )
    async def search_options() -> SearchOptions:
        # Waits for the encoder while that is being loaded, as a search does.
        focuses = await parts.searches.run(lambda: parts.shop.focuses)
        return SearchOptions(focuses=list(focuses))

    return routes


async def _question(request: Request, parts: Parts) -> tuple[bytes, SearchBody]:
    """The photo, empty when it must be fetched, and the rest of the question."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        file = BytesIO()
        form = await read_form(request, {"image": file})
        if "image" in form.files:
            # Stands in for the file, which is no base64, while the other fields are checked.
            form.fields["image"] = "-"
        try:
            body = SearchBody.model_validate(form.fields)
        except ValidationError as error:
            raise from_validation(error, prefix="body") from error
        if "image" in form.files:
            return file.getvalue(), body
    else:
        body = await read_json(request, SearchBody, parts.lookups)
    return (await parts.lookups.run(_from_base64, body.image) if body.image else b""), body


def _from_base64(text: str) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        wrong = FieldProblem(field="body.image", message=f"this is no base64: {error}")
        raise ProblemError(
            422, "validation", f"{wrong.field}: {wrong.message}", fields=[wrong]
        ) from error


async def _by_photo(
    parts: Parts, photo: bytes, body: SearchBody, *, limit: int, offset: int
) -> SearchResult:
    return await parts.searches.run(
        parts.shop.search,
        photo,
        where=body.filter or None,
        limit=limit,
        offset=offset,
        focus=body.focus,
    )


async def _like_product(parts: Parts, body: SearchBody) -> SearchResult:
    product_id = body.product_id or ""
    photo = await parts.fetches.run(picture_bytes, parts.shop, product_id, 0)
    # One more than wanted, as the product itself is among them.
    found = await _by_photo(parts, photo, body, limit=body.offset + body.limit + 1, offset=0)
    others = tuple(hit for hit in found.hits if hit.product.id != product_id)
    return SearchResult(
        query_id=found.query_id,
        hits=others[body.offset : body.offset + body.limit],
        total=found.total - (len(found.hits) - len(others)),
        timings_ms=found.timings_ms,
    )


def _answer(result: SearchResult, *, root: str) -> SearchAnswer:
    hits = [
        SearchHit(
            product=shown(hit.product, root=root),
            score=round(hit.score, 6),
            image_url=hit.image_location
            if is_remote(hit.image_location)
            else picture_path(hit.product.id, hit.position, root=root),
        )
        for hit in result.hits
    ]
    return SearchAnswer.model_construct(
        query_id=result.query_id, hits=hits, total=result.total, timings_ms=dict(result.timings_ms)
    )
