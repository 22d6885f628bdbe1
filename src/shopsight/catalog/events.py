"""What shoppers did: searches and what came of them, in SQL. Never a photo, never an address."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from sqlalchemy import Table, delete, func, insert, select

from shopsight.catalog.database import Database, events, searches

MAX_TEXT = 200
"""Characters kept of the words of a search."""

_DAY_S = 86_400.0
_ADDRESS = re.compile(r"\S+@\S+|\bhttps?://\S+")
_LONG_NUMBER = re.compile(r"\+?\d[\d\s()/-]{5,}\d")


class EventType(StrEnum):
    """What a shopper did with a product."""

    PRODUCT_VIEW = "product_view"
    PRODUCT_CLICK = "product_click"
    ADD_TO_CART = "add_to_cart"
    PURCHASE = "purchase"


class SearchKind(StrEnum):
    """What a search was by."""

    PHOTO = "photo"
    PHOTO_AND_WORDS = "photo_words"
    WORDS = "words"
    PRODUCT = "product"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a shopper did.

    Attributes:
        at: When, in seconds since 1970.
        type: What.
        product_id: With which product.
        query_id: After which search; ``None``: after none.
        position: Place of the product among that search's hits, from 1.
        value: Worth in the shop's currency, such as the price paid.
        user_id: The shop's own name for the shopper, which should be a pseudonym.
    """

    at: float
    type: EventType
    product_id: str
    query_id: str | None = None
    position: int | None = None
    value: float | None = None
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """What is kept of a search.

    Attributes:
        query_id: Its key, which events refer to.
        at: When, in seconds since 1970.
        kind: What it was by.
        text: Its words, as :func:`normalized`; ``None`` where there were none.
        hits: Products shown.
        no_match: Whether nothing matched: there was no hit, or the answer said so.
        latency_ms: Milliseconds from question to answer.
    """

    query_id: str
    at: float
    kind: SearchKind
    text: str | None
    hits: int
    no_match: bool
    latency_ms: float


class EventStore:
    """Keeps searches and events.

    Every method is one transaction, and raises :class:`~shopsight.errors.StorageError` when the
    database fails.

    Args:
        database: Where they are kept.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def add(self, happened: Sequence[Event], searched: Sequence[SearchRecord] = ()) -> None:
        """Keep events and searches."""
        with self._database.begin() as connection:
            if searched:
                connection.execute(insert(searches), [asdict(one) for one in searched])
            if happened:
                connection.execute(insert(events), [asdict(one) for one in happened])

    def purge(self, *, days: int, most: int) -> int:
        """Delete what is older than some days, and the oldest beyond a number of rows.

        Returns:
            Rows deleted.
        """
        since = self._clock() - days * _DAY_S
        return sum(self._purge(table, since, most) for table in (events, searches))

    def _purge(self, table: Table, since: float, most: int) -> int:
        with self._database.begin() as connection:
            gone = connection.execute(delete(table).where(table.c.at < since)).rowcount
            count = connection.execute(select(func.count()).select_from(table)).scalar_one()
            if count > most:
                newest = select(table.c.at).order_by(table.c.at.desc()).offset(most).limit(1)
                last = connection.execute(newest).scalar_one()
                gone += connection.execute(delete(table).where(table.c.at <= last)).rowcount
        return gone


def normalized(text: str) -> str | None:
    """The words of a search as they are kept: small letters, single spaces, nothing personal.

    E-mail and web addresses are left out, and long numbers, such as those of telephones and orders.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _LONG_NUMBER.sub(" ", _ADDRESS.sub(" ", plain))
    shown = "".join(one if one.isprintable() else " " for one in plain)
    return " ".join(shown.split())[:MAX_TEXT].rstrip() or None
