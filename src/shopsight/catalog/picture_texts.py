"""Words printed on pictures, read once for each content."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select

from shopsight.catalog.database import Database, images, picture_texts

_CHUNK = 500
"""Keys in one IN list."""


class PictureTexts:
    """What was read on pictures, by the hash of their bytes, so that none is read twice.

    A text outlives the pictures of that content: a product that comes back need not be read again.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, hashes: Sequence[str]) -> dict[str, str]:
        """Texts by content hash, empty where there was nothing to read; unread ones are left out.

        Args:
            hashes: SHA-256 of the pictures' bytes, in hex.
        """
        found: dict[str, str] = {}
        columns = (picture_texts.c.content_hash, picture_texts.c.text)
        with self._database.begin() as connection:
            for start in range(0, len(hashes), _CHUNK):
                part = hashes[start : start + _CHUNK]
                rows = connection.execute(select(*columns).where(columns[0].in_(part)))
                found.update((key, text) for key, text in rows)
        return found

    def put(self, texts: Mapping[str, str]) -> None:
        """Keep texts by content hash, in place of what was kept of the same pictures."""
        if not texts:
            return
        rows = [
            {"content_hash": key, "text": text, "read_at": time.time()}
            for key, text in texts.items()
        ]
        with self._database.begin() as connection:
            known = picture_texts.c.content_hash.in_(list(texts))
            connection.execute(picture_texts.delete().where(known))
            connection.execute(picture_texts.insert(), rows)

    def unread(self, version: str, *, after: str = "", limit: int = _CHUNK) -> list[str]:
        """Content hashes of an index version's pictures that were never read, in their order.

        Args:
            version: Name of the index version.
            after: The last hash of the page before.
            limit: How many at most.
        """
        query = _unread(select(images.c.content_hash).distinct(), version)
        query = query.where(images.c.content_hash > after).order_by(images.c.content_hash)
        with self._database.begin() as connection:
            return list(connection.execute(query.limit(limit)).scalars())

    def of_products(self) -> Iterator[tuple[str, str]]:
        """Ids of products, and what is printed on each of their pictures, if anything is."""
        query = (
            select(images.c.product_id, picture_texts.c.text)
            .join(picture_texts, picture_texts.c.content_hash == images.c.content_hash)
            .where(picture_texts.c.text != "")
            .order_by(images.c.product_id, images.c.position)
        )
        with self._database.begin() as connection:
            yield from [(key, text) for key, text in connection.execute(query)]

    def signature(self) -> tuple[int, float]:
        """What changes whenever a text is added; quick to ask for."""
        query = select(func.count(), func.max(picture_texts.c.read_at)).select_from(picture_texts)
        with self._database.begin() as connection:
            count, latest = connection.execute(query).one()
        return int(count), float(latest or 0.0)


def _unread(query: Select[Any], version: str) -> Select[Any]:
    joined = query.outerjoin_from(
        images, picture_texts, picture_texts.c.content_hash == images.c.content_hash
    )
    return joined.where(images.c.index_version == version, picture_texts.c.text.is_(None))
