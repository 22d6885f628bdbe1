"""Versions of the vector index: which encoder made each, and which one answers searches."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, Row, select

from shopsight.catalog.database import Database, index_versions
from shopsight.errors import EncoderMismatchError, NotFoundError, StorageError, VectorIndexError

_NUMBERED = re.compile(r"v(\d+)\Z")


class IndexManifest(BaseModel):
    """What an index remembers about how it was made.

    Attributes:
        name: Of the version, and of its collection in the store: ``v0001``.
        encoder: Name of the encoder.
        fingerprint: The encoder's fingerprint: see ``EncoderSpec``.
        dimension: Length of its vectors.
        metric: Nearness that searches use.
        standardizer: Scaling of the vectors, see :class:`.standardize.Standardizer`; ``None`` for
            none.
        created_at: Seconds since 1970.
        licence: SPDX identifier of the encoder's weights.
        source: Where the weights come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9_]{1,64}$")
    encoder: str
    fingerprint: str
    dimension: int = Field(gt=0)
    metric: Literal["cosine", "l2"] = "cosine"
    standardizer: Mapping[str, str] | None = None
    created_at: float = Field(default_factory=time.time)
    licence: str = ""
    source: str = ""


class VersionStore:
    """Index versions in the database. At most one is active.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def next_name(self) -> str:
        """A name that no version has: one above the highest number so far."""
        with self._database.begin() as connection:
            names = connection.execute(select(index_versions.c.name)).scalars()
            numbers = [int(found[1]) for name in names if (found := _NUMBERED.match(name))]
        return f"v{max(numbers, default=0) + 1:04d}"

    def create(self, manifest: IndexManifest) -> None:
        """Remember a new version, not active yet.

        Raises:
            VectorIndexError: There is one of that name.
        """
        with self._database.begin() as connection:
            if _find(connection, manifest.name) is not None:
                raise VectorIndexError(f"There is an index version {manifest.name!r} already.")
            connection.execute(
                index_versions.insert().values(
                    name=manifest.name,
                    manifest=manifest.model_dump(mode="json"),
                    active=False,
                    created_at=manifest.created_at,
                )
            )

    def update(self, manifest: IndexManifest) -> None:
        """Replace what is remembered about a version; ``NotFoundError`` if there is none."""
        with self._database.begin() as connection:
            _existing(connection, manifest.name)
            connection.execute(
                index_versions.update()
                .where(index_versions.c.name == manifest.name)
                .values(manifest=manifest.model_dump(mode="json"))
            )

    def activate(self, name: str) -> None:
        """Let a version answer searches, in one step; ``NotFoundError`` if there is none."""
        with self._database.begin() as connection:
            _existing(connection, name)
            connection.execute(index_versions.update().values(active=index_versions.c.name == name))

    def active(self) -> IndexManifest | None:
        """The version that answers searches, if there is one."""
        with self._database.begin() as connection:
            row = connection.execute(select(index_versions).where(index_versions.c.active)).first()
        return None if row is None else _manifest(row)

    def get(self, name: str) -> IndexManifest:
        """The version of a name; ``NotFoundError`` if there is none."""
        with self._database.begin() as connection:
            return _manifest(_existing(connection, name))

    def list(self) -> list[IndexManifest]:
        """All versions, oldest first."""
        with self._database.begin() as connection:
            order = (index_versions.c.created_at, index_versions.c.name)
            rows = connection.execute(select(index_versions).order_by(*order)).all()
        return [_manifest(row) for row in rows]

    def delete(self, name: str) -> None:
        """Forget a version.

        Raises:
            NotFoundError: There is none of that name.
            VectorIndexError: It is the active one.
        """
        with self._database.begin() as connection:
            if _existing(connection, name).active:
                raise VectorIndexError(
                    f"Index version {name!r} is answering searches: "
                    "activate another one before deleting it."
                )
            connection.execute(index_versions.delete().where(index_versions.c.name == name))


def check_encoder(manifest: IndexManifest, name: str, fingerprint: str) -> None:
    """Whether an index may be searched with vectors of an encoder.

    Args:
        manifest: Of the index.
        name: Of the encoder in use.
        fingerprint: Of the encoder in use.

    Raises:
        EncoderMismatchError: The index was made by another encoder; names both, and the command to
            index again.
    """
    if manifest.fingerprint == fingerprint:
        return
    if manifest.encoder == name:
        made, used = f"another edition of {name!r} ({manifest.fingerprint[:12]})", fingerprint[:12]
    else:
        made, used = repr(manifest.encoder), repr(name)
    raise EncoderMismatchError(
        f"Index {manifest.name!r} was made by the encoder {made}, the encoder in use is {used}: "
        f"their vectors cannot be compared. Run `shopsight reindex`, or use {manifest.encoder!r}."
    )


def _find(connection: Connection, name: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(index_versions).where(index_versions.c.name == name)).first()


def _existing(connection: Connection, name: str) -> Row[tuple[object, ...]]:
    row = _find(connection, name)
    if row is None:
        raise NotFoundError(f"There is no index version {name!r}.")
    return row


def _manifest(row: Row[tuple[object, ...]]) -> IndexManifest:
    try:
        return IndexManifest.model_validate(row.manifest)
    except ValidationError as error:
        raise StorageError(
            f"The record of index version {row.name!r} is damaged: run `shopsight reindex`."
        ) from error
