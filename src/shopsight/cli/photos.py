"""The command that answers many photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from shopsight.cli.common import DataOption, FilterOption, open_shop
from shopsight.search.focus import Focus

PhotosArgument = Annotated[
    Path,
    typer.Argument(
        help="A photo, a folder of photos, or a CSV file with a 'photo' column.", metavar="PHOTOS"
    ),
]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="Products per photo.")]
FocusOption = Annotated[Focus, typer.Option(help="What makes products alike.")]


def match(
    context: typer.Context,
    photos: PhotosArgument,
    out: Annotated[Path, typer.Option(help="File for the answers: one JSON object a line.")],
    where: FilterOption = "",
    limit: LimitOption = 10,
    focus: FocusOption = Focus.BALANCED,
    data: DataOption = None,
) -> None:
    """Find the products on many photos."""
    from shopsight.cli.progress import counted_progress
    from shopsight.photo_lists import photo_rows

    rows = photo_rows(photos)
    failed = 0
    with open_shop(context, data) as shop, out.open("w", encoding="utf-8") as file:
        shop.warm()
        with counted_progress("Matching", len(rows)) as progress:
            lines = shop.match(rows, where=where, limit=limit, focus=focus)
            for done, line in enumerate(lines, start=1):
                failed += "error" in line
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                progress(done)
    typer.echo(f"{len(rows) - failed} of {len(rows)} photos answered, written to {out}.", err=True)
    if rows and failed == len(rows):
        raise typer.Exit(1)
