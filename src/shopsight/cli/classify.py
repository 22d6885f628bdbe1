"""The command that says which category photos show."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from shopsight.cli.common import DataOption, JsonOption, open_shop
from shopsight.cli.recognition import OutOption, answer_photos, rows_of

if TYPE_CHECKING:
    from shopsight.wiring.classifying import Proposal

_SHOWN_ERRORS = 5


def classify(
    context: typer.Context,
    photos: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Photos, folders of photos, or CSV files with a 'photo' column.",
            metavar="PHOTOS...",
        ),
    ] = None,
    out: OutOption = None,
    fill: Annotated[
        Path | None,
        typer.Option(
            help="Instead of photos: propose categories for this feed's products without one.",
            metavar="FEED",
        ),
    ] = None,
    image_root: Annotated[
        Path | None,
        typer.Option(help="With --fill: folder that local pictures of the feed must be in."),
    ] = None,
    regions: Annotated[
        bool | None,
        typer.Option("--regions/--no-regions", help="Whether to look for the main subject."),
    ] = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Say which of the shop's categories photos show; or propose some for a feed."""
    if (fill is None) == (not photos):
        raise typer.BadParameter("give either PHOTOS or --fill FEED")
    if fill is not None and out is not None and out.resolve() == fill.resolve():
        raise typer.BadParameter("--out is the feed itself, which is never changed: choose another")
    rows = rows_of(photos or [])
    with open_shop(context, data) as shop:
        if fill is not None:
            with _opened(out) as file:
                _write_proposals(shop.propose_categories(fill, image_root=image_root), file, out)
            return
        shop.warm()
        answer_photos(
            "category",
            rows,
            lambda row: shop.classify(row.path, regions=regions, related=0),
            out=out,
            json_output=json_output,
        )


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
    else:
        with out.open("w", newline="", encoding="utf-8") as file:
            yield file


def _write_proposals(proposals: Iterable[Proposal], file: TextIO, out: Path | None) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["id", "proposed_category", "probability", "likeliest_category", "error"])
    counts = {"proposed": 0, "unsure": 0, "failed": 0}
    errors = []
    for one in proposals:
        kind = "failed" if one.error else "proposed" if one.category else "unsure"
        counts[kind] += 1
        if one.error:
            errors.append(f"{one.product_id}: {one.error}" if one.product_id else one.error)
        writer.writerow(
            [one.product_id, one.category, f"{one.probability:.4f}", one.likeliest, one.error]
        )
    place = "" if out is None else f"; written to {out}"
    typer.echo(
        f"{counts['proposed']} categories proposed, {counts['unsure']} not sure enough, "
        f"{counts['failed']} failed{place}.",
        err=True,
    )
    for error in errors[:_SHOWN_ERRORS]:
        typer.echo(f"  {error}", err=True)
