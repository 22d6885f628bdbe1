"""Lists of photos: a file, a folder, or a CSV file with a ``photo`` column."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shopsight.errors import FeedError
from shopsight.images.boxes import Box

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".gif", ".tif", ".tiff"}
)
"""Endings by which photos are found in a folder. Inside a CSV file any name will do."""


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """One photo of a list.

    Attributes:
        path: Where it is.
        photo: As given: the file's path, or the cell of the CSV file.
        columns: Other columns of the CSV file, carried through.
    """

    path: Path
    photo: str
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo and the products that would be right answers.

    Attributes:
        photo: Where it is.
        product_ids: The right products; empty for a photo of something the shop does not sell.
        box: The part of it that shows them; ``None``: all of it.
    """

    photo: Path
    product_ids: frozenset[str]
    box: Box | None = None


@dataclass(slots=True)
class PhotoList:
    """Labelled photos of a CSV file.

    Attributes:
        photos: One entry per photo (per box, where boxes were asked for), with all its right
            products.
        unlabelled: Rows that name no product.
        absent: The photos of those rows, as far as no other row names a product on them.
    """

    photos: list[LabelledPhoto] = field(default_factory=list)
    unlabelled: int = 0
    absent: list[LabelledPhoto] = field(default_factory=list)


Only = Mapping[str, str | Collection[str]]
"""Column -> the value, or the values, of the rows that are used."""


def read_photo_list(
    path: Path, *, only: Only | None = None, boxes: bool = False, margin: float = 0.0
) -> PhotoList:
    """Read a CSV file with the columns ``photo`` and ``product_id`` (or ``id``).

    Photos are relative to the file. Several rows of one photo name several right products.

    Args:
        path: The file.
        only: Column -> value or values; other rows are left out.
        boxes: Whether each row stands for itself, with the part of the photo in its columns
            ``x1``, ``y1``, ``x2``, ``y2``; rows with the same photo and box belong together.
        margin: Added around boxes: see :meth:`.boxes.Box.grown`.

    Raises:
        FeedError: The file cannot be read, lacks a column, or has a box that is none.
    """
    right: dict[tuple[str, Box | None], set[str]] = {}
    found = PhotoList()
    required = ["photo", *(Box._fields if boxes else ())]
    for number, row in used_rows(path, only=only, required=required):
        if "product_id" not in row and "id" not in row:
            raise FeedError(
                f"{path} has no column 'product_id': it must name the right product of each photo."
            )
        product_id = row.get("product_id", row.get("id", "")).strip()
        box = read_box(row, f"{path}:{number}").grown(margin) if boxes else None
        right.setdefault((row["photo"], box), set()).update({product_id} if product_id else ())
        found.unlabelled += not product_id
    for (photo, box), ids in right.items():
        entry = LabelledPhoto(path.parent / photo, frozenset(ids), box)
        (found.photos if ids else found.absent).append(entry)
    return found


def used_rows(
    path: Path, *, only: Only | None = None, required: Sequence[str] = ("photo",)
) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file that have certain values, with their numbers (the first is 2).

    Args:
        path: The file.
        only: Column -> value or values; other rows are left out.
        required: Columns it must have, besides those.

    Raises:
        FeedError: The file cannot be read, or lacks a column.
    """
    wanted = {
        column: {values} if isinstance(values, str) else set(values)
        for column, values in (only or {}).items()
    }
    rows = read_table(path, required=[*required, *wanted])
    return [
        (number, row)
        for number, row in enumerate(rows, start=2)
        if all(row[column] in values for column, values in wanted.items())
    ]


def read_box(row: Mapping[str, str], place: str) -> Box:
    """The box of a row.

    Args:
        row: With the cells ``x1``, ``y1``, ``x2``, ``y2``.
        place: Names the row in messages.

    Raises:
        FeedError: It has none, or one that is empty or reaches out of the picture.
    """
    cells = [row[side] for side in Box._fields]
    try:
        box = Box(*map(float, cells))
    except ValueError as error:
        raise FeedError(
            f"{place} has no box: x1, y1, x2, y2 are {', '.join(map(repr, cells))}. Give numbers "
            "from 0 to 1, or leave such rows out with --only."
        ) from error
    if not (0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1):
        raise FeedError(
            f"{place} has a box that is empty or reaches out of the picture: "
            "0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1 must hold, as fractions of the picture."
        )
    return box


def read_table(path: Path, *, required: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a small CSV file with a header; missing cells are empty.

    Raises:
        FeedError: It cannot be read, is no UTF-8, or lacks a required column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            rows = [{key: value for key, value in row.items() if key is not None} for row in reader]
            columns = reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from error
    for column in required:
        if column not in columns:
            raise FeedError(
                f"{path} has no column {column!r}; it has: {', '.join(columns) or 'none'}."
            )
    return rows


def photo_rows(photos: Path) -> list[PhotoRow]:
    """Photos to work on, in order.

    Args:
        photos: A photo, a folder (searched with its subfolders), or a CSV file.

    Raises:
        FeedError: It does not exist, holds no photo, or is a CSV file without a ``photo`` column.
    """
    if photos.is_dir():
        files = sorted(
            path
            for path in photos.rglob("*")
            if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()
        )
        rows = [PhotoRow(path, str(path)) for path in files]
    elif photos.suffix.lower() == ".csv":
        table = read_table(photos, required=["photo"])
        rows = [
            PhotoRow(
                photos.parent / row["photo"],
                row["photo"],
                {name: value for name, value in row.items() if name != "photo"},
            )
            for row in table
        ]
    elif photos.exists():
        rows = [PhotoRow(photos, str(photos))]
    else:
        raise FeedError(f"{photos} does not exist.")
    if not rows:
        raise FeedError(f"There is no photo in {photos}.")
    return rows
