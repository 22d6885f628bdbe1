"""Sessions in the back office: opened with a key, and gone with it. Only hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from shopsight.catalog.database import Database, api_keys, sessions
from shopsight.catalog.keys import Scope

_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is open.

    Attributes:
        key_id: The key it was opened with.
        key_name: What that key is called.
        scope: What it opens.
        expires_at: When it ends by itself, in seconds since 1970.
    """

    key_id: str
    key_name: str
    scope: Scope
    expires_at: float


class SessionStore:
    """Opens, checks and closes sessions.

    Every method raises :class:`~shopsight.errors.StorageError` when the database fails.

    Args:
        database: Where the hashes are kept.
        life_s: Seconds from opening to end.
        clock: Seconds since 1970.
    """

    def __init__(
        self, database: Database, *, life_s: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._life_s = life_s
        self._clock = clock

    def open(self, key_id: str) -> str:
        """Open a session for a key that was checked.

        Returns:
            The token, 256 random bits. It cannot be had again.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock()
        row = {"key_id": key_id, "created_at": now, "expires_at": now + self._life_s}
        with self._database.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(insert(sessions).values(hash=_hash(token), **row))
        return token

    def get(self, token: str) -> Session | None:
        """The session of a token; ``None`` if it ended, was closed, or its key was revoked."""
        query = (
            select(sessions.c.key_id, sessions.c.expires_at, api_keys.c.name, api_keys.c.scope)
            .join(api_keys, api_keys.c.id == sessions.c.key_id)
            .where(sessions.c.hash == _hash(token), sessions.c.expires_at > self._clock())
        )
        with self._database.begin() as connection:
            row = connection.execute(query).first()
        return row and Session(row.key_id, row.name, Scope(row.scope), row.expires_at)

    def close(self, token: str) -> None:
        """End a session, if there is one."""
        with self._database.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == _hash(token)))


def proof_of(token: str) -> str:
    """What a page sends beside the cookie to show that it, and no other page, makes a request.

    Derived from the token, so that nothing more need be stored; the token cannot be found from it.
    """
    return hmac.new(token.encode(), b"shopsight request proof", hashlib.sha256).hexdigest()


def _hash(token: str) -> str:
    # A fast hash is enough: nobody guesses a token of 256 random bits.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
