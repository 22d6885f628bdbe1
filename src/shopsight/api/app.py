"""The application: routes, limits and background work around one shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from shopsight import __version__
from shopsight.api.auth import Gate
from shopsight.api.context import RequestContext
from shopsight.api.jobs_runner import JobRunner
from shopsight.api.limits import BodyLimit, BodyLimits
from shopsight.api.metrics import Metrics
from shopsight.api.models import BatchBody, FeedBody, ProductBody
from shopsight.api.parts import Parts
from shopsight.api.problems import Problem, install
from shopsight.api.routes import duplicates, feeds, jobs, pages, pictures, products, search, system
from shopsight.api.search_models import SearchBody
from shopsight.api.thumbnails import Thumbnailer
from shopsight.api.upkeep import Upkeep
from shopsight.api.workers import Workers
from shopsight.catalog.jobs import JobStore
from shopsight.catalog.keys import KeyStore
from shopsight.search.cache import RecentPhotos
from shopsight.settings import Settings
from shopsight.wiring import Shop

_FORM_OVERHEAD = 64_000
"""Bytes of a form beside its file."""

_WRITES_S = 300.0
"""Seconds for writes and for fetches from other servers, which have time limits of their own."""

_DESCRIPTION = """
Visual search: photos in, products out. Searching is open unless the shop closes it; everything else
needs an API key
(`shopsight keys create NAME`), sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
Errors are problem details (RFC 9457) with a stable `reason`.
"""

_TAGS = [
    {"name": "search", "description": "Photos in, products out."},
    {"name": "products", "description": "The catalogue."},
    {"name": "feeds", "description": "Whole catalogues at once."},
    {"name": "jobs", "description": "Long work that goes on behind the scenes."},
    {"name": "system", "description": "State of the server and its index."},
]


def create_app(shop: Shop, *, samples: Sequence[Path] = ()) -> FastAPI:
    """Make the application that serves a shop.

    Its background work begins and ends with the application's lifespan. The shop stays open:
    whoever opened it closes it.

    Args:
        shop: The shop.
        samples: Photos that the page offers to try.
    """
    parts = _parts(shop, samples)
    app = FastAPI(
        title="Shopsight",
        version=__version__,
        description=_DESCRIPTION.strip(),
        openapi_tags=_TAGS,
        docs_url=None,  # Swagger UI and ReDoc load their scripts from a CDN
        redoc_url=None,
        lifespan=_lifespan(parts),
        middleware=_middleware(shop.settings, parts.metrics),
    )
    app.state.parts = parts
    install(app)
    for resource in (search, pictures, products, duplicates, feeds, jobs, system, pages):
        app.include_router(resource.router(parts))
    app.mount("/static", pages.files(), name="static")
    _describe_bodies(app)
    return app


def _parts(shop: Shop, samples: Sequence[Path]) -> Parts:
    settings = shop.settings
    timeout_s = settings.request_timeout_s
    lookups = Workers("lookup", threads=8, waiting=256, timeout_s=timeout_s)
    store = JobStore(shop.database)
    recent = RecentPhotos()
    return Parts(
        shop=shop,
        gate=Gate(KeyStore(shop.database), lookups, search_needs_key=settings.search_needs_key),
        metrics=Metrics(),
        jobs=store,
        runner=JobRunner(shop, store),
        upkeep=Upkeep(shop, also=recent.forget_old),
        searches=Workers("search", threads=16, waiting=256, timeout_s=timeout_s),
        fetches=Workers("fetch", threads=8, waiting=64, timeout_s=timeout_s),
        writes=Workers("write", threads=4, waiting=64, timeout_s=_WRITES_S),
        lookups=lookups,
        thumbnails=Thumbnailer(shop, timeout_s=timeout_s),
        samples=tuple(samples),
        recent=recent,
    )


def _lifespan(parts: Parts) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.upkeep.start()
        parts.runner.start()
        yield
        await asyncio.to_thread(parts.close_background)
        for workers in (parts.searches, parts.fetches, parts.writes, parts.lookups):
            workers.close()
        parts.thumbnails.close()

    return lifespan


def _middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    layers = [
        Middleware(RequestContext, metrics=metrics),
        Middleware(BodyLimits, limit_for=_limit_for(settings)),
    ]
    if settings.cors_origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type"],
            expose_headers=["X-Request-ID", "Retry-After", "Location"],
            max_age=600,
        )
        layers.insert(0, cors)
    return layers


def _limit_for(settings: Settings) -> Callable[[Scope], BodyLimit]:
    patience = settings.request_timeout_s
    usual = BodyLimit(settings.max_upload_bytes, patience, patience)
    feed = BodyLimit(settings.max_feed_bytes + _FORM_OVERHEAD, patience, None)

    def limit_for(scope: Scope) -> BodyLimit:
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        return feed if path == "/v1/feeds" else usual

    return limit_for


def _describe_bodies(app: FastAPI) -> None:
    """Add to OpenAPI the models that routes read by themselves."""
    models: tuple[type[BaseModel], ...] = (SearchBody, ProductBody, BatchBody, FeedBody, Problem)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                tags=app.openapi_tags,
                routes=app.routes,
            )
            _, defined = models_json_schema(
                [(model, "validation") for model in models],
                ref_template="#/components/schemas/{model}",
            )
            schema["components"]["schemas"] = defined["$defs"] | schema["components"]["schemas"]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
