"""What `shopsight evaluate` can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from shopsight.cli.evaluate_recognition import RecognitionTask

PhotosArgument = Annotated[
    Path | None,
    typer.Argument(
        help="CSV file with the columns 'photo' and 'product_id'.", metavar="PHOTOS.csv"
    ),
]
EncodersOption = Annotated[
    str,
    typer.Option(
        metavar="A,B,...",
        help="Compare these encoders, by name or path, without touching the index.",
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PHOTOS.csv",
        help="Instead of products: is the nearest other photo one of the same label?",
    ),
]
LabelColumnOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Column of the labels: label; with --task, what the task is about.",
    ),
]
GroupColumnOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Photos with the same value are not compared, nor learnt from."
    ),
]
TaskOption = Annotated[
    RecognitionTask | None,
    typer.Option(help="Instead of search, measure recognition of what the photos show."),
]
GalleryOption = Annotated[
    Path | None,
    typer.Option(
        metavar="PHOTOS.csv",
        help="With --task classify: learn from these labelled photos, not from the catalogue.",
    ),
]
SameOption = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="Instead of photos: is the nearest other product one of the same FIELD?",
    ),
]
CropOption = Annotated[
    Literal["none", "box"],
    typer.Option(help="box: use only what is in the columns x1, y1, x2, y2."),
]
CropMarginOption = Annotated[
    float,
    typer.Option(min=0, max=1, help="Share of the box added on each side; searches add .1."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        help="COLUMN=VALUE: use only such rows. Repeatable; values of one column add up.",
        metavar="COLUMN=VALUE",
    ),
]
RegionsOption = Annotated[
    bool | None,
    typer.Option(
        "--regions/--no-regions",
        help="Whether the shop's search looks for the main subject; not within given boxes.",
    ),
]
ReportOption = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write the comparison as a page.")
]
