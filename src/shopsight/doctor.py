"""Checks that everything Shopsight needs is there and works."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from shopsight import __version__
from shopsight.errors import ShopsightError
from shopsight.settings import Settings
from shopsight.wiring import Shop

LOW_DISK_BYTES = 1_000_000_000
"""Free space below which indexing is likely to fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: The thing.
        ok: It works.
        detail: What was found, or what is wrong and what to do.
    """

    what: str
    ok: bool
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Look at everything: versions, the data folder, the database, the encoder, and the index."""
    findings = [
        Finding(
            "version",
            ok=True,
            detail=f"{__version__}, Python {sys.version.split()[0]}, {platform.machine()}",
        ),
        _disk(settings),
    ]
    try:
        shop = Shop.open(settings=settings)
    except ShopsightError as error:
        return [*findings, Finding("database", ok=False, detail=str(error))]
    with shop:
        findings.append(_look("database", lambda: _catalogue(shop)))
        findings.append(_look("encoder", lambda: _encoder(shop)))
        findings.append(_look("index", lambda: _index(shop)))
        if findings[-1].ok:
            findings.append(_look("search", lambda: _search(shop)))
    return findings


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, ok=True, detail=look())
    except ShopsightError as error:
        return Finding(what, ok=False, detail=str(error))


def _disk(settings: Settings) -> Finding:
    place = settings.data.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    return Finding(
        "disk",
        ok=free > LOW_DISK_BYTES,
        detail=f"{free / 1e9:.1f} GB free at {settings.data.resolve()}",
    )


def _catalogue(shop: Shop) -> str:
    counts = shop.catalog.counts()
    failed = f", {counts.failed_images} pictures could not be used" if counts.failed_images else ""
    return f"{counts.products} products{failed}, at {shop.database.place}"


def _encoder(shop: Shop) -> str:
    from shopsight.encoders.onnx import PlainOnnxEncoder

    shop.choose_engine()
    encoder = shop.encoder
    spec = encoder.spec
    engine = f", on {encoder.engine.name}" if isinstance(encoder, PlainOnnxEncoder) else ""
    return (
        f"{spec.name}: {spec.dimension} dimensions, {spec.licence}, "
        f"fingerprint {spec.fingerprint[:12]}{engine}"
    )


def _index(shop: Shop) -> str:
    info = shop.index_info()
    return (
        f"{info.manifest.name}, made with {info.manifest.encoder}: "
        f"{info.counts.searchable} products; {info.health.detail}"
    )


def _search(shop: Shop) -> str:
    shop.warm()
    return "a query with this encoder works"
