"""Feeds that are indexed again and again, with how each is read."""

from __future__ import annotations

import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select

from shopsight.catalog.database import Database, saved_feeds
from shopsight.errors import NotFoundError

FeedId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Names a feed in addresses and folders: small letters, digits, ``-`` and ``_``."""


class SavedFeed(BaseModel):
    """A feed and how it is read.

    Attributes:
        id: Its key.
        url: Where it is on the web; empty: its file was uploaded.
        file: Name of the uploaded file as its sender called it; empty: none was.
        format: Name of its format; ``None``: found from the content.
        mapping: Our field -> the feed's column.
        sync: Whether products that it does not have are deleted.
        currency: ISO 4217 code of prices that name none.
        updated_at: When it was last changed, in seconds since 1970.
    """

    model_config = ConfigDict(frozen=True)

    id: FeedId
    url: str = Field(default="", max_length=4000)
    file: str = Field(default="", max_length=200)
    format: str | None = None
    mapping: dict[str, str] = Field(default_factory=dict)
    sync: bool = False
    currency: str | None = None
    updated_at: float = Field(default_factory=time.time)


class SavedFeedStore:
    """Keeps feeds.

    Every method raises :class:`~shopsight.errors.StorageError` when the database fails.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, feed: SavedFeed) -> None:
        """Keep a feed, in place of an earlier one of its id."""
        with self._database.begin() as connection:
            connection.execute(saved_feeds.delete().where(saved_feeds.c.id == feed.id))
            connection.execute(saved_feeds.insert().values(id=feed.id, body=feed.model_dump_json()))

    def get(self, feed_id: str) -> SavedFeed:
        """One feed.

        Raises:
            NotFoundError: There is none with this id.
        """
        query = select(saved_feeds.c.body).where(saved_feeds.c.id == feed_id)
        with self._database.begin() as connection:
            body = connection.execute(query).scalar()
        if body is None:
            raise NotFoundError(f"There is no feed with the id {feed_id!r}.")
        return SavedFeed.model_validate_json(body)

    def all(self) -> list[SavedFeed]:
        """All feeds in the order of their ids."""
        query = select(saved_feeds.c.body).order_by(saved_feeds.c.id)
        with self._database.begin() as connection:
            bodies = connection.execute(query).scalars().all()
        return [SavedFeed.model_validate_json(body) for body in bodies]

    def delete(self, feed_id: str) -> None:
        """Forget a feed.

        Raises:
            NotFoundError: There is none with this id.
        """
        with self._database.begin() as connection:
            query = saved_feeds.delete().where(saved_feeds.c.id == feed_id)
            if not connection.execute(query).rowcount:
                raise NotFoundError(f"There is no feed with the id {feed_id!r}.")
