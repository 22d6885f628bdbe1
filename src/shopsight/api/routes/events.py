"""What shoppers do comes in here, and goes out as figures of usage."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from shopsight.api.parts import Parts, body_schema, problems
from shopsight.api.problems import ProblemError, from_validation
from shopsight.catalog.events import Event, EventType
from shopsight.catalog.usage import DayUsage, TextUsage, usage

MAX_EVENTS = 500
MAX_BYTES = 256_000
"""Bytes of one request."""

_AHEAD_S = 86_400.0
_EXAMPLE: dict[str, JsonValue] = {
    "id": "1",
    "type": "product_click",
    "product_id": "MUG001",
    "query_id": "0d3cb1a5a0e24c0d9f1c5b9f0f3d8a11",
    "position": 1,
}


class EventBody(BaseModel):
    """One thing that a shopper did.

    Attributes:
        id: The sender's own name for the event, echoed in the answer.
        type: What.
        product_id: With which product.
        query_id: Of the search that it came from.
        position: Place among that search's hits, from 1.
        value: Worth in the shop's currency.
        user_id: A pseudonym of the shopper.
        timestamp: When; the time of arrival if not given.
    """

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default="", max_length=64)
    type: EventType
    product_id: str = Field(min_length=1, max_length=200)
    query_id: str | None = Field(default=None, min_length=1, max_length=64)
    position: int | None = Field(default=None, ge=1, le=10_000)
    value: float | None = Field(default=None, ge=0, le=1e12, allow_inf_nan=False)
    user_id: str | None = Field(default=None, min_length=1, max_length=100)
    timestamp: datetime | None = None

    def event(self, now: float) -> Event:
        """The event as it is kept.

        Raises:
            ValueError: It happened in the future.
        """
        at = now
        if self.timestamp is not None:
            stamped = self.timestamp
            at = (stamped if stamped.tzinfo else stamped.replace(tzinfo=UTC)).timestamp()
        if at > now + _AHEAD_S:
            raise ValueError("timestamp: this is in the future")
        fields = self.model_dump(exclude={"id", "timestamp"})
        return Event(at=at, **fields)


class EventsBody(BaseModel):
    """Events. Each is judged by itself: a bad one does not stop the others."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"events": [_EXAMPLE]}]}
    )

    events: list[dict[str, JsonValue]] = Field(min_length=1, max_length=MAX_EVENTS)


class EventItem(BaseModel):
    """What became of one event.

    Attributes:
        id: As it was given.
        status: Outcome.
        error: Why it failed.
    """

    id: str
    status: Literal["accepted", "failed"]
    error: str | None = None


class EventsAnswer(BaseModel):
    """Outcomes, in the order given."""

    items: list[EventItem]


class PopularProduct(BaseModel):
    """What shoppers did with one product: numbers of events."""

    product_id: str
    title: str
    views: int
    clicks: int
    carts: int
    purchases: int


class UsageAnswer(BaseModel):
    """How the search was used over some days, today included.

    Attributes:
        days: How many.
        searches: All searches.
        no_match: Those that nothing matched.
        clicked: Those with at least one click.
        kinds: Searches by kind.
        events: Events by type.
        by_day: Every day (UTC), oldest first; ``start`` is in seconds since 1970.
        clicks_by_position: Position from 1 -> clicks; the first 20 positions.
        popular: Products by clicks, then other events.
        texts: Words searched for most.
        texts_without_match: Words that most often matched nothing.
        kept_days: Days after which all this is deleted.
        recorded: Whether searches and events are recorded at all.
        texts_kept: Whether words are.
    """

    days: int
    searches: int
    no_match: int
    clicked: int
    kinds: dict[str, int]
    events: dict[str, int]
    by_day: list[DayUsage]
    clicks_by_position: dict[int, int]
    popular: list[PopularProduct]
    texts: list[TextUsage]
    texts_without_match: list[TextUsage]
    kept_days: int
    recorded: bool
    texts_kept: bool


def router(parts: Parts) -> APIRouter:
    """Routes for events and usage."""
    routes = APIRouter(tags=["usage"])
    body = body_schema(EventsBody)
    kinds = body["requestBody"]["content"]
    kinds["text/plain"] = kinds["application/json"]

    @routes.post(
        "/v1/events",
        summary="Tell what shoppers did",
        description=(
            "Open to the shop's pages as searching is. The body is JSON, sent as "
            "application/json or, by `navigator.sendBeacon`, as text/plain."
        ),
        status_code=202,
        responses=problems(400, 401, 413, 415, 422, 503),
        openapi_extra=body,
        dependencies=[Depends(parts.gate.search())],
    )
    async def post_events(request: Request) -> EventsAnswer:
        sent = await _sent(request)
        now = time.time()
        return EventsAnswer(items=[_take(parts, raw, now) for raw in sent.events])

    @routes.get(
        "/v1/usage",
        summary="How the search is used",
        responses=problems(401, 403, 422),
        dependencies=[Depends(parts.gate.admin())],
    )
    async def get_usage(
        days: Annotated[int, Query(ge=1, le=365, description="Days, today included.")] = 30,
    ) -> UsageAnswer:
        return await parts.lookups.run(_usage, parts, days)

    return routes


async def _sent(request: Request) -> EventsBody:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/json", "text/plain"}:
        raise ProblemError(
            415, "content_type", "Send the body as application/json or as text/plain."
        )
    try:
        return EventsBody.model_validate(json.loads(await request.body()))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(400, "json", f"The body is no JSON: {error}") from error
    except ValidationError as error:
        raise from_validation(error, prefix="body") from error


def _take(parts: Parts, raw: dict[str, JsonValue], now: float) -> EventItem:
    given = raw.get("id")
    name = given[:64] if isinstance(given, str) else ""
    try:
        event = EventBody.model_validate(raw).event(now)
    except ValidationError as error:
        return EventItem(id=name, status="failed", error=from_validation(error).detail)
    except (ValueError, OverflowError) as error:
        return EventItem(id=name, status="failed", error=str(error))
    if parts.usage.event(event):
        return EventItem(id=name, status="accepted")
    return EventItem(
        id=name, status="failed", error="too many events wait to be written: send it again later"
    )


def _usage(parts: Parts, days: int) -> UsageAnswer:
    parts.usage.flush()
    found = usage(parts.shop.database, days=days)
    known = parts.shop.catalog.get([one.product_id for one in found.popular])
    popular = [
        asdict(one) | {"title": known[one.product_id].title if one.product_id in known else ""}
        for one in found.popular
    ]
    settings = parts.shop.settings
    return UsageAnswer.model_validate(
        asdict(found)
        | {
            "popular": popular,
            "kept_days": settings.usage_days,
            "recorded": settings.usage,
            "texts_kept": settings.usage_texts,
        }
    )
