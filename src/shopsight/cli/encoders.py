"""The command that lists encoders."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shopsight.cli.common import JsonOption, print_json, print_table, settings_of

if TYPE_CHECKING:
    from shopsight.encoders.base import Encoder
    from shopsight.encoders.known import KnownEncoder
    from shopsight.encoders.specs import ModelFacts

MEASURED = 32
"""Pictures of the sample shop that speed is measured on."""

READY, IN_CACHE, ABSENT = "installed", "in the cache", "not here yet"

_FOR_TESTS = frozenset({"thumbnail", "two-part", "speaking"})


@dataclass(frozen=True)
class Listed:
    """A row of the list.

    Attributes:
        name: Name or path it is loaded by.
        dimension: Length of its vectors; 0: unknown before it is loaded.
        licence: SPDX identifier of the weights; empty: unknown before it is loaded.
        languages: Of its texts.
        megabytes: Of its files, or of its published weights in float32; 0: unknown.
        text: Whether it encodes texts.
        state: ``installed``, ``in the cache``, or ``not here yet``.
        pictures_per_s: Measured here, in batches, without reading and scaling; ``None``: not
            measured.
        error: Why it could not be measured; empty: no reason.
    """

    name: str
    dimension: int = 0
    licence: str = ""
    languages: tuple[str, ...] = ()
    megabytes: int = 0
    text: bool = False
    state: str = READY
    pictures_per_s: float | None = None
    error: str = ""


def encoders(
    context: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Further ones: hf:OWNER/NAME, open_clip:ARCHITECTURE/TAG, folders or ONNX files.",
            metavar="[ENCODER]...",
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure the speed of those that are here.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """List the encoders that can be used: SHOPSIGHT_ENCODER takes their names."""
    settings = settings_of(context)
    cache, chosen = settings.resolved_encoder_cache, settings.encoder
    rows = _rows(cache, [*(paths or []), chosen])
    if measure:
        rows = [_measured(row, cache, settings.threads) for row in rows]
    if json_output:
        print_json([asdict(row) for row in rows])
    else:
        _print(rows, chosen, measure=measure)


def _rows(cache: Path, others: list[str]) -> list[Listed]:
    """Installed encoders, then published ones, then those that were named, each once."""
    from shopsight import plugins
    from shopsight.encoders import known
    from shopsight.encoders.specs import LITE, MODELS

    rows = {name: Listed(name=name) for name in plugins.names("encoders") if name not in _FOR_TESTS}
    rows[LITE.name] = _of_facts(LITE.name, LITE, MODELS)
    rows |= {found.name: _of_known(found, cache) for found in known.KNOWN}
    for name in others:
        if name not in rows and name not in _FOR_TESTS:
            rows[name] = _named(name, cache)
    return list(rows.values())


def _named(name: str, cache: Path) -> Listed:
    from shopsight.encoders.folder import is_folder, read_folder
    from shopsight.encoders.known import find
    from shopsight.errors import ShopsightError

    path = Path(name)
    if is_folder(path):
        try:
            return _of_facts(name, read_folder(path), path)
        except ShopsightError as error:
            return Listed(name=name, error=str(error))
    if path.is_file():
        return Listed(name=name, megabytes=round(path.stat().st_size / 1e6))
    found = find(name)
    return _of_known(found, cache) if found is not None else Listed(name=name, state=ABSENT)


def _of_facts(name: str, facts: ModelFacts, folder: Path) -> Listed:
    files = [facts.file, *([facts.text.file] if facts.text is not None else [])]
    sizes = [(folder / file).stat().st_size for file in files if (folder / file).is_file()]
    return Listed(
        name=name,
        dimension=facts.dimension,
        licence=facts.licence,
        languages=facts.languages,
        megabytes=round(sum(sizes) / 1e6),
        text=facts.text is not None,
    )


def _of_known(known: KnownEncoder, cache: Path) -> Listed:
    from shopsight.encoders.folder import is_folder, read_folder
    from shopsight.encoders.obtain import folder_of
    from shopsight.errors import ShopsightError

    folder = folder_of(known, cache)
    if is_folder(folder):
        try:
            row = _of_facts(known.name, read_folder(folder), folder)
        except ShopsightError as error:
            return Listed(name=known.name, state=IN_CACHE, error=str(error))
        return replace(row, state=IN_CACHE)
    return Listed(
        name=known.name,
        dimension=known.dimension,
        licence=known.licence,
        languages=known.languages,
        megabytes=known.megabytes,
        text=bool(known.text),
        state=ABSENT,
    )


def _measured(row: Listed, cache: Path, threads: int) -> Listed:
    """A row with the speed of its encoder here, and what only loading it tells."""
    from shopsight.encoders import load_encoder
    from shopsight.errors import ShopsightError

    if row.state == ABSENT or row.error:
        return row
    try:
        encoder = load_encoder(row.name, threads=threads, cache=cache)
        speed = _pictures_per_s(encoder)
    except ShopsightError as error:
        return replace(row, error=str(error))
    spec = encoder.spec
    encoder.close()
    return replace(row, dimension=spec.dimension, licence=spec.licence, pictures_per_s=speed)


def _pictures_per_s(encoder: Encoder) -> float:
    """Pictures of the sample shop encoded in a second, in one batch, once warm."""
    import numpy as np

    from shopsight.encoders.files import LIMITS
    from shopsight.images.prepare import load_pixels
    from shopsight.sample_shop import ROOT

    pictures = sorted((ROOT / "images").glob("*.jpg"))[:MEASURED]
    pixels = np.stack(
        [load_pixels(path.read_bytes(), encoder.spec.preprocessing, LIMITS) for path in pictures]
    )
    encoder.encode_images(pixels[: MEASURED // 4])
    start = time.perf_counter()
    encoder.encode_images(pixels)
    return round(len(pixels) / (time.perf_counter() - start), 1)


def _print(rows: list[Listed], chosen: str, *, measure: bool) -> None:
    columns = {
        "encoder": "left",
        "dimensions": "right",
        "MB": "right",
        "licence": "left",
        "texts": "left",
        "state": "left",
    }
    if measure:
        columns["pictures/s"] = "right"
    cells = []
    for row in rows:
        texts = (", ".join(row.languages) or "yes") if row.text else "-"
        line = [
            f"{row.name} (in use)" if row.name == chosen else row.name,
            str(row.dimension or "?"),
            str(row.megabytes or "?"),
            row.licence or "?",
            texts,
            row.state,
        ]
        if measure:
            line.append("-" if row.pictures_per_s is None else f"{row.pictures_per_s:.1f}")
        cells.append(line)
    print_table("Encoders", columns, cells)
    for row in rows:
        if row.error:
            typer.echo(f"{row.name}: {row.error}", err=True)
