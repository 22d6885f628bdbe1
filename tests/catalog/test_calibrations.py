from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from shopsight.catalog.calibrations import CalibrationStore
from shopsight.catalog.database import Database
from shopsight.errors import NotFoundError
from shopsight.index.versions import IndexManifest, VersionStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with the index version v0001."""
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    manifest = IndexManifest(name="v0001", encoder="lite", fingerprint="abc", dimension=4)
    VersionStore(database).create(manifest)
    yield database
    database.close()


def test_last_one_is_kept(database: Database) -> None:
    """A calibration is found again; a second one takes its place."""
    store = CalibrationStore(database)
    store.save("v0001", "abc", '{"a": 1}')
    store.save("v0001", "abc", '{"a": 2}')
    assert store.load("v0001", "abc") == '{"a": 2}'


def test_another_encoder_has_none(database: Database) -> None:
    """What was fitted with one encoder is not handed out for another, nor for another version."""
    store = CalibrationStore(database)
    store.save("v0001", "abc", "{}")
    assert store.load("v0001", "abd") is None
    assert store.load("v0002", "abc") is None


def test_goes_with_its_version(database: Database) -> None:
    """When an index version is deleted, its calibration is deleted too."""
    CalibrationStore(database).save("v0001", "abc", "{}")
    VersionStore(database).delete("v0001")
    with database.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM calibrations")).scalar() == 0


def test_unknown_version_is_refused(database: Database) -> None:
    """A calibration of a version that is gone is not kept, and the message names the version."""
    with pytest.raises(NotFoundError, match="'v0007'"):
        CalibrationStore(database).save("v0007", "abc", "{}")


def test_deleting_twice_is_fine(database: Database) -> None:
    """A calibration can be forgotten, whether or not there is one."""
    store = CalibrationStore(database)
    store.save("v0001", "abc", "{}")
    store.delete("v0001")
    store.delete("v0001")
    assert store.load("v0001", "abc") is None


def test_databases_made_before_get_the_table(tmp_path: Path) -> None:
    """Opening a database that lacks the table makes it, and leaves the rest as it was."""
    url = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    old = Database(url)
    with old.begin() as connection:
        connection.execute(text("DROP TABLE calibrations"))
    manifest = IndexManifest(name="v0001", encoder="lite", fingerprint="abc", dimension=4)
    VersionStore(old).create(manifest)
    old.close()
    new = Database(url)
    CalibrationStore(new).save("v0001", "abc", "{}")
    assert CalibrationStore(new).load("v0001", "abc") == "{}"
    new.close()
