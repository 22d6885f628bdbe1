"""What the routes of one application share."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from shopsight.api.auth import Gate
from shopsight.api.history import History
from shopsight.api.jobs_runner import JobRunner
from shopsight.api.metrics import Metrics
from shopsight.api.problems import ProblemError, from_validation
from shopsight.api.thumbnails import Thumbnailer
from shopsight.api.upkeep import Upkeep
from shopsight.api.usage_log import UsageLog
from shopsight.api.workers import Workers
from shopsight.catalog.jobs import JobStore
from shopsight.search.cache import RecentPhotos
from shopsight.wiring import Shop

ModelT = TypeVar("ModelT", bound=BaseModel)

Guard = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes of one application share.

    Attributes:
        shop: The shop that is served.
        gate: Who may pass.
        metrics: Figures.
        jobs: The queue.
        runner: Works on the queue.
        upkeep: Knows whether the server is ready.
        searches: Threads for decoding, encoding and searching.
        fetches: Threads that wait for other servers.
        writes: Threads that change the catalogue.
        lookups: Threads for short database calls and for parsing.
        thumbnails: Small copies of pictures.
        recent: Photos of recent searches, for further ones; in memory only.
        usage: Takes note of searches and events.
        history: The last hour, for charts.
        samples: Photos that the page offers to try.
    """

    shop: Shop
    gate: Gate
    metrics: Metrics
    jobs: JobStore
    runner: JobRunner
    upkeep: Upkeep
    searches: Workers
    fetches: Workers
    writes: Workers
    lookups: Workers
    thumbnails: Thumbnailer
    recent: RecentPhotos
    usage: UsageLog
    history: History
    samples: tuple[Path, ...] = ()

    def close_background(self) -> None:
        """End the jobs and the upkeep, and write what waits."""
        self.upkeep.close()
        self.runner.close()
        self.usage.close()


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of the problems that a route may answer with."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": "Problem details.", "content": content} for status in statuses}


def body_schema(model: type[BaseModel], *, forms: dict[str, Any] | None = None) -> dict[str, Any]:
    """OpenAPI's description of a body that a route reads by itself.

    Args:
        model: Model of the JSON.
        forms: Schema of the multipart form that is understood too.
    """
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    examples = _examples(model)
    content: dict[str, Any] = {"application/json": {"schema": reference, "examples": examples}}
    if forms is not None:
        content["multipart/form-data"] = {"schema": forms}
    return {"requestBody": {"required": True, "content": content}}


def _examples(model: type[BaseModel]) -> dict[str, Any]:
    extra = model.model_config.get("json_schema_extra")
    listed = extra.get("examples") if isinstance(extra, dict) else None
    return {
        f"example {n}": {"value": value}
        for n, value in enumerate(listed if isinstance(listed, list) else [], 1)
    }


async def read_json(request: Request, model: type[ModelT], workers: Workers) -> ModelT:
    """The body of a request, checked.

    Routes read bodies themselves, so that a caller without a key is turned away before anything is
    read, and a large body is parsed beside the event loop.

    Raises:
        ProblemError: 415 when it is not sent as JSON, 422 when it does not fit the model.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ProblemError(415, "content_type", "Send the body as application/json.")
    body = await request.body()

    def parse() -> ModelT:
        try:
            return model.model_validate(json.loads(body))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProblemError(400, "json", f"The body is no JSON: {error}") from error
        except ValidationError as error:
            raise from_validation(error, prefix="body") from error

    return await workers.run(parse)
