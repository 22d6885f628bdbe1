"""The pages: their documents, their files, and the sample photos of the demo."""

from __future__ import annotations

import hashlib
from asyncio import to_thread
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from shopsight.api import product_page
from shopsight.api.parts import Parts
from shopsight.api.routes.products import ProductId
from shopsight.catalog.reviews import ReviewStore
from shopsight.errors import NotFoundError

WEB = Path(__file__).resolve().parents[2] / "web" / "static"
"""The pages' files. A path and no import: the layers ``api`` and ``web`` do not know each other."""

_FOREVER = "public, max-age=31536000, immutable"
_VERSION = "v-"
_STORE = "store/index.html"


def router(parts: Parts) -> APIRouter:
    """Routes of the page. They are no part of the API, so OpenAPI leaves them out."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> Response:
        return document(_STORE, to_root=".")

    @routes.get("/p/{product_id:path}")
    async def page_of_product(request: Request, product_id: ProductId) -> Response:
        up = _up(request.scope)
        if parts.shop.settings.search_needs_key:
            # Products are for those who have a key.
            return document(_STORE, {"view": "product"}, to_root=up)
        try:
            texts = await parts.lookups.run(_about, parts, product_id, str(request.base_url))
        except NotFoundError:
            gone = {"head": '<meta name="robots" content="noindex">', "view": "product"}
            return document(_STORE, gone, to_root=up, status=404)
        return document(_STORE, texts, to_root=up)

    @routes.get("/admin")
    async def back_office() -> Response:
        return document("admin/index.html", to_root=".")

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


def _about(parts: Parts, product_id: str, base: str) -> dict[str, str]:
    product = parts.shop.catalog.one(product_id)
    store = ReviewStore(parts.shop.database)
    summary, reviews = store.summary(product), store.of(product, limit=5)
    return {
        "title": escape(f"{product.title} · Shopsight"),
        "head": product_page.head(product, summary, reviews, base=base),
        "content": product_page.content(product),
        "view": "product",
    }


def _up(scope: Scope) -> str:
    """How to get from a page's address to the server's root: an id may bring slashes of its own."""
    raw = scope.get("raw_path") or scope["path"].encode()
    below = raw.count(b"/") - scope.get("root_path", "").count("/")
    return "/".join([".."] * (below - 1))


def document(
    name: str, texts: Mapping[str, str] = MappingProxyType({}), *, to_root: str, status: int = 200
) -> Response:
    """A page.

    Args:
        name: File of the template, such as ``store/index.html``.
        texts: What fills ``title``, ``head``, ``content`` and ``view``: HTML, escaped already.
        to_root: How to get from the page's address to that of the server, such as ``..``. Relative,
            so that it holds behind any proxy.
        status: HTTP status.
    """
    files = f"{to_root}/static/{version()}"
    values = {"title": "Shopsight", "head": "", "content": "", "view": "start"} | dict(texts)
    shared = _template("shared/head.html").substitute(values, files=files).rstrip()
    html = _template(name).substitute(values, shared=shared, files=files, home=f"{to_root}/")
    return HTMLResponse(html, status, headers={"Cache-Control": "no-cache"})


@cache
def _template(name: str) -> Template:
    return Template((WEB / name).read_text(encoding="utf-8"))


@cache
def version() -> str:
    """Names the content of all files in their addresses, so that browsers may keep them."""
    digest = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(WEB).as_posix()}\n".encode())
            digest.update(path.read_bytes())
    return f"{_VERSION}{digest.hexdigest()[:12]}"


def files() -> ASGIApp:
    """The pages' scripts, styles, fonts and pictures, compressed."""
    return GZipMiddleware(PageFiles(directory=WEB), minimum_size=500)


class PageFiles(StaticFiles):
    """The pages' files, by their paths, or by these under the name of the present version.

    Browsers keep the versioned ones, and ask each time whether the others are still current.
    """

    def get_path(self, scope: Scope) -> str:
        """The path of the file, without the version."""
        path = super().get_path(scope)
        first, _, rest = path.replace("\\", "/").partition("/")
        return rest if first.startswith(_VERSION) else path

    def file_response(
        self, full_path: object, stat_result: object, scope: Scope, status_code: int = 200
    ) -> Response:
        """A file, with its cache header."""
        response = super().file_response(full_path, stat_result, scope, status_code)  # type: ignore[arg-type]  # handed through
        kept = f"/{version()}/" in scope["path"]
        response.headers["Cache-Control"] = _FOREVER if kept else "no-cache"
        return response
