"""Lists of photos: a file, a folder, or a CSV file with a ``photo`` column."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shopsight.errors import FeedError

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
    """A photo and the products that would be right answers."""

    photo: Path
    product_ids: frozenset[str]


@dataclass(slots=True)
class PhotoList:
    """Labelled photos of a CSV file.

    Attributes:
        photos: One entry per photo, with all its right products.
        unlabelled: Rows that name no product.
    """

    photos: list[LabelledPhoto] = field(default_factory=list)
    unlabelled: int = 0


def read_photo_list(path: Path, *, only: Mapping[str, str] | None = None) -> PhotoList:
    """Read a CSV file with the columns ``photo`` and ``product_id`` (or ``id``).

    Photos are relative to the file. Several rows of one photo name several right products.

    Args:
        path: The file.
        only: Column -> value; other rows are left out.

    Raises:
        FeedError: The file cannot be read, or lacks a column.
    """
    right: dict[str, set[str]] = {}
    found = PhotoList()
    for row in read_table(path, required=["photo", *(only or {})]):
        if any(row[column] != value for column, value in (only or {}).items()):
            continue
        if "product_id" not in row and "id" not in row:
            raise FeedError(
                f"{path} has no column 'product_id': it must name the right product of each photo."
            )
        product_id = row.get("product_id", row.get("id", "")).strip()
        if product_id:
            right.setdefault(row["photo"], set()).add(product_id)
        else:
            found.unlabelled += 1
    found.photos = [
        LabelledPhoto(path.parent / photo, frozenset(ids)) for photo, ids in right.items()
    ]
    return found


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
