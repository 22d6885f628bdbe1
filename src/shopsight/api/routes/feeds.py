"""Feeds come in here and become jobs."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from pydantic import JsonValue, ValidationError

from shopsight import plugins
from shopsight.api.forms import Form, read_form
from shopsight.api.models import FeedBody, FeedOptions, JobAnswer
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.problems import FieldProblem, ProblemError, from_validation
from shopsight.api.uploads import create, write
from shopsight.catalog.jobs import Job, new_job_id

log = logging.getLogger(__name__)

_FORM = {
    "type": "object",
    "required": ["feed"],
    "properties": {
        "feed": {"type": "string", "format": "binary", "description": "The file."},
        "format": {"type": "string", "description": "Name of a format; found from the content."},
        "mapping": {"type": "string", "description": "JSON object: field -> column."},
        "sync": {"type": "boolean", "default": False},
        "currency": {"type": "string", "examples": ["EUR"]},
    },
}


def router(parts: Parts) -> APIRouter:
    """Routes for feeds."""
    routes = APIRouter(tags=["feeds"])

    @routes.post(
        "/v1/feeds",
        summary="Index a feed",
        description="Answers at once with a job, whose address is in the header Location.",
        status_code=202,
        response_model=JobAnswer,
        responses=problems(400, 401, 403, 413, 415, 422),
        openapi_extra=body_schema(FeedBody, forms=_FORM),
        dependencies=[Depends(parts.gate.admin())],
    )
    async def post_feed(request: Request) -> Response:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            job = await _uploaded(request, parts)
        else:
            body = await read_json(request, FeedBody, parts.lookups)
            check_format(body.format)
            job = await parts.lookups.run(parts.runner.submit, _request(body, url=str(body.url)))
        answer = JobAnswer.of(job)
        return Response(
            answer.model_dump_json(),
            202,
            headers={"Location": f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"},
            media_type="application/json",
        )

    return routes


async def _uploaded(request: Request, parts: Parts) -> Job:
    """Stream a feed to the data folder and queue it. Nothing stays behind when that fails."""
    job_id = new_job_id()
    path = parts.runner.uploads / f"{job_id}.feed"
    try:
        file = await parts.lookups.run(create, path)
        try:
            form = await read_form(request, {"feed": file}, write=write)
        finally:
            await anyio.to_thread.run_sync(file.close)
        values = _form_request(form, path)
        return await parts.lookups.run(parts.runner.submit, values, job_id=job_id)
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def _form_request(form: Form, path: Path) -> dict[str, JsonValue]:
    if "feed" not in form.files:
        raise _wrong("feed", "a file is needed here")
    return _request(_options(form.fields), path=str(path), name=Path(form.files["feed"]).name[:200])


def _options(fields: dict[str, str]) -> FeedOptions:
    values: dict[str, Any] = dict(fields)
    if "mapping" in values:
        try:
            values["mapping"] = json.loads(values["mapping"])
        except json.JSONDecodeError as error:
            raise _wrong("mapping", f"this is no JSON object: {error}") from error
    try:
        options = FeedOptions.model_validate(values)
    except ValidationError as error:
        raise from_validation(error, prefix="body") from error
    check_format(options.format)
    return options


def check_format(name: str | None) -> None:
    """Make sure that a format that was named is known.

    Raises:
        ProblemError: It is not.
    """
    known = plugins.names("feeds")
    if name is not None and name not in known:
        raise _wrong("format", f"{name!r} is none of {', '.join(known)}")


def _request(options: FeedOptions, **where: JsonValue) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = options.model_dump(
        mode="json", include=set(FeedOptions.model_fields)
    )
    return where | values


def _wrong(field: str, message: str) -> ProblemError:
    problem = FieldProblem(field=f"body.{field}", message=message)
    return ProblemError(422, "validation", f"{problem.field}: {message}", fields=[problem])
