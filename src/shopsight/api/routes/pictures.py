"""Pictures of products: the files themselves, and thumbnails for pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, RedirectResponse
from pydantic import AfterValidator

from shopsight.api.parts import Parts, problems
from shopsight.api.pictures import HASH_DIGITS, is_remote, local_file
from shopsight.api.problems import ProblemError
from shopsight.api.routes.products import ProductId
from shopsight.catalog.store import ImageState
from shopsight.errors import ImageError
from shopsight.images.thumbnails import WIDTHS
from shopsight.wiring.thumbnails import Thumbnail

_WHILE = "max-age=300, stale-while-revalidate=86400"
_FOREVER = "max-age=31536000, immutable"


def _one_of_few(width: int) -> int:
    if width not in WIDTHS:
        raise ValueError(f"thumbnails are {', '.join(map(str, WIDTHS))} pixels wide")
    return width


Width = Annotated[
    int,
    AfterValidator(_one_of_few),
    Query(
        description="Pixels of a thumbnail; without it, the picture itself.",
        json_schema_extra={"enum": list(WIDTHS)},
    ),
]


def router(parts: Parts) -> APIRouter:
    """Routes for pictures. They come before those of products: an id may hold slashes."""
    routes = APIRouter(tags=["products"])
    # A shared cache must not give away what needs a key.
    audience = "private" if parts.shop.settings.search_needs_key else "public"
    passing = f"{audience}, {_WHILE}"
    lasting = f"{audience}, {_FOREVER}"

    @routes.get(
        "/v1/products/{product_id:path}/images/{number:int}",
        summary="A product's picture, or a thumbnail of it",
        response_class=Response,
        responses=problems(401, 404, 422, 503)
        | {
            200: {"description": "The picture.", "content": {"image/*": {}}},
            304: {"description": "The picture has not changed."},
            307: {"description": "The picture is on the web."},
        },
        dependencies=[Depends(parts.gate.search())],
    )
    async def get_picture(
        request: Request,
        product_id: ProductId,
        number: Annotated[int, InPath(ge=0, le=50, examples=[0])],
        width: Width | None = None,
        v: Annotated[
            str, Query(max_length=64, description="Names the picture: see `thumbnail` in answers.")
        ] = "",
    ) -> Response:
        state = await parts.lookups.run(parts.shop.image, product_id, number)
        known = request.headers.get("if-none-match")
        elsewhere = is_remote(state.location)
        if width is None:
            if elsewhere:
                return RedirectResponse(state.location, 307, headers={"Cache-Control": passing})
            return await parts.lookups.run(_file, state, known, passing)
        try:
            made = await parts.thumbnails.get(state, width)
        except (ImageError, ProblemError):
            if not elsewhere:
                raise
            # The browser may well be given what this server is not.
            return RedirectResponse(state.location, 307, headers={"Cache-Control": passing})
        named = v == made.digest[:HASH_DIGITS]
        return _thumbnail(made, width, known, lasting if named else passing)

    return routes


def _thumbnail(made: Thumbnail, width: int, known: str | None, caching: str) -> Response:
    etag = f'"{made.digest[:HASH_DIGITS]}-{width}"'
    headers = {"Cache-Control": caching, "ETag": etag}
    if known and etag in known:
        return Response(status_code=304, headers=headers)
    return Response(made.data, media_type="image/webp", headers=headers)


def _file(state: ImageState, known: str | None, caching: str) -> Response:
    path, media_type = local_file(state)
    stat = path.stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    headers = {"Cache-Control": caching, "ETag": etag}
    if known and etag in known:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=media_type, headers=headers, stat_result=stat)
