"""The command that trains encoders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from shopsight.cli.common import INTERRUPTED, JsonOption, print_table, settings_of

if TYPE_CHECKING:
    from shopsight.train.report import Summary


def train(
    context: typer.Context,
    photos: Annotated[
        Path | None,
        typer.Argument(
            help="A folder with one folder per label, or a CSV file with the columns 'photo' and "
            "'label' (or 'product_id'); with a column 'event', what shoppers chose for a photo.",
            metavar="[PHOTOS]",
        ),
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="The encoder folder to make.")],
    mode: Annotated[
        Literal["head", "full"],
        typer.Option(help="head: minutes, the network stays; full: the network learns too."),
    ] = "head",
    encoder: Annotated[
        str, typer.Option(help="What to start from: lite, or an encoder folder.")
    ] = "lite",
    catalog: Annotated[
        Path | None, typer.Option(help="A feed whose local pictures are learnt from too.")
    ] = None,
    val: Annotated[
        Path | None, typer.Option(help="Validation photos, in the form of PHOTOS.")
    ] = None,
    val_share: Annotated[
        float, typer.Option(min=0.02, max=0.5, help="Share of the photos that is set aside.")
    ] = 0.2,
    label_column: Annotated[str, typer.Option(help="Column of the labels.")] = "",
    group_column: Annotated[
        str, typer.Option(help="Column of what must not be split, such as the sender.")
    ] = "",
    epochs: Annotated[int, typer.Option(min=0, help="At most; 0: the mode's default.")] = 0,
    minutes: Annotated[
        float, typer.Option(min=0, help="For everything; 0: 5 for head, 45 for full.")
    ] = 0,
    side: Annotated[
        int, typer.Option(min=64, max=512, help="Pixels of the training views in mode full.")
    ] = 192,
    rate: Annotated[
        float, typer.Option(min=0, help="Peak learning rate of the network in mode full.")
    ] = 3e-4,
    blend: Annotated[
        float, typer.Option(min=0, max=1, help="Below 1: keep a share of the start's weights.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a killed training stopped.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Train an encoder on the shop's own pictures (needs the extra 'train')."""
    from shopsight.cli.progress import staged_progress
    from shopsight.train.start import require_extra

    settings = settings_of(context)
    require_extra()
    from shopsight.train.options import TrainOptions
    from shopsight.train.run import train as run

    options = TrainOptions(
        photos=photos,
        out=out,
        mode=mode,
        base=encoder,
        catalogue=catalog,
        validation=val,
        share=val_share,
        label_column=label_column,
        group_column=group_column,
        epochs=epochs,
        minutes=minutes,
        side=side,
        rate=rate,
        blend=blend,
        seed=seed,
        resume=resume,
        threads=settings.threads,
    )
    try:
        with staged_progress() as progress:
            summary = run(options, progress)
    except KeyboardInterrupt:
        typer.echo("Interrupted. The same command with --resume goes on from here.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if not summary.after:  # one of the further processes of torchrun
        return
    if json_output:
        typer.echo(summary.as_json(), nl=False)
    else:
        print_summary(out, summary)


def print_summary(out: Path, summary: Summary) -> None:
    """Print what was reached."""
    print_table(
        f"Trained in {summary.seconds['all'] / 60:.1f} minutes, written to {out}",
        {"figure": "left", "before": "right", "after": "right", "change": "right"},
        [
            [
                name,
                str(summary.before[name]),
                str(after),
                f"{after.value - summary.before[name].value:+.3f}",
            ]
            for name, after in summary.after.items()
        ],
    )
    if summary.problems:
        typer.echo(f"{len(summary.problems)} rows and pictures were left out.", err=True)
    for problem in summary.problems[:5]:
        typer.echo(f"  {problem.where}: {problem.reason}", err=True)
    typer.echo(f"Use it with: SHOPSIGHT_ENCODER={out}", err=True)
