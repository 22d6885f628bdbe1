"""The command that fits confidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopsight.cli.common import DataOption, JsonOption, open_shop, print_json, print_table


def calibrate(
    context: typer.Context,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the columns 'photo' and 'product_id' (empty: not sold here).",
            metavar="PHOTOS.csv",
        ),
    ] = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Fit confidence to the catalogue: without labels, or better with some."""
    from shopsight.cli.progress import staged_progress
    from shopsight.photo_lists import photo_rows

    rows = photo_rows(labels) if labels else []
    with open_shop(context, data) as shop, staged_progress() as progress:
        found = shop.calibrate(
            rows, progress=lambda done, total: progress("Calibrating", done, total)
        )
    if found is None:
        typer.echo("There are too few products to tell how much a score means.", err=True)
        raise typer.Exit(1)
    if json_output:
        print_json(found.model_dump(mode="json"))
        return
    how = found.reliability
    print_table(
        f"Calibrated on {found.samples.views} made-up and "
        f"{found.samples.photos + found.samples.absent_photos} labelled photos",
        {"on products left out": "left", "": "right"},
        [
            ["expected calibration error", f"{how.error:.3f}"],
            ["absent things noticed", f"{how.noticed:.0%}"],
            ["present things rejected", f"{how.rejected:.0%}"],
        ],
    )
