"""Photos, videos and words in, products out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter, Depends, Request, Response

from shopsight.api.intake import from_base64, received, sent_photo
from shopsight.api.parts import Parts, body_schema, problems
from shopsight.api.search_answers import answer, explained
from shopsight.api.search_models import SearchAnswer, SearchBody, SearchOptionsAnswer
from shopsight.catalog.events import SearchKind
from shopsight.search.query import SearchResult, Weights
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
        result = await parts.searches.run(shop.search_video, asked.video, body.text, **options)
        _note(parts, asked, result)
        return answer(result, root=root)
    result = await parts.searches.run(shop.search, asked.photos, body.text, **options)
    _note(parts, asked, result)
    explanations = None
    if body.explain:
        explanations = await parts.fetches.run(
            lambda: explained(
                shop.explain(asked.photos, result, box=options.get("box"), focus=body.focus)
            )
        )
    image_id = asked.image_id
    if asked.photos and not image_id:
        image_id = parts.recent.add(asked.photos[0])
    return answer(result, root=root, image_id=image_id, explanations=explanations)


def _note(parts: Parts, asked: _Asked, result: SearchResult) -> None:
    """Count a search. Further pages of one are the same search to whoever runs the shop."""
    parts.metrics.search(result.timings_ms)
    parts.history.search(result.timings_ms.get("total", 0.0))
    if not asked.body.offset:
        parts.usage.search(_kind(asked), asked.body.text, result)


def _kind(asked: _Asked) -> SearchKind:
    if asked.video:
        return SearchKind.VIDEO
    if asked.body.product_id:
        return SearchKind.PRODUCT
    if asked.photos:
        return SearchKind.PHOTO_AND_WORDS if asked.body.text else SearchKind.PHOTO
    return SearchKind.WORDS


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
        "explain": body.explain,
    }
    if body.box is not None:
        options["box"] = (body.box.x1, body.box.y1, body.box.x2, body.box.y2)
    if body.regions is not None:
        options["regions"] = body.regions
    return options


async def _asked(request: Request, parts: Parts) -> _Asked:
    """The question, with the photos and videos that it is about."""
    got = await received(request, SearchBody, parts, files=_FILES)
    body = got.body
    if "video" in got.files:
        return _Asked(body, video=got.files["video"])
    if body.video is not None:
        return _Asked(body, video=await parts.lookups.run(from_base64, body.video, "body.video"))
    if body.images is not None:
        return await parts.lookups.run(_with_photos, body, body.images)
    photo = await sent_photo(body, got.files, parts)
    return _Asked(body) if photo is None else _Asked(body, (photo.data,), image_id=photo.image_id)


def _with_photos(body: SearchBody, texts: Sequence[str]) -> _Asked:
    return _Asked(body, tuple(from_base64(text, "body.image") for text in texts))
