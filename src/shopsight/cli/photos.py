"""Commands that take photos: search and match."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shopsight.cli.common import (
    DataOption,
    FilterOption,
    JsonOption,
    open_shop,
    price_text,
    print_json,
    print_table,
)
from shopsight.search.focus import Focus

if TYPE_CHECKING:
    from shopsight.search.query import SearchResult

PhotosArgument = Annotated[
    Path,
    typer.Argument(
        help="A photo, a folder of photos, or a CSV file with a 'photo' column.", metavar="PHOTOS"
    ),
]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, help="Products per photo.")]
FocusOption = Annotated[Focus, typer.Option(help="What makes products alike.")]


def search(
    context: typer.Context,
    photo: Annotated[Path, typer.Argument(help="A photo.", metavar="PHOTO")],
    where: FilterOption = "",
    limit: LimitOption = 10,
    offset: Annotated[int, typer.Option(min=0, help="Products to skip.")] = 0,
    focus: FocusOption = Focus.BALANCED,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Find the products on a photo."""
    with open_shop(context, data) as shop:
        result = shop.search(photo, where=where, limit=limit, offset=offset, focus=focus)
    if json_output:
        print_json(result_json(result))
    else:
        print_result(str(photo), result)


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


def pairs(given: list[str], option: str) -> dict[str, str]:
    """``NAME=VALUE`` options as a dictionary."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{option} {text!r} is not of the form NAME=VALUE")
        found[name.strip()] = value.strip()
    return found


def result_json(result: SearchResult) -> dict[str, object]:
    """A search result as plain values."""
    return {
        "query_id": result.query_id,
        "total": result.total,
        "timings_ms": dict(result.timings_ms),
        "hits": [
            {
                "score": round(hit.score, 6),
                "image_link": hit.image_link,
                "product": hit.product.model_dump(mode="json", exclude_defaults=True),
            }
            for hit in result.hits
        ],
    }


def print_result(title: str, result: SearchResult) -> None:
    """Print a search result as a table."""
    print_table(
        f"{title}  ({result.timings_ms['total']:.0f} ms)",
        {
            "": "right",
            "product": "left",
            "title": "left",
            "price": "right",
            "availability": "left",
            "score": "right",
        },
        [
            [
                str(rank),
                hit.product.id,
                hit.product.title,
                price_text(hit.product.current_price),
                (hit.product.availability or "-").replace("_", " "),
                f"{hit.score:.3f}",
            ]
            for rank, hit in enumerate(result.hits, start=1)
        ],
    )
