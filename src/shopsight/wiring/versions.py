"""Versions of a shop's index, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shopsight.catalog.calibrations import CalibrationStore
from shopsight.errors import ShopsightError
from shopsight.index.versions import VersionStore
from shopsight.wiring.indexed import IndexedShop


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version of the index.

    Attributes:
        name: Its name.
        encoder: Name of the encoder that made its vectors.
        dimension: Length of the vectors.
        metric: Nearness of vectors.
        created_at: When it was begun.
        active: Whether it answers searches.
        rows: Pictures in it; ``None`` where only its files could tell.
        bytes: Size of its files; ``None`` where the store is elsewhere.
        calibrated: Whether confidence is fitted to it.
    """

    name: str
    encoder: str
    dimension: int
    metric: str
    created_at: datetime
    active: bool
    rows: int | None
    bytes: int | None
    calibrated: bool


def index_versions(shop: IndexedShop) -> list[VersionInfo]:
    """All versions of the index, newest first.

    Raises:
        StorageError: The database fails.
    """
    versions = VersionStore(shop.database)
    active = versions.active()
    calibrations = CalibrationStore(shop.database)
    found = []
    for manifest in reversed(versions.list()):
        serving = active is not None and active.name == manifest.name
        found.append(
            VersionInfo(
                name=manifest.name,
                encoder=manifest.encoder,
                dimension=manifest.dimension,
                metric=manifest.metric,
                created_at=datetime.fromtimestamp(manifest.created_at, UTC),
                active=serving,
                rows=_rows(shop) if serving else None,
                bytes=_size(Path(shop.settings.resolved_store_uri), manifest.name),
                calibrated=calibrations.load(manifest.name, manifest.fingerprint) is not None,
            )
        )
    return found


def _rows(shop: IndexedShop) -> int | None:
    try:
        return shop.index_info().health.rows
    except ShopsightError:
        return None  # its files are gone: the state of the index says so elsewhere


def _size(folder: Path, name: str) -> int | None:
    """Bytes of a version's files: everything in the store's folder that is named after it."""
    if not folder.is_dir():
        return None
    own = [path for path in folder.iterdir() if name in {path.name, path.stem}]
    files = [file for path in own for file in (path.rglob("*") if path.is_dir() else [path])]
    return sum(file.stat().st_size for file in files if file.is_file())
