"""What the shop's owners set in the back office."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from shopsight.api.origins import Origins
from shopsight.api.parts import Parts, body_schema, problems, read_json
from shopsight.catalog.shop_settings import MAX_ORIGINS, ShopSettings


class OriginsBody(BaseModel):
    """Origins whose pages may call the API.

    Attributes:
        origins: Such as ``https://shop.example``.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"origins": ["https://shop.example"]}]}
    )

    origins: list[str] = Field(max_length=MAX_ORIGINS)


class OriginsAnswer(BaseModel):
    """Origins whose pages may call the API.

    Attributes:
        environment: Those of the setting ``SHOPSIGHT_CORS_ORIGINS``; changed there only.
        origins: Those that were set here.
    """

    environment: list[str]
    origins: list[str]


def router(parts: Parts, origins: Origins) -> APIRouter:
    """Routes for settings."""
    routes = APIRouter(tags=["system"], dependencies=[Depends(parts.gate.admin())])
    settings = ShopSettings(parts.shop.database)

    def answer(found: list[str]) -> OriginsAnswer:
        return OriginsAnswer(environment=sorted(origins.fixed), origins=found)

    @routes.get(
        "/v1/settings/origins",
        summary="Origins whose pages may call the API",
        responses=problems(401, 403),
    )
    async def get_origins() -> OriginsAnswer:
        return answer(await parts.lookups.run(settings.origins))

    @routes.put(
        "/v1/settings/origins",
        summary="Set the origins whose pages may call the API",
        description="Counts at once; other servers of the same database follow within seconds.",
        responses=problems(400, 401, 403, 415, 422),
        openapi_extra=body_schema(OriginsBody),
    )
    async def put_origins(request: Request) -> OriginsAnswer:
        body = await read_json(request, OriginsBody, parts.lookups)
        found = await parts.lookups.run(settings.set_origins, body.origins)
        await parts.lookups.run(origins.refresh)
        return answer(found)

    return routes
