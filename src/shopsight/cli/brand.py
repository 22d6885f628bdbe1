"""Commands about brands: recognise them on photos, and teach and list those that are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from shopsight.cli.common import DataOption, JsonOption, open_shop, print_json, print_table
from shopsight.cli.recognition import OutOption, PhotosArgument

if TYPE_CHECKING:
    from shopsight.wiring.brand_registry import BrandReport, Progress

RECOGNIZE = "photos"
"""Command that is meant where none is named."""


class PhotosOrCommand(TyperGroup):
    """``shopsight brand PHOTOS...`` and ``shopsight brand add ...`` in one.

    What is not the name of a command begins a list of photos; ``./add`` is a folder of that name.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command for photos before what names no other one."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [RECOGNIZE, *args]
        return super().parse_args(ctx, args)


brand_app = typer.Typer(
    cls=PhotosOrCommand,
    help="Recognise brands: PHOTOS... or --gallery BOXES.csv; and manage those that are known.",
    no_args_is_help=True,
    subcommand_metavar="PHOTOS... | COMMAND [ARGS]...",
)

NameArgument = Annotated[str, typer.Argument(help="Name of the brand, or an alias.")]


@brand_app.command(RECOGNIZE)
def brand_photos(
    context: typer.Context,
    photos: PhotosArgument = [],  # noqa: B006  # typer makes a list of its own
    gallery: Annotated[
        Path | None,
        typer.Option(
            help="Teach brands first, from photos with boxes: photo, brand, x1, y1, x2, y2.",
            metavar="BOXES.csv",
        ),
    ] = None,
    thorough: Annotated[
        bool | None,
        typer.Option(
            "--thorough/--quick", help="Look for small logos too (SHOPSIGHT_BRAND_THOROUGH)."
        ),
    ] = None,
    out: OutOption = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Say which brands photos show: `brand PHOTOS...` does as well."""
    from shopsight.cli.recognition import answer_photos, rows_of

    if not photos and gallery is None:
        raise typer.BadParameter("give photos, --gallery BOXES.csv, or both")
    rows = rows_of(photos)
    with open_shop(context, data) as shop:
        if gallery is not None:
            with _learning() as progress:
                report = shop.brands.teach(gallery, progress)
            _print_report(report, json_output=json_output and not rows)
        if rows:
            answer_photos(
                "brand",
                rows,
                lambda row: shop.brands.recognize(row.path, thorough=thorough),
                out=out,
                json_output=json_output,
            )


@brand_app.command("add")
def brand_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the brand.")],
    logo: Annotated[
        list[Path] | None,
        typer.Option(
            help="Picture of its logo; best see-through or on a plain ground. Repeatable."
        ),
    ] = None,
    alias: Annotated[list[str] | None, typer.Option(help="Another name. Repeatable.")] = None,
    website: Annotated[str, typer.Option(help="Its address.")] = "",
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Teach a brand by its name and logos, or more about one that is known."""
    with open_shop(context, data) as shop:
        report = shop.brands.add(name, logos=logo or [], aliases=alias or [], website=website)
    if not report.brands and not json_output:
        typer.echo(f"{name} was known already: what is new was added to it.", err=True)
    _print_report(report, json_output=json_output)


@brand_app.command("import")
def brand_import(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV file: name, aliases, website, logo.", metavar="BRANDS.csv")
    ],
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Teach the brands of a CSV file."""
    with open_shop(context, data) as shop, _learning() as progress:
        report = shop.brands.import_file(file, progress)
    _print_report(report, json_output=json_output)


@brand_app.command("list")
def brand_list(
    context: typer.Context, json_output: JsonOption = False, data: DataOption = None
) -> None:
    """List the brands that were taught."""
    with open_shop(context, data) as shop:
        brands = shop.brands.all()
    if json_output:
        print_json([brand.model_dump(mode="json") for brand in brands])
        return
    columns = {"brand": "left", "aliases": "left", "website": "left", "examples": "right"}
    rows = [
        [brand.name, ", ".join(brand.aliases), brand.website, f"{brand.examples:,}"]
        for brand in brands
    ]
    print_table(f"{len(brands):,} brands", columns, rows)


@brand_app.command("remove")
def brand_remove(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names of brands.", metavar="NAME...")],
    data: DataOption = None,
) -> None:
    """Forget brands and their logos."""
    with open_shop(context, data) as shop:
        for name in names:
            shop.brands.remove(name)
            typer.echo(f"{name} is forgotten.", err=True)


@contextmanager
def _learning() -> Iterator[Progress]:
    """A bar for the examples that are learnt."""
    from shopsight.cli.progress import staged_progress

    with staged_progress() as progress:
        yield lambda done, total: progress("Learning logos", done, total)


def _print_report(report: BrandReport, *, json_output: bool) -> None:
    if json_output:
        print_json(
            {
                "brands": report.brands,
                "examples": report.examples,
                "problems": list(report.problems),
            }
        )
    else:
        typer.echo(f"{report.brands:,} new brands, {report.examples:,} new examples.", err=True)
        for problem in report.problems:
            typer.echo(f"Left out: {problem}", err=True)
    if report.problems and not report.brands and not report.examples:
        raise typer.Exit(1)
