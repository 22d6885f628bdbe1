"""Reads brands, and boxes around their logos, from CSV files; a bad row stops nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from shopsight.catalog.brands import Brand
from shopsight.errors import FeedError
from shopsight.images.boxes import Box
from shopsight.photo_lists import read_box, read_table

_SEPARATORS = re.compile(r"[|;]")


@dataclass(frozen=True, slots=True)
class BrandRow:
    """A brand of a file.

    Attributes:
        place: Names the row in messages.
        brand: The brand.
        logos: Files of its logos.
    """

    place: str
    brand: Brand
    logos: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class BoxedExample:
    """A photo with a box around a logo.

    Attributes:
        place: Names the row in messages.
        photo: Its file.
        brand: Name of the brand.
        box: Where its logo is.
    """

    place: str
    photo: Path
    brand: str
    box: Box


@dataclass(slots=True)
class BrandTable:
    """The brands of a file.

    Attributes:
        rows: Those that can be used.
        problems: Of those that cannot, what is wrong with them.
    """

    rows: list[BrandRow] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class BoxTable:
    """The boxed examples of a file.

    Attributes:
        rows: Those that can be used.
        problems: Of those that cannot, what is wrong with them.
    """

    rows: list[BoxedExample] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_brands(path: Path) -> BrandTable:
    """Read brands from a CSV file.

    Columns: ``name``; and, if wanted, ``aliases`` and ``logo`` (or ``logos``), several with ``;``
    or ``|`` between, and ``website``. Logos are files relative to the file.

    Raises:
        FeedError: The file cannot be read, or has no column ``name``.
    """
    found = BrandTable()
    for number, row in enumerate(read_table(path, required=["name"]), start=2):
        place = f"{path}:{number}"
        try:
            brand = Brand(
                name=row["name"],
                aliases=_several(row.get("aliases", "")),
                website=row.get("website", ""),
            )
        except ValidationError as error:
            found.problems.append(f"{place}: {told(error)}")
            continue
        logos = _several(row.get("logos", "")) + _several(row.get("logo", ""))
        found.rows.append(BrandRow(place, brand, tuple(path.parent / logo for logo in logos)))
    return found


def read_boxes(path: Path) -> BoxTable:
    """Read photos with boxes around logos from a CSV file.

    Columns: ``photo`` (relative to the file), ``brand``, and ``x1``, ``y1``, ``x2``, ``y2`` as
    fractions of the upright photo.

    Raises:
        FeedError: The file cannot be read, or lacks a column.
    """
    found = BoxTable()
    rows = read_table(path, required=["photo", "brand", *Box._fields])
    for number, row in enumerate(rows, start=2):
        place = f"{path}:{number}"
        name = row["brand"].strip()
        if not name:
            found.problems.append(f"{place} names no brand.")
            continue
        try:
            box = read_box(row, place)
        except FeedError as error:
            found.problems.append(str(error))
            continue
        found.rows.append(BoxedExample(place, path.parent / row["photo"], name, box))
    return found


def told(error: ValidationError) -> str:
    """What is wrong with a brand, in words."""
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "brand"
    if name == "website":
        return f"website {first['input']!r} is no address: begin it with https:// or http://"
    return f"{name}: {first['msg']}"


def _several(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _SEPARATORS.split(cell) if part.strip())
