"""Errors as problem details (RFC 9457): the one place that knows which HTTP status an error has."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from shopsight import errors
from shopsight.errors import ImageError, ShopsightError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

HIDDEN = "The search is out of order for the moment. The server's log tells its owners why."
"""Shown to strangers in place of a message that may name paths or hosts."""


class FieldProblem(BaseModel):
    """One field that is wrong.

    Attributes:
        field: Its path, such as ``body.limit``.
        message: What is wrong with it.
    """

    field: str
    message: str


class Problem(BaseModel):
    """Problem details as RFC 9457 has them, with four members of ours.

    Attributes:
        type: A URN that ends with ``reason``.
        title: The kind of problem, always the same words.
        status: HTTP status.
        detail: What happened this time and what to do, for people.
        instance: Path of the request.
        reason: A short stable code, for programs.
        request_id: Also in the header ``X-Request-ID`` and in the server's log.
        errors: The fields that are wrong, when that is the problem.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:shopsight:problem:truncated",
                    "title": "The picture cannot be used",
                    "status": 422,
                    "detail": "The picture ends too early: send the whole file.",
                    "instance": "/v1/search",
                    "reason": "truncated",
                    "request_id": "9f1c2b7e6f0c4a61a3c8a1a9b5c3d2e1",
                }
            ]
        }
    )

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str
    reason: str
    request_id: str
    errors: list[FieldProblem] | None = None


class ProblemError(Exception):
    """A request that the server refuses, as opposed to an error of the core.

    Args:
        status: HTTP status.
        reason: A short stable code.
        detail: What is wrong and what to do, for people.
        title: The kind of problem; empty for the usual words of the status.
        headers: Further response headers.
        fields: The fields that are wrong.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        title: str = "",
        headers: Mapping[str, str] | None = None,
        fields: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.title = title or _TITLES.get(status, "The request failed")
        self.headers = dict(headers or {})
        self.fields = list(fields)


@dataclass(frozen=True, slots=True)
class Rule:
    """How one branch of the exception tree is answered.

    Attributes:
        status: HTTP status.
        reason: Stable code.
        title: Kind of problem.
        private: The message is for those who run the server, not for shoppers.
    """

    status: int
    reason: str
    title: str
    private: bool = False


RULES: Mapping[type[ShopsightError], Rule] = {
    errors.NotFoundError: Rule(404, "not_found", "There is no such thing"),
    errors.FilterError: Rule(422, "filter", "The filter cannot be used"),
    errors.QueryError: Rule(400, "query", "The search makes no sense"),
    errors.ImageError: Rule(422, "image", "The picture cannot be used"),
    errors.FeedError: Rule(422, "feed", "The feed cannot be read"),
    errors.IngestError: Rule(409, "ingest", "The indexing cannot go on"),
    errors.BrandError: Rule(409, "brand", "The brand cannot be added"),
    errors.BusyError: Rule(409, "busy", "Another process is writing"),
    errors.EncoderMismatchError: Rule(
        503, "encoder_mismatch", "The index needs rebuilding", private=True
    ),
    errors.VectorIndexError: Rule(503, "index", "The index cannot be used", private=True),
    errors.EncoderError: Rule(503, "encoder", "The encoder cannot be used", private=True),
    errors.StorageError: Rule(503, "storage", "The storage cannot be used", private=True),
    errors.MissingExtraError: Rule(503, "missing_extra", "A part of the server is not installed"),
    errors.SettingsError: Rule(503, "settings", "The server is set up wrongly", private=True),
    ShopsightError: Rule(500, "internal", "The server failed", private=True),
}
"""Class -> answer; the nearest class of an error counts."""

_TITLES = {
    400: "The request makes no sense",
    401: "A key is needed",
    403: "The key does not open this",
    404: "There is no such thing",
    405: "This cannot be done here",
    408: "The request came too slowly",
    413: "The request is too large",
    415: "The request is of no known type",
    422: "The request cannot be processed",
    429: "Too many tries",
    500: "The server failed",
    503: "The server cannot answer now",
    504: "The answer took too long",
}

_RETRY_AFTER = {"busy": "5", "storage": "5", "index": "5"}


def rule_for(error: ShopsightError) -> Rule:
    """The rule of the nearest class in the tree."""
    return next(RULES[kind] for kind in type(error).__mro__ if kind in RULES)


def from_core(error: ShopsightError, *, trusted: bool) -> ProblemError:
    """An error of the core as a refusal.

    Args:
        error: What was raised.
        trusted: The caller runs the shop and may read messages that name paths.
    """
    rule = rule_for(error)
    return ProblemError(
        rule.status,
        error.reason if isinstance(error, ImageError) else rule.reason,
        HIDDEN if rule.private and not trusted else str(error),
        title=rule.title,
        headers={"Retry-After": _RETRY_AFTER[rule.reason]} if rule.reason in _RETRY_AFTER else None,
    )


def from_validation(
    error: ValidationError | RequestValidationError, *, prefix: str = ""
) -> ProblemError:
    """Fields that are wrong, by their paths, without the values that were sent."""
    fields = [
        FieldProblem(
            field=".".join(str(part) for part in (prefix, *found["loc"]) if part != ""),
            message=str(found["msg"]).removeprefix("Value error, "),
        )
        for found in error.errors()
    ]
    detail = "; ".join(
        f"{field.field}: {field.message}" if field.field else field.message for field in fields[:3]
    )
    more = f"; and {len(fields) - 3} more" if len(fields) > 3 else ""  # noqa: PLR2004 - as many as are spelled out
    return ProblemError(422, "validation", detail + more, fields=fields)


def respond(scope: Scope, problem: ProblemError) -> Response:
    """The response that tells of a problem."""
    body = Problem(
        type=f"urn:shopsight:problem:{problem.reason}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=scope["path"],
        reason=problem.reason,
        request_id=scope["state"]["request_id"],
        errors=problem.fields or None,
    )
    return Response(
        body.model_dump_json(exclude_none=True),
        status_code=problem.status,
        headers=problem.headers,
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    """Answer every error of an application with problem details."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(ShopsightError, _on_core)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return respond(request.scope, error)


async def _on_core(request: Request, error: Exception) -> Response:
    if not isinstance(error, ShopsightError):
        raise error
    problem = from_core(error, trusted=getattr(request.state, "trusted", False))
    if problem.status >= 500:  # noqa: PLR2004 - the server's fault, by definition of HTTP
        request_id = request.state.request_id
        log.error(
            "Request %s to %s failed: %s", request_id, request.url.path, error, exc_info=error
        )
    return respond(request.scope, problem)


async def _on_validation(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return respond(request.scope, from_validation(error))


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    reason = {404: "no_route", 405: "method"}.get(error.status_code, "http")
    detail = {
        404: f"There is nothing at {request.url.path}: /openapi.json lists all there is.",
        405: f"{request.method} is not possible at {request.url.path}.",
    }.get(error.status_code, str(error.detail))
    return respond(
        request.scope, ProblemError(error.status_code, reason, detail, headers=error.headers)
    )
