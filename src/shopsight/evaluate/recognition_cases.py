"""Reads what photos show from a CSV file: a product, a category or a brand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shopsight.errors import FeedError
from shopsight.evaluate.recognition import Case
from shopsight.photo_lists import Only, used_rows

PRODUCT_COLUMNS = ("product_id", "id")
"""Columns that name a photo's product."""

OfProducts = Callable[[Sequence[str]], Mapping[str, str]]
"""Ids of products -> what they are; empty: nothing, such as no brand. Those of which it is not
known are left out."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How photos are labelled.

    Attributes:
        column: Column that holds the right answer; an empty cell: there is none.
        of_products: Used where a file has no such column but names products.
        spelled: A label as the recogniser spells it.
    """

    column: str
    of_products: OfProducts | None = None
    spelled: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class CaseList:
    """The labelled photos of a file.

    Attributes:
        cases: One per photo, in the order of the file.
        left_out: Photos whose product is unknown, or of which it is not known what it is.
    """

    cases: list[Case] = field(default_factory=list)
    left_out: int = 0

    @property
    def notes(self) -> list[str]:
        """What a reader must know, in words."""
        if not self.left_out:
            return []
        unknown = (
            f"{self.left_out} photos were left out: the catalogue does not say what they show."
        )
        return [unknown]


def read_cases(
    path: Path, labels: Labels, *, only: Only | None = None, group_column: str | None = None
) -> CaseList:
    """Read labelled photos.

    Several rows of one photo name several right answers. A photo all of whose labels are empty has
    no right answer.

    Args:
        path: A CSV file with a column ``photo``; photos are relative to it.
        labels: Where the labels are.
        only: Column -> value or values; other rows are left out.
        group_column: Photos with one value, such as those of one sender, are one cluster; without
            it, those with one label are.

    Raises:
        FeedError: The file cannot be read, lacks a column, or has no photo.
    """
    rows = used_rows(path, only=only, required=["photo", *([group_column] if group_column else [])])
    if not rows:
        raise FeedError(f"{path} has no photo{' with these values' if only else ''}.")
    column = _column(rows[0][1], labels, path)
    products = labels.column not in PRODUCT_COLUMNS and column in PRODUCT_COLUMNS
    given: dict[str, set[str]] = {}
    groups: dict[str, str] = {}
    for _, row in rows:
        value = row[column].strip()
        given.setdefault(row["photo"], set()).update({value} if value else ())
        groups.setdefault(row["photo"], row[group_column].strip() if group_column else "")
    known: Mapping[str, str] = {}
    if products and labels.of_products is not None:
        known = labels.of_products(sorted(set().union(*given.values())))
    found: list[Case] = []
    left_out = 0
    for photo, values in given.items():
        right = {known[key] for key in values if key in known} if products else values
        if values and not right:
            left_out += 1
            continue
        answers = frozenset(labels.spelled(value) for value in right if value)
        cluster = groups[photo] or min(values, default="")
        found.append(Case(path.parent / photo, answers, cluster))
    return CaseList(found, left_out)


def _column(row: Mapping[str, str], labels: Labels, path: Path) -> str:
    columns = [labels.column, *(PRODUCT_COLUMNS if labels.of_products is not None else ())]
    if labels.column in PRODUCT_COLUMNS:
        columns += PRODUCT_COLUMNS
    found: str | None = next((name for name in columns if name in row), None)
    if found is None:
        raise FeedError(
            f"{path} has no column {' or '.join(map(repr, dict.fromkeys(columns)))}: it must say "
            f"what each photo shows. It has: {', '.join(row)}."
        )
    return found
