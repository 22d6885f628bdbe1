"""All commands. What does the work is imported when a command runs: help must come at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shopsight import __version__
from shopsight.cli import (
    brand,
    calibrate,
    catalogue,
    classify,
    duplicates,
    encoders,
    evaluate,
    photos,
    recognize,
    reviews,
    search,
    server,
    train,
)
from shopsight.cli.common import Options

app = typer.Typer(
    name="shopsight",
    help="Visual search that an online shop runs itself: photos in, products out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command()(server.demo)
app.command()(catalogue.index)
app.command()(catalogue.reindex)
app.add_typer(catalogue.feed_app, name="feed")
app.command()(reviews.reviews)
app.command()(search.search)
app.command()(photos.match)
app.command()(classify.classify)
app.command()(recognize.recognize)
app.add_typer(brand.brand_app, name="brand")
app.command()(duplicates.duplicates)
app.command()(evaluate.evaluate)
app.command()(calibrate.calibrate)
app.command()(train.train)
app.command()(server.serve)
app.add_typer(server.keys_app, name="keys")
app.command()(encoders.encoders)
app.command()(catalogue.doctor)


@app.callback(invoke_without_command=True)
def shopsight(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            help="The one folder where everything lives (SHOPSIGHT_DATA; ./shopsight-data)."
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder by name, or path of its folder or ONNX file (SHOPSIGHT_ENCODER; lite)."
        ),
    ] = None,
    detector: Annotated[
        str | None,
        typer.Option(
            help="What finds things on photos: default, an ONNX file, none (SHOPSIGHT_DETECTOR)."
        ),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Visual search that an online shop runs itself: photos in, products out."""
    if version:
        typer.echo(f"shopsight {__version__}")
        raise typer.Exit
    context.obj = Options(data=data, encoder=encoder, detector=detector)
