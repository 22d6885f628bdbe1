"""The command that imports what shoppers said of products."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopsight.cli.common import DataOption, JsonOption, open_shop, print_json

_MOST_SHOWN = 20


def reviews(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(help="CSV file: rating, product_id or item_group_id, title, review, ..."),
    ],
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Import reviews of products, shown on their pages. Reviews that are known stay as they are."""
    from shopsight.catalog.product import RowError
    from shopsight.catalog.reviews import ReviewStore, read_reviews

    good, bad = [], []
    for row in read_reviews(file):
        if isinstance(row, RowError):
            bad.append(row)
        else:
            good.append(row)
    with open_shop(context, data) as shop:
        added = ReviewStore(shop.database).add(good)
    if json_output:
        problems = [error.model_dump() for error in bad]
        print_json({"added": added, "known": len(good) - added, "problems": problems})
    else:
        typer.echo(f"{added:,} reviews added, {len(good) - added:,} known already.")
        for error in bad[:_MOST_SHOWN]:
            typer.echo(str(error), err=True)
        if bad:
            typer.echo(f"{len(bad):,} rows were left out.", err=True)
    if bad and not good:
        raise typer.Exit(1)
