"""Signing in to the back office, and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Cookie, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shopsight.api.auth import COOKIE, check_proof, check_site, wrong_key
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.api.problems import ProblemError
from shopsight.api.throttle import Throttle
from shopsight.catalog.keys import Scope
from shopsight.catalog.sessions import Session, proof_of

Token = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]

_TRIES = 10
_WINDOW_S = 900.0


class SignInBody(BaseModel):
    """Who wants in.

    Attributes:
        key: The secret of an admin key.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"key": "ss_..."}]})

    key: str = Field(min_length=1, max_length=200)


class SessionAnswer(BaseModel):
    """Whether somebody is signed in.

    Attributes:
        signed_in: Whether the cookie of the request belongs to an open session.
        has_keys: Whether there is any key to sign in with.
        name: Name of the key that was signed in with.
        expires_at: When the session ends by itself.
        csrf_token: What to send in ``X-CSRF-Token`` with every request that changes something.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "signed_in": True,
                    "has_keys": True,
                    "name": "office",
                    "expires_at": "2026-01-01T12:00:00Z",
                    "csrf_token": "3b1f...",
                }
            ]
        }
    )

    signed_in: bool
    has_keys: bool
    name: str = ""
    expires_at: datetime | None = None
    csrf_token: str = ""

    @classmethod
    def of(cls, session: Session, token: str) -> SessionAnswer:
        """The answer for an open session."""
        return cls(
            signed_in=True,
            has_keys=True,
            name=session.key_name,
            expires_at=datetime.fromtimestamp(session.expires_at, UTC),
            csrf_token=proof_of(token),
        )


def router(parts: Parts) -> APIRouter:
    """Routes of the session. Open: they are how to get in."""
    routes = APIRouter(tags=["session"])
    throttle = Throttle(most=_TRIES, window_s=_WINDOW_S)

    @routes.get("/v1/session", summary="Whether somebody is signed in")
    async def get_session(response: Response, token: Token = None) -> SessionAnswer:
        response.headers["Cache-Control"] = "no-store"
        session = await parts.gate.session(token)
        if session is not None and token is not None:
            return SessionAnswer.of(session, token)
        has_keys = await parts.lookups.run(parts.gate.keys.any)
        return SessionAnswer(signed_in=False, has_keys=has_keys)

    @routes.post(
        "/v1/session",
        summary="Sign in with an admin key",
        status_code=201,
        response_model=SessionAnswer,
        responses=problems(400, 401, 403, 415, 422, 429),
        openapi_extra=body_schema(SignInBody),
    )
    async def sign_in(request: Request) -> Response:
        check_site(request)
        caller = request.client.host if request.client else ""
        throttle.check(caller)
        body = await read_json(request, SignInBody, parts.lookups)
        try:
            token, session = await parts.lookups.run(_open, parts, body.key.strip())
        except ProblemError:
            throttle.failed(caller)
            raise
        throttle.succeeded(caller)
        answer = SessionAnswer.of(session, token).model_dump_json()
        headers = {"Cache-Control": "no-store"}
        response = Response(answer, 201, media_type="application/json", headers=headers)
        _give_cookie(response, token, request, hours=parts.shop.settings.session_hours)
        return response

    @routes.delete(
        "/v1/session",
        summary="Sign out",
        status_code=204,
        response_class=Response,
        responses=problems(403),
    )
    async def sign_out(request: Request, token: Token = None) -> Response:
        if token and await parts.gate.session(token) is not None:
            check_proof(request, token)
            await parts.lookups.run(parts.gate.sessions.close, token)
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path=_path(request), httponly=True, samesite="strict")
        return response

    return routes


def _open(parts: Parts, secret: str) -> tuple[str, Session]:
    key = parts.gate.keys.verify(secret)
    if key is None:
        raise wrong_key()
    if key.scope is not Scope.ADMIN:
        raise ProblemError(403, "wrong_scope", f"The key {key.name!r} is for searching only.")
    token = parts.gate.sessions.open(key.id)
    session = parts.gate.sessions.get(token)
    if session is None:  # the key was revoked in this very moment
        raise wrong_key()
    return token, session


def _give_cookie(response: Response, token: str, request: Request, *, hours: float) -> None:
    response.set_cookie(
        COOKIE,
        token,
        max_age=round(hours * 3600),
        path=_path(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _path(request: Request) -> str:
    return request.scope.get("root_path", "") or "/"
