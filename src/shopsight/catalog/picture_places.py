"""What pictures look like place by place, as others pack it, found once for each content."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import or_, select

from shopsight.catalog.database import Database, images, picture_places

_CHUNK = 500
"""Keys in one IN list."""


class PicturePlaces:
    """Places of pictures by the hash of their bytes and the encoder that saw them.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_records(self, records: Sequence[str], fingerprint: str) -> dict[str, bytes]:
        """Places of pictures of the index; those of unknown ones are left out.

        Args:
            records: Keys in the index.
            fingerprint: Of the encoder.
        """
        found: dict[str, bytes] = {}
        query = (
            select(images.c.record_id, picture_places.c.body)
            .join(picture_places, picture_places.c.content_hash == images.c.content_hash)
            .where(picture_places.c.fingerprint == fingerprint)
        )
        with self._database.begin() as connection:
            for start in range(0, len(records), _CHUNK):
                part = records[start : start + _CHUNK]
                rows = connection.execute(query.where(images.c.record_id.in_(part)))
                found.update((key, body) for key, body in rows)
        return found

    def put(self, bodies: Mapping[str, bytes], fingerprint: str) -> None:
        """Keep places by content hash, in place of what was kept of the same pictures.

        Args:
            bodies: The places, packed.
            fingerprint: Of the encoder.
        """
        if not bodies:
            return
        rows = [
            {"content_hash": key, "fingerprint": fingerprint, "body": body}
            for key, body in bodies.items()
        ]
        known = (
            picture_places.c.fingerprint == fingerprint,
            picture_places.c.content_hash.in_(list(bodies)),
        )
        with self._database.begin() as connection:
            connection.execute(picture_places.delete().where(*known))
            connection.execute(picture_places.insert(), rows)

    def keep_only(self, fingerprints: Collection[str]) -> None:
        """Forget places of other encoders, and those of pictures that are gone."""
        shown = select(images.c.content_hash).where(images.c.content_hash.is_not(None))
        gone = or_(
            picture_places.c.fingerprint.not_in(list(fingerprints)),
            picture_places.c.content_hash.not_in(shown),
        )
        with self._database.begin() as connection:
            connection.execute(picture_places.delete().where(gone))
