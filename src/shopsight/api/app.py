"""The application: routes, limits and background work around one shop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.middleware import Middleware
from starlette.types import Scope

from shopsight import __version__
from shopsight.api.auth import Gate
from shopsight.api.context import RequestContext
from shopsight.api.history import History
from shopsight.api.jobs_runner import JobRunner
from shopsight.api.limits import BodyLimit, BodyLimits
from shopsight.api.metrics import Metrics
from shopsight.api.models import BatchBody, FeedBody, ProductBody
from shopsight.api.models_brands import BrandBody, BrandExampleBody, BrandPhotoBody
from shopsight.api.models_recognition import ClassifyBody
from shopsight.api.models_recognize import RecognizeBody
from shopsight.api.models_saved_feeds import SavedFeedBody
from shopsight.api.origins import ChangingCors, Origins
from shopsight.api.parts import Parts
from shopsight.api.problems import Problem, install
from shopsight.api.routes import (
    brands,
    classify,
    duplicates,
    events,
    feeds,
    jobs,
    keys,
    operations,
    pages,
    pictures,
    products,
    recognize,
    reviews,
    saved_feeds,
    search,
    session,
    shop_settings,
    system,
    widget,
)
from shopsight.api.routes.duplicates import DistinctBody
from shopsight.api.routes.events import EventsBody
from shopsight.api.routes.keys import KeyBody
from shopsight.api.routes.operations import JobBody
from shopsight.api.routes.reviews import ReviewsBody
from shopsight.api.routes.session import SignInBody
from shopsight.api.routes.shop_settings import OriginsBody
from shopsight.api.search_models import SearchBody
from shopsight.api.thumbnails import Thumbnailer
from shopsight.api.upkeep import Upkeep
from shopsight.api.usage_log import UsageLog
from shopsight.api.workers import Workers
from shopsight.catalog.events import EventStore
from shopsight.catalog.jobs import JobStore
from shopsight.catalog.keys import KeyStore
from shopsight.catalog.sessions import SessionStore
from shopsight.catalog.shop_settings import ShopSettings
from shopsight.search.cache import RecentPhotos
from shopsight.settings import Settings
from shopsight.wiring import Shop

_FORM_OVERHEAD = 64_000
"""Bytes of a form beside its file."""

_TAKES_FILES = re.compile(r"/v1/(feeds(/[^/]+/(file|pictures))?|evaluations)")
"""Paths whose bodies are feeds or archives."""

_WRITES_S = 300.0
"""Seconds for writes and for fetches from other servers, which have time limits of their own."""

_DESCRIPTION = """
Visual search: photos in, products out. Searching is open unless the shop closes it; everything else
needs an API key
(`shopsight keys create NAME`), sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`, or the
session of the back office.
Errors are problem details (RFC 9457) with a stable `reason`.
"""

_TAGS = [
    {"name": "search", "description": "Photos in, products out."},
    {"name": "recognition", "description": "What a photo shows, or that it is unknown."},
    {"name": "recognition", "description": "What a photo shows."},
    {"name": "brands", "description": "Brands on photos, and those that are known."},
    {"name": "products", "description": "The catalogue."},
    {"name": "feeds", "description": "Whole catalogues at once."},
    {"name": "jobs", "description": "Long work that goes on behind the scenes."},
    {"name": "usage", "description": "What shoppers do."},
    {"name": "session", "description": "Signing in to the back office."},
    {"name": "keys", "description": "Who may call."},
    {"name": "system", "description": "State of the server and its index."},
]

_RESOURCES = (
    search,
    classify,
    recognize,
    brands,
    pictures,
    reviews,
    products,
    duplicates,
    feeds,
    saved_feeds,
    jobs,
    operations,
    events,
    session,
    keys,
    system,
    pages,
    widget,
)


def create_app(shop: Shop, *, samples: Sequence[Path] = ()) -> FastAPI:
    """Make the application that serves a shop.

    Its background work begins and ends with the application's lifespan. The shop stays open:
    whoever opened it closes it.

    Args:
        shop: The shop.
        samples: Photos that the page offers to try.
    """
    origins = Origins(shop.settings.cors_origins, ShopSettings(shop.database))
    origins.refresh()
    parts = _parts(shop, samples, origins)
    app = FastAPI(
        title="Shopsight",
        version=__version__,
        description=_DESCRIPTION.strip(),
        openapi_tags=_TAGS,
        docs_url=None,  # Swagger UI and ReDoc load their scripts from a CDN
        redoc_url=None,
        lifespan=_lifespan(parts),
        middleware=_middleware(shop.settings, parts, origins),
    )
    app.state.parts = parts
    install(app)
    for resource in _RESOURCES:
        app.include_router(resource.router(parts))
    app.include_router(shop_settings.router(parts, origins))
    app.mount("/static", pages.files(), name="static")
    _describe_bodies(app)
    return app


def _parts(shop: Shop, samples: Sequence[Path], origins: Origins) -> Parts:
    settings = shop.settings
    timeout_s = settings.request_timeout_s
    lookups = Workers("lookup", threads=8, waiting=256, timeout_s=timeout_s)
    store = JobStore(shop.database)
    runner = JobRunner(shop, store)
    recent = RecentPhotos()
    history = History()
    sessions = SessionStore(shop.database, life_s=settings.session_hours * 3600)

    def tend() -> None:
        recent.forget_old()
        origins.refresh()
        history.sample()

    return Parts(
        shop=shop,
        gate=Gate(
            KeyStore(shop.database),
            sessions,
            lookups,
            search_needs_key=settings.search_needs_key,
        ),
        metrics=Metrics(),
        jobs=store,
        runner=runner,
        upkeep=Upkeep(shop, also=tend, writing=lambda: runner.working),
        searches=Workers("search", threads=16, waiting=256, timeout_s=timeout_s),
        fetches=Workers("fetch", threads=8, waiting=64, timeout_s=timeout_s),
        writes=Workers("write", threads=4, waiting=64, timeout_s=_WRITES_S),
        lookups=lookups,
        thumbnails=Thumbnailer(shop, timeout_s=timeout_s),
        samples=tuple(samples),
        recent=recent,
        usage=UsageLog(EventStore(shop.database), settings),
        history=history,
    )


def _lifespan(parts: Parts) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        parts.upkeep.start()
        parts.runner.start()
        parts.usage.start()
        yield
        await asyncio.to_thread(parts.close_background)
        for workers in (parts.searches, parts.fetches, parts.writes, parts.lookups):
            workers.close()
        parts.thumbnails.close()

    return lifespan


def _middleware(settings: Settings, parts: Parts, origins: Origins) -> list[Middleware]:
    return [
        Middleware(ChangingCors, allows=origins.allows),
        Middleware(RequestContext, metrics=parts.metrics, history=parts.history),
        Middleware(BodyLimits, limit_for=_limit_for(settings)),
    ]


def _limit_for(settings: Settings) -> Callable[[Scope], BodyLimit]:
    patience = settings.request_timeout_s
    usual = BodyLimit(settings.max_upload_bytes, patience, patience)
    feed = BodyLimit(settings.max_feed_bytes + _FORM_OVERHEAD, patience, None)
    few = BodyLimit(events.MAX_BYTES, patience, patience)

    def limit_for(scope: Scope) -> BodyLimit:
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        if path == "/v1/events":
            return few
        return feed if _TAKES_FILES.fullmatch(path) else usual

    return limit_for


def _describe_bodies(app: FastAPI) -> None:
    """Add to OpenAPI the models that routes read by themselves."""
    models: tuple[type[BaseModel], ...] = (
        SearchBody,
        ClassifyBody,
        RecognizeBody,
        ProductBody,
        BatchBody,
        FeedBody,
        SavedFeedBody,
        JobBody,
        EventsBody,
        SignInBody,
        KeyBody,
        OriginsBody,
        DistinctBody,
        ReviewsBody,
        BrandPhotoBody,
        BrandExampleBody,
        BrandBody,
        Problem,
    )

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
