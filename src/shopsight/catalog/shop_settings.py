"""What the shop's owners set in the back office, without touching the server's environment."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from pydantic import JsonValue
from sqlalchemy import select

from shopsight.catalog.database import Database, shop_settings
from shopsight.errors import QueryError

_ORIGINS = "cors_origins"
MAX_ORIGINS = 50


class ShopSettings:
    """Settings kept in the database.

    Every method raises :class:`~shopsight.errors.StorageError` when the database fails.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def origins(self) -> list[str]:
        """Origins whose pages may call the API, besides those of the environment."""
        found = self._get(_ORIGINS)
        return [str(one) for one in found] if isinstance(found, list) else []

    def set_origins(self, origins: Sequence[str]) -> list[str]:
        """Replace them; returns them as they are kept, each once.

        Raises:
            QueryError: One is no origin, or there are too many.
        """
        checked = list(dict.fromkeys(checked_origin(one) for one in origins))
        if len(checked) > MAX_ORIGINS:
            raise QueryError(f"At most {MAX_ORIGINS} origins can be named, not {len(checked)}.")
        self._set(_ORIGINS, list(checked))
        return checked

    def _get(self, name: str) -> JsonValue:
        query = select(shop_settings.c.value).where(shop_settings.c.name == name)
        with self._database.begin() as connection:
            value: JsonValue = connection.execute(query).scalar()
        return value

    def _set(self, name: str, value: JsonValue) -> None:
        with self._database.begin() as connection:
            connection.execute(shop_settings.delete().where(shop_settings.c.name == name))
            connection.execute(shop_settings.insert().values(name=name, value=value))


def checked_origin(text: str) -> str:
    """An origin as browsers send it: scheme, host, and the port unless it is the usual one.

    Raises:
        QueryError: It is none, or has a path.
    """
    wanted = "an origin looks like https://shop.example: scheme and host, no path"
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
        shown = f"[{host}]" if host and ":" in host else (host or "").encode("idna").decode()
    except ValueError as error:
        raise QueryError(f"{text!r} is no origin: {wanted}") from error
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise QueryError(f"{text!r} is no origin: {wanted}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "*" in host:
        raise QueryError(f"{text!r} is no origin: {wanted}")
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, usual} else "")
