"""Figures of usage, counted from recorded searches and events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Integer, case, cast, func, select

from shopsight.catalog.database import Database, events, searches
from shopsight.catalog.events import EventType

_DAY_S = 86_400
_POSITIONS = 20
_LISTED = 20


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One day (UTC).

    Attributes:
        start: Its beginning, in seconds since 1970.
        searches: Searches.
        no_match: Those that nothing matched.
        clicks: Clicks on hits.
    """

    start: int
    searches: int
    no_match: int
    clicks: int


@dataclass(frozen=True, slots=True)
class ProductUsage:
    """What shoppers did with one product: numbers of events."""

    product_id: str
    views: int
    clicks: int
    carts: int
    purchases: int


@dataclass(frozen=True, slots=True)
class TextUsage:
    """Words that were searched for.

    Attributes:
        text: Normalised.
        searches: How often.
        last_at: When last, in seconds since 1970.
    """

    text: str
    searches: int
    last_at: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage over some days, today included.

    Attributes:
        days: How many.
        searches: All searches.
        no_match: Those that nothing matched.
        clicked: Those with at least one click.
        kinds: Searches by kind.
        events: Events by type.
        by_day: Every day, oldest first.
        clicks_by_position: Position from 1 -> clicks; the first 20 positions.
        popular: Products by clicks, then other events.
        texts: Words searched for most.
        texts_without_match: Words that most often matched nothing.
    """

    days: int
    searches: int
    no_match: int
    clicked: int
    kinds: Mapping[str, int]
    events: Mapping[str, int]
    by_day: tuple[DayUsage, ...]
    clicks_by_position: Mapping[int, int]
    popular: tuple[ProductUsage, ...]
    texts: tuple[TextUsage, ...]
    texts_without_match: tuple[TextUsage, ...]


def usage(database: Database, *, days: int, clock: Callable[[], float] = time.time) -> Usage:
    """Count the usage of the last days.

    Args:
        database: Where searches and events are.
        days: How many days, today included.
        clock: Seconds since 1970.

    Raises:
        StorageError: The database fails.
    """
    first = (math.floor(clock()) // _DAY_S - days + 1) * _DAY_S
    with database.begin() as connection:
        by_day = _by_day(connection, first, days)
        return Usage(
            days=days,
            searches=sum(day.searches for day in by_day),
            no_match=sum(day.no_match for day in by_day),
            clicked=_clicked(connection, first),
            kinds=_counted(connection, searches.c.kind, searches.c.at >= first),
            events=_counted(connection, events.c.type, events.c.at >= first),
            by_day=by_day,
            clicks_by_position=_positions(connection, first),
            popular=_popular(connection, first),
            texts=_texts(connection, first, without_match=False),
            texts_without_match=_texts(connection, first, without_match=True),
        )


def _by_day(connection: Connection, first: int, days: int) -> tuple[DayUsage, ...]:
    searched = {
        int(day): (int(count), int(missed or 0))
        for day, count, missed in connection.execute(
            select(
                _day(searches.c.at).label("day"),
                func.count(),
                func.sum(case((searches.c.no_match, 1), else_=0)),
            )
            .where(searches.c.at >= first)
            .group_by("day")
        )
    }
    clicked = {
        int(day): int(count)
        for day, count in connection.execute(
            select(_day(events.c.at).label("day"), func.count())
            .where(events.c.at >= first, events.c.type == EventType.PRODUCT_CLICK)
            .group_by("day")
        )
    }
    numbers = range(first // _DAY_S, first // _DAY_S + days)
    return tuple(
        DayUsage(day * _DAY_S, *searched.get(day, (0, 0)), clicked.get(day, 0)) for day in numbers
    )


def _day(column: ColumnElement[float]) -> ColumnElement[int]:
    return cast(column, Integer) // _DAY_S


def _clicked(connection: Connection, first: int) -> int:
    query = (
        select(func.count(searches.c.query_id.distinct()))
        .join(events, events.c.query_id == searches.c.query_id)
        .where(searches.c.at >= first, events.c.type == EventType.PRODUCT_CLICK)
    )
    return int(connection.execute(query).scalar_one())


def _counted(
    connection: Connection, column: ColumnElement[str], where: ColumnElement[bool]
) -> dict[str, int]:
    query = select(column, func.count()).where(where).group_by(column)
    return {str(name): int(count) for name, count in connection.execute(query)}


def _positions(connection: Connection, first: int) -> dict[int, int]:
    query = (
        select(events.c.position, func.count())
        .where(
            events.c.at >= first,
            events.c.type == EventType.PRODUCT_CLICK,
            events.c.position <= _POSITIONS,
        )
        .group_by(events.c.position)
        .order_by(events.c.position)
    )
    return {int(position): int(count) for position, count in connection.execute(query)}


def _popular(connection: Connection, first: int) -> tuple[ProductUsage, ...]:
    counts = [func.sum(case((events.c.type == kind, 1), else_=0)) for kind in EventType]
    clicks = func.sum(case((events.c.type == EventType.PRODUCT_CLICK, 1), else_=0))
    query = (
        select(events.c.product_id, *counts)
        .where(events.c.at >= first)
        .group_by(events.c.product_id)
        .order_by(clicks.desc(), func.count().desc(), events.c.product_id)
        .limit(_LISTED)
    )
    return tuple(ProductUsage(*row) for row in connection.execute(query))


def _texts(connection: Connection, first: int, *, without_match: bool) -> tuple[TextUsage, ...]:
    wanted = [searches.c.at >= first, searches.c.text.is_not(None)]
    if without_match:
        wanted.append(searches.c.no_match)
    query = (
        select(searches.c.text, func.count(), func.max(searches.c.at))
        .where(*wanted)
        .group_by(searches.c.text)
        .order_by(func.count().desc(), func.max(searches.c.at).desc())
        .limit(_LISTED)
    )
    return tuple(TextUsage(*row) for row in connection.execute(query))
