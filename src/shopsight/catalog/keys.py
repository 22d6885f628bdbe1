"""API keys: who may call the server. Only hashes are stored, so a stolen database opens nothing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Callable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import RowMapping, delete, func, insert, select, update

from shopsight.catalog.database import Database, api_keys
from shopsight.errors import NotFoundError, SettingsError

_PREFIX = "ss_"
_SECRET_BYTES = 32
_NAME_LENGTH = 200

USED_EVERY_S = 60.0
"""``last_used_at`` is written at most this often: checking a busy key must stay cheap."""


class Scope(StrEnum):
    """What a key opens."""

    ADMIN = "admin"
    SEARCH = "search"


class ApiKey(BaseModel):
    """A key as it is listed: never with its secret.

    Attributes:
        id: Names the key in ``shopsight keys revoke``.
        name: What it is for, in the words of whoever made it.
        scope: ``admin`` opens every route, ``search`` only those of shoppers.
        created_at: Seconds since 1970.
        last_used_at: Seconds since 1970, exact to a minute; ``None`` when never used.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    scope: Scope
    created_at: float
    last_used_at: float | None = None


class KeyStore:
    """Makes, checks and revokes API keys.

    Every method raises :class:`~shopsight.errors.StorageError` when the database fails.

    Args:
        database: Where the hashes are kept.
        clock: Seconds since 1970.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, scope: str = Scope.ADMIN) -> tuple[ApiKey, str]:
        """Make a key.

        Args:
            name: What it is for, 1 to 200 characters.
            scope: ``admin`` or ``search``.

        Returns:
            The key, and its secret, which cannot be had again: ``ss_`` and 256 random bits.

        Raises:
            SettingsError: The name is empty or too long, or there is no such scope.
        """
        name = name.strip()
        if not 0 < len(name) <= _NAME_LENGTH:
            raise SettingsError(
                f"The name of a key needs 1 to {_NAME_LENGTH} characters, not {len(name)}."
            )
        try:
            checked = Scope(scope)
        except ValueError:
            raise SettingsError(f"A key's scope is 'admin' or 'search', not {scope!r}.") from None
        secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        key = ApiKey(id=uuid.uuid4().hex[:12], name=name, scope=checked, created_at=self._clock())
        with self._database.begin() as connection:
            connection.execute(insert(api_keys).values(**key.model_dump(), hash=_hash(secret)))
        return key, secret

    def list(self) -> list[ApiKey]:
        """All keys, oldest first."""
        with self._database.begin() as connection:
            rows = connection.execute(
                select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
            )
            return [_key(row) for row in rows.mappings()]

    def any(self) -> bool:
        """Whether there is a key at all."""
        with self._database.begin() as connection:
            return bool(connection.execute(select(func.count()).select_from(api_keys)).scalar_one())

    def revoke(self, key_id: str) -> None:
        """Make a key worthless from now on.

        Raises:
            NotFoundError: There is no key with this id.
        """
        with self._database.begin() as connection:
            gone = connection.execute(delete(api_keys).where(api_keys.c.id == key_id)).rowcount
        if not gone:
            raise NotFoundError(
                f"There is no key with the id {key_id!r}: see `shopsight keys list`."
            )

    def verify(self, secret: str) -> ApiKey | None:
        """The key with this secret, or ``None``. Notes that it was used."""
        hashed = _hash(secret)
        with self._database.begin() as connection:
            row = (
                connection.execute(select(api_keys).where(api_keys.c.hash == hashed))
                .mappings()
                .first()
            )
        if row is None or not hmac.compare_digest(str(row["hash"]), hashed):
            return None
        key = _key(row)
        now = self._clock()
        if key.last_used_at is None or now - key.last_used_at >= USED_EVERY_S:
            with self._database.begin() as connection:
                connection.execute(
                    update(api_keys).where(api_keys.c.id == key.id).values(last_used_at=now)
                )
            key = key.model_copy(update={"last_used_at": now})
        return key


def _hash(secret: str) -> str:
    # A fast hash is enough: nobody guesses a secret of 256 random bits.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: RowMapping) -> ApiKey:
    return ApiKey.model_validate({name: row[name] for name in ApiKey.model_fields})
