"""What commands share: options, opening the shop, output."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from shopsight.catalog.product import Price
    from shopsight.settings import Settings
    from shopsight.wiring import Shop

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder, as before the command.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
FilterOption = Annotated[
    str, typer.Option("--filter", help="""Such as 'brand = "Kavoa" AND price < 50'.""")
]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(help="Host that may be fetched from although its address is private. Repeatable."),
]


INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the number of the signal, as shells have it."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options given before the command."""

    data: Path | None = None
    encoder: str | None = None
    detector: str | None = None


def settings_of(context: typer.Context, data: Path | None = None, **overrides: object) -> Settings:
    """Settings from the environment and the command line, and logging set up to match."""
    from shopsight.settings import load_settings

    options = context.obj if isinstance(context.obj, Options) else Options()
    given = {"encoder": options.encoder, "detector": options.detector} | overrides
    settings = load_settings(data=data or options.data, **given)
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # Pillow warns of damaged EXIF data, which is dropped anyway.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    return settings


@contextmanager
def open_shop(
    context: typer.Context, data: Path | None = None, **overrides: object
) -> Iterator[Shop]:
    """The shop that a command works on."""
    from shopsight.wiring import Shop

    with Shop.open(settings=settings_of(context, data, **overrides)) as shop:
        try:
            yield shop
        except KeyboardInterrupt:
            message = "Interrupted. What was done is kept; the same command goes on from here."
            typer.echo(message, err=True)
            raise typer.Exit(INTERRUPTED) from None


def print_json(value: object) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(title: str, columns: Mapping[str, str], rows: list[list[str]]) -> None:
    """Print a table.

    Args:
        title: Its heading.
        columns: Heading -> alignment, ``left`` or ``right``.
        rows: Cells, as plain text.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for heading, alignment in columns.items():
        table.add_column(heading, justify="right" if alignment == "right" else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    console.print(Text(title, style="bold"))
    console.print(table)


def price_text(price: Price | None) -> str:
    """A price as people write it, or a dash."""
    return f"{price.amount:,.2f} {price.currency}" if price else "-"


def pairs(given: list[str], option: str) -> dict[str, str]:
    """``NAME=VALUE`` options as a dictionary."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{option} {text!r} is not of the form NAME=VALUE")
        found[name.strip()] = value.strip()
    return found
