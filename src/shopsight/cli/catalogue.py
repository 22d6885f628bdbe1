"""Commands about the catalogue: index, reindex, feed check, doctor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shopsight.cli.common import (
    AllowHostOption,
    DataOption,
    JsonOption,
    open_shop,
    pairs,
    print_json,
    print_table,
    settings_of,
)

if TYPE_CHECKING:
    from shopsight.catalog.feeds import FeedSummary
    from shopsight.ingest.report import IngestReport

feed_app = typer.Typer(help="Look at feeds.", no_args_is_help=True)

FeedArgument = Annotated[
    str, typer.Argument(help="Feed: a file or an http(s) URL.", metavar="FEED")
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format", help="google, shopify, woocommerce, jsonld or table; found out when not given."
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="Our field = the feed's column, such as title=Name. Repeatable.",
        metavar="FIELD=COLUMN",
    ),
]
OcrOption = Annotated[
    bool | None,
    typer.Option(
        "--ocr/--no-ocr", help="Whether to read the words on pictures (SHOPSIGHT_INDEX_OCR)."
    ),
]
CurrencyOption = Annotated[
    str | None, typer.Option(help="Currency of prices that name none, such as EUR.")
]


def index(
    context: typer.Context,
    feed: FeedArgument,
    feed_format: FormatOption = None,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    image_root: Annotated[
        Path | None,
        typer.Option(help="Folder that local pictures must be in; the feed's own when not given."),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Remove products that the feed does not name.")
    ] = False,
    ocr: OcrOption = None,
    allow_host: AllowHostOption = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Bring the products of a feed into the index. Interrupted, it goes on where it was."""
    from shopsight.cli.progress import ingest_progress

    with (
        open_shop(context, data, allow_hosts=allow_host, index_ocr=ocr) as shop,
        ingest_progress() as progress,
    ):
        report = shop.index(
            feed,
            format=feed_format,
            mapping=pairs(mapping or [], "--map"),
            default_currency=currency,
            image_root=image_root,
            sync=sync,
            progress=progress,
        )
    _print_report(report, json_output=json_output)


def reindex(
    context: typer.Context,
    ocr: OcrOption = None,
    allow_host: AllowHostOption = None,
    json_output: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Encode the catalogue anew, with the encoder set now; the old index serves until then."""
    from shopsight.cli.progress import ingest_progress

    with (
        open_shop(context, data, allow_hosts=allow_host, index_ocr=ocr) as shop,
        ingest_progress() as progress,
    ):
        report = shop.reindex(progress=progress)
    _print_report(report, json_output=json_output)


@feed_app.command("check")
def feed_check(
    context: typer.Context,
    feed: Annotated[Path, typer.Argument(help="Feed file.")],
    feed_format: FormatOption = None,
    mapping: MapOption = None,
    currency: CurrencyOption = None,
    json_output: JsonOption = False,
) -> None:
    """Read a feed and say what is in it and what is wrong, without indexing."""
    from shopsight.catalog.feeds import check_feed

    settings_of(context)
    summary = check_feed(
        feed, format=feed_format, mapping=pairs(mapping or [], "--map"), default_currency=currency
    )
    if json_output:
        print_json(summary.model_dump(mode="json"))
    else:
        _print_summary(summary)
    if not summary.products or summary.failure:
        raise typer.Exit(1)


def doctor(
    context: typer.Context, json_output: JsonOption = False, data: DataOption = None
) -> None:
    """Check that everything Shopsight needs is there and works."""
    from shopsight.doctor import examine

    findings = examine(settings_of(context, data))
    if json_output:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [["ok" if f.ok else "FAILED", f.what, f.detail] for f in findings]
        print_table("shopsight doctor", {"": "left", "what": "left", "found": "left"}, rows)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def _print_summary(summary: FeedSummary) -> None:
    about = [summary.format, summary.encoding] if summary.encoding else [summary.format]
    figures = {
        "rows": summary.rows,
        "products": summary.products,
        "errors (rows left out)": summary.errors,
        "warnings": summary.warnings,
        "different pictures": summary.images,
        **{f"prices in {currency}": count for currency, count in summary.currencies.items()},
    }
    columns = {"": "left", "count": "right"}
    print_table(
        f"{summary.source} ({', '.join(about)})",
        columns,
        [[name, f"{count:,}"] for name, count in figures.items()],
    )
    filled = sorted(summary.filled.items(), key=lambda item: -item[1])
    print_table("Fields", {"field": "left", "filled": "right"}, [[n, f"{c:,}"] for n, c in filled])
    for problem in summary.problems:
        typer.echo(f"{problem.severity}: {problem}", err=True)
    more = summary.errors + summary.warnings - len(summary.problems)
    if more > 0:
        typer.echo(f"... and {more:,} more problems.", err=True)
    if summary.failure:
        typer.echo(f"Reading stopped before the end: {summary.failure}", err=True)


def _print_report(report: IngestReport, *, json_output: bool) -> None:
    if json_output:
        print_json(report.as_dict())
        return
    figures = asdict(report.counters)
    rows = [[name.replace("_", " "), f"{value:,}"] for name, value in figures.items()]
    print_table(
        f"Stopped after {report.seconds:.1f} s"
        if report.cancelled
        else f"Done in {report.seconds:.1f} s",
        {"": "left", "count": "right"},
        rows,
    )
    if report.problems:
        typer.echo(f"What was left out and why: {report.problems}", err=True)
