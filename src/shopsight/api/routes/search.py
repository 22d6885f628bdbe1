"""Photos, videos and words in, products out."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from io import BytesIO

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from shopsight.api.forms import Form, read_form
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.problems import FieldProblem, ProblemError, from_validation
from shopsight.api.search_answers import answer
from shopsight.api.search_models import SearchAnswer, SearchBody, SearchOptionsAnswer
from shopsight.search.query import Weights
from shopsight.wiring import SearchOptions

_FILES = ("image", "video")
_FORM = {
    "type": "object",
    "properties": {
        "image": {"type": "string", "format": "binary", "description": "The photo."},
        "video": {"type": "string", "format": "binary", "description": "A short video."},
        "image_url": {"type": "string", "format": "uri"},
        "image_id": {"type": "string"},
        "product_id": {"type": "string"},
        "text": {"type": "string"},
        "negative_text": {"type": "string"},
        "weights": {"type": "string", "description": "JSON."},
        "box": {"type": "string", "description": "JSON, or four numbers with commas between."},
        "regions": {"type": "boolean"},
        "filter": {"type": "string"},
        "ignore": {"type": "string", "description": "Ids of chips, JSON or with commas between."},
        "limit": {"type": "integer", "default": 10},
        "offset": {"type": "integer", "default": 0},
        "focus": {"type": "string", "default": "balanced"},
        "sort": {"type": "string", "default": "relevance"},
        "group_by": {"type": "string", "default": "product"},
        "facets": {"type": "string", "description": "Fields, JSON or with commas between."},
        "boosts": {"type": "string", "description": "JSON."},
        "cutoff": {"type": "string", "default": "none"},
        "object_hits": {"type": "integer", "default": 0},
        "explain": {"type": "boolean", "default": False},
    },
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with the bytes that came with it."""

    body: SearchBody
    photos: tuple[bytes, ...] = ()
    video: bytes = b""
    image_id: str = field(default="", kw_only=True)


def router(parts: Parts) -> APIRouter:
    """Routes for searches."""
    routes = APIRouter(tags=["search"])

    @routes.post(
        "/v1/search",
        summary="Find products by photo, video, words, or a product",
        response_model=SearchAnswer,
        responses=problems(400, 401, 404, 413, 422, 503, 504),
        openapi_extra=body_schema(SearchBody, forms=_FORM),
        dependencies=[Depends(parts.gate.search())],
    )
    async def search(request: Request) -> Response:
        asked = await _asked(request, parts)
        found = await _answer(parts, asked, root=request.scope.get("root_path", ""))
        return Response(found.model_dump_json(), media_type="application/json")

    @routes.get(
        "/v1/search/options",
        summary="What searches can be asked for",
        responses=problems(401, 503, 504),
        dependencies=[Depends(parts.gate.search())],
    )
    async def search_options() -> SearchOptionsAnswer:
        # Waits for the encoder while that is being loaded, as a search does.
        return await parts.searches.run(_options, parts)

    return routes


def _options(parts: Parts) -> SearchOptionsAnswer:
    shop = parts.shop
    return SearchOptionsAnswer(
        focuses=list(shop.focuses),
        fields={name: kind.value for name, kind in shop.fields.items()},
        video=shop.reads_video,
    )


async def _answer(parts: Parts, asked: _Asked, *, root: str) -> SearchAnswer:
    body, shop = asked.body, parts.shop
    options = _search_options(body)
    if asked.video:
        result = await parts.searches.run(shop.search_video, asked.video, **options)
        parts.metrics.search(result.timings_ms)
        return answer(result, root=root)
    result = await parts.searches.run(shop.search, asked.photos, body.text, **options)
    parts.metrics.search(result.timings_ms)
    explanations = None
    if body.explain:
        explanations = await parts.fetches.run(
            shop.explain, asked.photos[0], result, box=options.get("box"), focus=body.focus
        )
    image_id = asked.image_id
    if asked.photos and not image_id:
        image_id = parts.recent.add(asked.photos[0])
    return answer(result, root=root, image_id=image_id, explanations=explanations)


def _search_options(body: SearchBody) -> SearchOptions:
    options: SearchOptions = {
        "negative_text": body.negative_text,
        "weights": Weights(body.weights.image, body.weights.text, body.weights.negative),
        "product_id": body.product_id or "",
        "where": body.filter,
        "ignore": body.ignore,
        "limit": body.limit,
        "offset": body.offset,
        "focus": body.focus,
        "sort": body.sort,
        "group_by": body.group_by,
        "facets": body.facets,
        "boosts": body.boosts,
        "cutoff": body.cutoff,
        "object_hits": body.object_hits,
    }
    if body.box is not None:
        options["box"] = (body.box.x1, body.box.y1, body.box.x2, body.box.y2)
    if body.regions is not None:
        options["regions"] = body.regions
    return options


async def _asked(request: Request, parts: Parts) -> _Asked:
    """The question, with the photos and videos that it is about."""
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _from_form(request, parts)
    body = await read_json(request, SearchBody, parts.lookups)
    return (
        await parts.lookups.run(_with_files, body, parts)
        if body.image_url is None
        else (await _fetched(body, parts))
    )


async def _from_form(request: Request, parts: Parts) -> _Asked:
    files = {name: BytesIO() for name in _FILES}
    form = await read_form(request, files)
    body = _checked(form)
    given = {name: files[name].getvalue() for name in _FILES if name in form.files}
    if "image" in given:
        return _Asked(body, (given["image"],))
    if "video" in given:
        return _Asked(body, video=given["video"])
    if body.image_url is not None:
        return await _fetched(body, parts)
    return await parts.lookups.run(_with_files, body, parts)


def _checked(form: Form) -> SearchBody:
    # Stands in for a file, which is no base64, while the other fields are checked.
    values = form.fields | {name: "-" for name in _FILES if name in form.files}
    try:
        return SearchBody.model_validate(values)
    except ValidationError as error:
        raise from_validation(error, prefix="body") from error


async def _fetched(body: SearchBody, parts: Parts) -> _Asked:
    return _Asked(body, (await parts.fetches.run(parts.shop.fetch_image, body.image_url or ""),))


def _with_files(body: SearchBody, parts: Parts) -> _Asked:
    """The question with what its texts stand for."""
    if body.image_id is not None:
        return _Asked(body, (parts.recent.get(body.image_id),), image_id=body.image_id)
    if body.video is not None:
        return _Asked(body, video=_from_base64(body.video, "body.video"))
    texts = [body.image] if body.image is not None else body.images or []
    return _Asked(body, tuple(_from_base64(text, "body.image") for text in texts))


def _from_base64(text: str, name: str) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        wrong = FieldProblem(field=name, message=f"this is no base64: {error}")
        raise ProblemError(
            422, "validation", f"{wrong.field}: {wrong.message}", fields=[wrong]
        ) from error
