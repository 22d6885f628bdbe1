from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from shopsight.catalog.database import SCHEMA_VERSION, Database
from shopsight.errors import SettingsError, StorageError


def url(path: Path) -> str:
    """SQLAlchemy URL of a SQLite file."""
    return f"sqlite:///{path}"


def test_tables_are_made_once(tmp_path: Path) -> None:
    """Opening a database a second time finds the tables and their version, and changes nothing."""
    for _ in range(2):
        database = Database(url(tmp_path / "new" / "catalog.sqlite"))
        with database.begin() as connection:
            versions = connection.execute(text("SELECT version FROM schema_info")).scalars().all()
        database.close()
        assert versions == [SCHEMA_VERSION]


def test_sqlite_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """Connections use write-ahead logging, full synchronisation, and enforced foreign keys."""
    database = Database(url(tmp_path / "catalog.sqlite"))
    with database.begin() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    database.close()
    assert pragmas == ["wal", 2, 1]


def test_newer_tables_are_refused(tmp_path: Path) -> None:
    """A database of another table version is not touched, and the message names both versions."""
    path = tmp_path / "catalog.sqlite"
    Database(url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE schema_info SET version = 99")
    connection.close()
    with pytest.raises(StorageError, match=rf"version 99.*needs {SCHEMA_VERSION}"):
        Database(url(path))


def test_old_tables_are_brought_up_to_date(tmp_path: Path) -> None:
    """Tables of version 1 get the columns that they lack; products keep all they had."""
    path = tmp_path / "catalog.sqlite"
    Database(url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("ALTER TABLE products DROP COLUMN added_at")
        for name in ("width", "height"):
            connection.execute(f"ALTER TABLE images DROP COLUMN {name}")
        connection.execute("INSERT INTO products VALUES ('a', '{}', 'hash', 'run', 12.5)")
        connection.execute("UPDATE schema_info SET version = 1")
    connection.close()
    for _ in range(2):
        database = Database(url(path))
        with database.begin() as opened:
            rows = opened.execute(text("SELECT * FROM products")).all()
            version = opened.execute(text("SELECT version FROM schema_info")).scalar_one()
        database.close()
        assert rows == [("a", "{}", "hash", "run", 12.5, 12.5)]
        assert version == SCHEMA_VERSION


def test_failed_update_of_tables_changes_nothing(tmp_path: Path) -> None:
    """When tables cannot be brought up to date, the database stays as it was, version included."""
    path = tmp_path / "catalog.sqlite"
    Database(url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE schema_info SET version = 1")
    connection.close()
    with pytest.raises(StorageError, match="added_at"):
        Database(url(path))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version FROM schema_info").fetchall() == [(1,)]
    connection.close()


def test_garbage_is_no_database(tmp_path: Path) -> None:
    """A file that is no database gives advice on how to recover, and is left as it is."""
    path = tmp_path / "catalog.sqlite"
    path.write_bytes(b"this is not SQLite" * 500)
    with pytest.raises(StorageError, match="damaged: restore a backup"):
        Database(url(path))
    assert path.read_bytes().startswith(b"this is not")


def test_damaged_page_is_reported(tmp_path: Path) -> None:
    """A database whose pages were overwritten is reported as damaged when it is read."""
    path = tmp_path / "catalog.sqlite"
    Database(url(path)).close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(size - 100))
    with pytest.raises(StorageError, match="damaged"):
        Database(url(path))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A data folder below a file is an error that names the folder."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"data folder .*file"):
        Database(url(tmp_path / "file" / "catalog.sqlite"))


def test_full_disk_says_that_nothing_was_lost(tmp_path: Path) -> None:
    """When the disk is full the transaction is rolled back, and the message says to free space."""
    database = Database(url(tmp_path / "catalog.sqlite"))

    def fill() -> None:
        with database.begin() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
            connection.execute(
                text("INSERT INTO jobs VALUES ('a', 'x', 'x', '{}', :big, NULL, 0, NULL, NULL)"),
                {"big": "x" * 1_000_000},
            )

    with pytest.raises(StorageError, match="disk is full"):
        fill()
    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM jobs")).scalar_one() == 0
    database.close()


@pytest.mark.parametrize("bad", ["nonsense", "oracle+nothing://host/db", ""])
def test_unusable_url_names_the_setting(bad: str) -> None:
    """A database URL that cannot be used is a settings error that names the variable."""
    with pytest.raises(SettingsError, match="SHOPSIGHT_DATABASE_URL"):
        Database(bad)


def test_locked_database_says_so(tmp_path: Path) -> None:
    """A database that another process keeps locked is reported as such, not as damaged."""
    path = tmp_path / "catalog.sqlite"
    Database(url(path)).close()
    database = Database(f"{url(path)}?timeout=0.1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked: try again"), database.begin() as connection:
        connection.execute(text("UPDATE schema_info SET version = 1"))
    other.close()
    database.close()
