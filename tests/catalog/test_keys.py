from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from shopsight.catalog.database import Database
from shopsight.catalog.keys import USED_EVERY_S, KeyStore
from shopsight.errors import NotFoundError, SettingsError


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time it was set to."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock that the store looks at."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of the database."""
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def keys(path: Path, clock: Clock):
    """An empty store of keys."""
    database = Database(f"sqlite:///{path}")
    yield KeyStore(database, clock=clock)
    database.close()


def test_a_created_key_is_recognised_by_its_secret(keys: KeyStore) -> None:
    """The secret handed out opens the key it belongs to, with its name and scope."""
    key, secret = keys.create("importer", "search")
    found = keys.verify(secret)
    assert found is not None
    assert (found.id, found.name, found.scope) == (key.id, "importer", "search")


def test_a_secret_has_256_random_bits(keys: KeyStore) -> None:
    """Secrets carry the prefix and 43 characters of base64, and never repeat."""
    made = {keys.create(f"key {number}")[1] for number in range(20)}
    assert len(made) == 20
    assert all(secret.startswith("ss_") and len(secret) == 3 + 43 for secret in made)


def test_the_secret_is_nowhere_in_the_database(keys: KeyStore, path: Path) -> None:
    """Neither the secret nor its random part can be read from the stored rows."""
    _key, secret = keys.create("importer")
    with sqlite3.connect(path) as connection:
        rows = str(connection.execute("SELECT * FROM api_keys").fetchall())
    connection.close()
    assert "importer" in rows
    assert secret not in rows
    assert secret.removeprefix("ss_") not in rows


@pytest.mark.parametrize("secret", ["", "ss_", "ss_wrong", "' OR 1=1 --", "\udc80", "x" * 100_000])
def test_other_secrets_open_nothing(keys: KeyStore, secret: str) -> None:
    """Anything but a handed-out secret is refused, however odd it is."""
    keys.create("importer")
    assert keys.verify(secret) is None


def test_a_revoked_key_opens_nothing(keys: KeyStore) -> None:
    """Revoking works from the next check on, and leaves the other keys alone."""
    first, first_secret = keys.create("first")
    second, second_secret = keys.create("second")
    keys.revoke(first.id)
    assert keys.verify(first_secret) is None
    assert keys.verify(second_secret) is not None
    assert [key.id for key in keys.list()] == [second.id]


def test_revoking_an_unknown_key_names_it(keys: KeyStore) -> None:
    """The message says which id was meant and where the right ones are."""
    with pytest.raises(NotFoundError, match=r"nosuch.*keys list"):
        keys.revoke("nosuch")


def test_keys_are_listed_oldest_first(keys: KeyStore, clock: Clock) -> None:
    """The order is that of creation, and `any` knows an empty store from a filled one."""
    assert not keys.any()
    for name in ("c", "a", "b"):
        keys.create(name)
        clock.now += 1
    assert [key.name for key in keys.list()] == ["c", "a", "b"]
    assert keys.any()


def test_use_is_noted_at_most_once_a_minute(keys: KeyStore, clock: Clock) -> None:
    """The time of last use is set at once, kept for a minute, then moved on."""
    _key, secret = keys.create("importer")
    assert keys.list()[0].last_used_at is None
    keys.verify(secret)
    assert keys.list()[0].last_used_at == 1000.0
    clock.now += USED_EVERY_S - 1
    keys.verify(secret)
    assert keys.list()[0].last_used_at == 1000.0
    clock.now += 1
    keys.verify(secret)
    assert keys.list()[0].last_used_at == 1000.0 + USED_EVERY_S


@pytest.mark.parametrize(
    ("name", "scope", "message"),
    [(" ", "admin", "name"), ("x" * 201, "admin", "name"), ("x", "root", "'root'")],
)
def test_bad_names_and_scopes_are_refused(
    keys: KeyStore, name: str, scope: str, message: str
) -> None:
    """An empty or endless name and an unknown scope are refused, and nothing is stored."""
    with pytest.raises(SettingsError, match=message):
        keys.create(name, scope)
    assert not keys.any()
