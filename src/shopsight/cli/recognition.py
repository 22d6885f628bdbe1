"""What the commands that recognise things on many photos share."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shopsight.cli.common import print_json, print_table

if TYPE_CHECKING:
    from shopsight.photo_lists import PhotoRow
    from shopsight.recognize.batch import Recognize

PhotosArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Photos, folders of photos, or CSV files with a 'photo' column.", metavar="PHOTOS..."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(help="File for the answers: one JSON object a line.", metavar="FILE"),
]

_EVIDENCE_SHOWN = 2


def rows_of(photos: Sequence[Path]) -> list[PhotoRow]:
    """The photos that a command was given, in order.

    Raises:
        FeedError: One of the places does not exist, or holds no photo.
    """
    from shopsight.photo_lists import photo_rows

    return [row for place in photos for row in photo_rows(place)]


def answer_photos(
    what: str,
    rows: Sequence[PhotoRow],
    recognize: Recognize,
    *,
    out: Path | None,
    json_output: bool,
    title_of: Callable[[str], str] | None = None,
) -> None:
    """Recognise what many photos show, and write it to a file or show it.

    A photo that cannot be used gets an ``error`` and stops nothing.

    Args:
        what: Heading of the column of answers, such as ``brand``.
        rows: The photos.
        recognize: From a photo to what it shows; called from several threads.
        out: File for one JSON object a line, written as the answers come; ``None``: the terminal.
        json_output: Whether the terminal gets one JSON list in place of a table.
        title_of: An answer as people know it, for the table.

    Raises:
        typer.Exit: With code 1, if no photo could be used.
    """
    from shopsight.cli.progress import counted_progress
    from shopsight.recognize.batch import answer_lines

    lines: list[dict[str, Any]] = []
    with (
        out.open("w", encoding="utf-8") if out else nullcontext() as file,
        counted_progress(f"Recognising the {what}", len(rows)) as progress,
    ):
        failed = 0
        for done, line in enumerate(answer_lines(rows, recognize), start=1):
            failed += "error" in line
            if file is None:
                lines.append(line)
            else:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            progress(done)
    if out is not None:
        answered = f"{len(rows) - failed} of {len(rows)} photos"
        typer.echo(f"{answered} could be used; the answers are in {out}.", err=True)
    elif json_output:
        print_json(lines)
    else:
        _print_answers(what, lines, title_of)
    if rows and failed == len(rows):
        raise typer.Exit(1)


def _print_answers(
    what: str, lines: Sequence[Mapping[str, Any]], title_of: Callable[[str], str] | None
) -> None:
    columns = {"photo": "left", what: "left", "confidence": "right", "seen": "left"}
    rows = []
    for line in lines:
        answer = line["answer"]
        said = "unknown" if answer is None else f"{answer} {title_of(answer) if title_of else ''}"
        seen = [f"{one['kind']}: {one['detail']}" for one in line["evidence"][:_EVIDENCE_SHOWN]]
        if "error" in line:
            rows.append([line["photo"], "-", "-", line["error"]])
        else:
            rows.append([line["photo"], said.strip(), f"{line['confidence']:.0%}", "; ".join(seen)])
    print_table(f"{what.capitalize()} of {len(rows)} photos", columns, rows)
