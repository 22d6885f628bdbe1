"""The command that trains encoders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from shopsight.cli.common import INTERRUPTED, JsonOption, print_table, settings_of

if TYPE_CHECKING:
    from shopsight.train.options import TrainOptions
    from shopsight.train.report import Summary


PhotosArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A folder with one folder per label, or a CSV file with the columns 'photo' and "
        "'label' (or 'product_id'); with a column 'event', what shoppers chose for a photo.",
        metavar="[PHOTOS]",
    ),
]
OutOption = Annotated[Path, typer.Option(help="The encoder folder to make.")]
ModeOption = Annotated[
    Literal["head", "full"],
    typer.Option(help="head: minutes, the network stays; full: the network learns too."),
]
EncoderOption = Annotated[str, typer.Option(help="What to start from: lite, or an encoder folder.")]
CatalogOption = Annotated[
    Path | None, typer.Option(help="A feed whose local pictures are learnt from too.")
]
ValOption = Annotated[Path | None, typer.Option(help="Validation photos, in the form of PHOTOS.")]
ValShareOption = Annotated[
    float, typer.Option(min=0.02, max=0.5, help="Share of the photos that is set aside.")
]
LabelColumnOption = Annotated[str, typer.Option(help="Column of the labels.")]
GroupColumnOption = Annotated[
    str, typer.Option(help="Column of what must not be split, such as the sender.")
]
EpochsOption = Annotated[int, typer.Option(min=0, help="At most; 0: the mode's default.")]
MinutesOption = Annotated[
    float, typer.Option(min=0, help="For everything; 0: 5 for head, 45 for full.")
]
SideOption = Annotated[
    int, typer.Option(min=64, max=512, help="Pixels of the training views in mode full.")
]
RateOption = Annotated[
    float, typer.Option(min=0, help="Peak learning rate of the network in mode full.")
]
BlendOption = Annotated[
    float, typer.Option(min=0, max=1, help="Below 1: keep a share of the start's weights.")
]
SeedOption = Annotated[int, typer.Option(min=0, help="Of all chance.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on where a killed training stopped.")
]


def train(
    context: typer.Context,
    photos: PhotosArgument = None,
    *,
    out: OutOption,
    mode: ModeOption = "head",
    encoder: EncoderOption = "lite",
    catalog: CatalogOption = None,
    val: ValOption = None,
    val_share: ValShareOption = 0.2,
    label_column: LabelColumnOption = "",
    group_column: GroupColumnOption = "",
    epochs: EpochsOption = 0,
    minutes: MinutesOption = 0,
    side: SideOption = 192,
    rate: RateOption = 3e-4,
    blend: BlendOption = 1.0,
    seed: SeedOption = 0,
    resume: ResumeOption = False,
    json_output: JsonOption = False,
) -> None:
    """Train an encoder on the shop's own pictures (needs the extra 'train')."""
    from shopsight.train.start import require_extra

    settings = settings_of(context)
    require_extra()
    from shopsight.train.options import TrainOptions

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
    _train(options, json_output=json_output)


def _train(options: TrainOptions, *, json_output: bool) -> None:
    from shopsight.cli.progress import staged_progress
    from shopsight.train.run import train as run

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
        print_summary(options.out, summary)


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
