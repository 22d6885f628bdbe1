"""API keys: list, make, revoke."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.catalog.keys import ApiKey, Scope

KeyId = Annotated[str, InPath(max_length=64, examples=["2f0b6d1c9a3e"])]


class KeyBody(BaseModel):
    """A key to make.

    Attributes:
        name: What it is for.
        scope: ``admin`` opens every route, ``search`` only those of shoppers.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "importer", "scope": "admin"}]}
    )

    name: str = Field(min_length=1, max_length=200, pattern=r"\S")
    scope: Scope = Scope.ADMIN


class KeyAnswer(BaseModel):
    """A key, without its secret.

    Attributes:
        id: Its key.
        name: What it is for.
        scope: What it opens.
        created_at: When it was made.
        last_used_at: When it was last used, exact to a minute.
    """

    id: str
    name: str
    scope: Scope
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey, **more: str) -> KeyAnswer:
        """The answer for a key."""
        used = key.last_used_at
        times = {
            "created_at": datetime.fromtimestamp(key.created_at, UTC),
            "last_used_at": None if used is None else datetime.fromtimestamp(used, UTC),
        }
        return cls.model_validate(key.model_dump() | times | more)


class NewKeyAnswer(KeyAnswer):
    """A key that was just made.

    Attributes:
        secret: What callers send. It is told once and stored nowhere.
    """

    secret: str


class KeyList(BaseModel):
    """All keys, oldest first."""

    keys: list[KeyAnswer]


def router(parts: Parts) -> APIRouter:
    """Routes for keys."""
    routes = APIRouter(tags=["keys"], dependencies=[Depends(parts.gate.admin())])
    keys = parts.gate.keys

    @routes.get("/v1/keys", summary="List API keys", responses=problems(401, 403))
    async def list_keys() -> KeyList:
        found = await parts.lookups.run(keys.list)
        return KeyList(keys=[KeyAnswer.of(key) for key in found])

    @routes.post(
        "/v1/keys",
        summary="Make an API key",
        status_code=201,
        response_model=NewKeyAnswer,
        responses=problems(400, 401, 403, 415, 422),
        openapi_extra=body_schema(KeyBody),
    )
    async def create_key(request: Request) -> Response:
        body = await read_json(request, KeyBody, parts.lookups)
        key, secret = await parts.lookups.run(keys.create, body.name, body.scope)
        answer = NewKeyAnswer.of(key, secret=secret).model_dump_json()
        headers = {"Cache-Control": "no-store"}
        return Response(answer, 201, media_type="application/json", headers=headers)

    @routes.delete(
        "/v1/keys/{key_id}",
        summary="Revoke an API key",
        description="It is worthless at once, and so is every session that was opened with it.",
        status_code=204,
        response_class=Response,
        responses=problems(401, 403, 404),
    )
    async def revoke_key(key_id: KeyId) -> Response:
        await parts.lookups.run(keys.revoke, key_id)
        return Response(status_code=204)

    return routes
