from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsight.catalog.database import Database, index_versions
from shopsight.errors import EncoderMismatchError, NotFoundError, StorageError, VectorIndexError
from shopsight.index.versions import IndexManifest, VersionStore, check_encoder


def manifest(name: str, **changes: object) -> IndexManifest:
    """A manifest with some facts changed."""
    facts = {"encoder": "lite", "fingerprint": "f" * 64, "dimension": 8, "created_at": 1.0}
    return IndexManifest.model_validate({"name": name, **facts, **changes})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    opened = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def versions(database: Database) -> VersionStore:
    """Versions in the empty database."""
    return VersionStore(database)


def test_nothing_at_first(versions: VersionStore):
    """A new database has no versions and none is active; the first is called v0001."""
    assert (versions.active(), versions.list(), versions.next_name()) == (None, [], "v0001")


def test_create_and_activate(versions: VersionStore):
    """A version answers searches only once it is activated, and then alone."""
    first = manifest("v0001", standardizer={"mean": "AA==", "std": "AA=="})
    second = manifest("v0002", created_at=2.0)
    versions.create(first)
    versions.create(second)
    assert versions.active() is None
    versions.activate("v0001")
    assert versions.active() == first
    versions.activate("v0002")
    assert versions.active() == second
    assert versions.list() == [first, second]
    assert versions.get("v0001") == first
    assert versions.next_name() == "v0003"


def test_names_are_unique(versions: VersionStore):
    """A second version of the same name is refused."""
    versions.create(manifest("v0001"))
    with pytest.raises(VectorIndexError, match="already"):
        versions.create(manifest("v0001"))


def test_update(versions: VersionStore):
    """An update replaces the manifest and leaves the version active."""
    versions.create(manifest("v0001"))
    versions.activate("v0001")
    changed = manifest("v0001", licence="Apache-2.0")
    versions.update(changed)
    assert versions.active() == changed


def test_delete(versions: VersionStore):
    """Versions can be forgotten, but not the one that answers searches."""
    versions.create(manifest("v0001"))
    versions.create(manifest("v0002"))
    versions.activate("v0002")
    versions.delete("v0001")
    with pytest.raises(VectorIndexError, match="v0002"):
        versions.delete("v0002")
    assert [found.name for found in versions.list()] == ["v0002"]


def test_unknown_names(versions: VersionStore):
    """What is done to a version that does not exist is an error that names it."""
    for act in (versions.activate, versions.delete, versions.get):
        with pytest.raises(NotFoundError, match="v0009"):
            act("v0009")
    with pytest.raises(NotFoundError, match="v0009"):
        versions.update(manifest("v0009"))


def test_failed_activation_changes_nothing(versions: VersionStore):
    """Activating a version that does not exist leaves the active one in place."""
    versions.create(manifest("v0001"))
    versions.activate("v0001")
    with pytest.raises(NotFoundError):
        versions.activate("v0002")
    active = versions.active()
    assert active is not None
    assert active.name == "v0001"


def test_damaged_record(versions: VersionStore, database: Database):
    """A record that makes no sense is a storage error that says what to do."""
    with database.begin() as connection:
        row = {"name": "v0001", "manifest": {"name": 3}, "active": True, "created_at": 0.0}
        connection.execute(index_versions.insert().values(row))
    with pytest.raises(StorageError, match="shopsight"):
        versions.active()


def test_same_encoder_passes():
    """The encoder that made the index may search it, whatever name it goes by."""
    check_encoder(manifest("v0001"), "lite", "f" * 64)
    check_encoder(manifest("v0001"), "lite-renamed", "f" * 64)


@pytest.mark.parametrize(
    ("name", "mentioned"), [("siglip", "'siglip'"), ("lite", "another edition")]
)
def test_other_encoder_is_refused(name: str, mentioned: str):
    """Another encoder, or another edition of it, is refused with both named and the way out."""
    with pytest.raises(EncoderMismatchError) as caught:
        check_encoder(manifest("v0001"), name, "0" * 64)
    for part in ("v0001", "lite", mentioned, "shopsight "):
        assert part in str(caught.value)
