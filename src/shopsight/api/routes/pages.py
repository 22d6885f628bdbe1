"""The shoppers' page: static files, and the sample photos of the demo."""

from __future__ import annotations

from asyncio import to_thread
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, JSONResponse
from starlette.staticfiles import StaticFiles

from shopsight.api.parts import Parts
from shopsight.errors import NotFoundError

WEB = Path(__file__).resolve().parents[2] / "web" / "static"
"""The pages' files. A path and no import: the layers ``api`` and ``web`` do not know each other."""


def router(parts: Parts) -> APIRouter:
    """Routes of the page. They are no part of the API, so OpenAPI leaves them out."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> Response:
        headers = {"Cache-Control": "no-cache"}
        return FileResponse(
            WEB / "index.html", media_type="text/html; charset=utf-8", headers=headers
        )

    @routes.get("/samples")
    async def samples(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        return JSONResponse(
            {"samples": [f"{root}/samples/{number}" for number in range(len(parts.samples))]}
        )

    @routes.get("/samples/{number}")
    async def sample(number: Annotated[int, InPath(ge=0)]) -> Response:
        if number >= len(parts.samples) or not await to_thread(parts.samples[number].is_file):
            raise NotFoundError(f"There is no sample photo number {number}.")
        return FileResponse(parts.samples[number], headers={"Cache-Control": "public, max-age=300"})

    return routes


class PageFiles(StaticFiles):
    """The page's scripts and styles. Browsers ask each time whether they are still current."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """A file, with its cache header."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]  # handed through
        response.headers["Cache-Control"] = "no-cache"
        return response
