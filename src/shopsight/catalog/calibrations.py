"""Calibrations of index versions in the database."""

from __future__ import annotations

import time

from sqlalchemy import select

from shopsight.catalog.database import Database, calibrations, index_versions
from shopsight.errors import NotFoundError


class CalibrationStore:
    """What turns an index version's scores into probabilities, as text that others understand.

    One for each version; it goes when its version does.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, version: str, fingerprint: str, body: str) -> None:
        """Keep a calibration in place of the version's last one.

        Args:
            version: Name of the index version.
            fingerprint: Of the encoder it was fitted with.
            body: The calibration as JSON.

        Raises:
            NotFoundError: There is no such version (any more).
        """
        row = {"fingerprint": fingerprint, "body": body, "created_at": time.time()}
        with self._database.begin() as connection:
            known = select(index_versions.c.name).where(index_versions.c.name == version)
            if connection.execute(known).first() is None:
                raise NotFoundError(f"There is no index version {version!r} to calibrate.")
            replaced = connection.execute(
                calibrations.update().where(calibrations.c.version == version).values(**row)
            )
            if not replaced.rowcount:
                connection.execute(calibrations.insert().values(version=version, **row))

    def load(self, version: str, fingerprint: str) -> str | None:
        """The calibration of a version as JSON.

        Args:
            version: Name of the index version.
            fingerprint: Of the encoder in use.

        Returns:
            ``None`` if there is none, or it was fitted with another encoder.
        """
        query = select(calibrations.c.body).where(
            calibrations.c.version == version, calibrations.c.fingerprint == fingerprint
        )
        with self._database.begin() as connection:
            body: str | None = connection.execute(query).scalar()
        return body

    def delete(self, version: str) -> None:
        """Forget the calibration of a version, if there is one."""
        with self._database.begin() as connection:
            connection.execute(calibrations.delete().where(calibrations.c.version == version))
