"""What to learn from: labelled photos, what shoppers clicked, and catalogue pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from shopsight.catalog.feeds import read_feed
from shopsight.catalog.product import Product
from shopsight.errors import FeedError
from shopsight.photo_lists import PHOTO_SUFFIXES, read_table

LABEL_COLUMNS = ("label", "product_id", "id")
"""Columns that may hold the label, in the order in which they are looked for."""

EVENT_WEIGHTS = {"product_click": 1, "add_to_cart": 3, "purchase": 10}
"""How much an event says that the product was what the photo shows. Other events say nothing."""

_PICTURE = "picture of "


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture to learn from.

    Attributes:
        path: Its file.
        label: Pictures with the same label belong together.
        group: Photos of one group are never on both sides of a split; the file by default.
        named: Whether the label is one that people gave, which the category head learns.
        catalogue: Whether it is a product's picture from the feed.
    """

    path: Path
    label: str
    group: str
    named: bool = True
    catalogue: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A row or picture that is left out.

    Attributes:
        where: File, and row where there is one.
        reason: What is wrong, for people.
    """

    where: str
    reason: str


@dataclass(slots=True)
class Gathered:
    """Photos, and what could not be used."""

    photos: list[Photo] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, other: Gathered) -> None:
        """Append another's photos and problems."""
        self.photos += other.photos
        self.problems += other.problems


def gather_photos(source: Path, *, label_column: str = "", group_column: str = "") -> Gathered:
    """Labelled photos of a folder or a CSV file.

    Args:
        source: A folder with one folder per label; a CSV file with a column ``photo`` (paths
            relative to the file) and labels; or a CSV file of events, with the columns ``photo``,
            ``product_id`` and ``event``: a photo then gets the product that shoppers chose for it.
        label_column: Column of the labels; empty: the first of :data:`LABEL_COLUMNS`.
        group_column: Column of what never stands on both sides of a split, such as the sender.

    Raises:
        FeedError: The source does not exist, lacks a column, or holds no labelled photo.
    """
    if source.is_dir():
        found = _from_folder(source)
    elif source.is_file():
        found = _from_table(source, label_column, group_column)
    else:
        raise FeedError(f"{source} does not exist.")
    if not found.photos:
        first = "".join(f" ({one.where}: {one.reason})" for one in found.problems[:1])
        raise FeedError(
            f"There is no labelled photo in {source}{first}. It must be "
            "a folder with one folder per label, or a CSV file with the columns 'photo' and 'label'"
        )
    return found


def gather_catalogue(feed: Path, labels: frozenset[str]) -> Gathered:
    """Pictures of a feed that are files of this machine.

    A picture of a product whose id is a label of the photos gets that label. Any other is a class
    of its own: views of it belong together.

    Args:
        feed: The feed; links are relative to it.
        labels: Labels of the photos.

    Raises:
        FeedError: The feed cannot be read.
    """
    found = Gathered()
    elsewhere = 0
    for item in read_feed(feed):
        if not isinstance(item, Product):
            if item.severity == "error":
                found.problems.append(Problem(str(feed), str(item)))
            continue
        for link in item.image_links:
            if "://" in link:
                elsewhere += 1
                continue
            path = feed.parent / link
            if not path.is_file():
                found.problems.append(Problem(str(feed), f"{path} does not exist"))
            else:
                known = item.id in labels
                label, group = item.id if known else f"{_PICTURE}{link}", f"product {item.id}"
                found.photos.append(Photo(path, label, group, named=known, catalogue=True))
    if elsewhere:
        reason = f"{elsewhere} pictures are links to the web, not files: copy them beside the feed"
        found.problems.append(Problem(str(feed), reason))
    return found


def _from_folder(folder: Path) -> Gathered:
    found = Gathered()
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PHOTO_SUFFIXES or not path.is_file():
            continue
        inner = path.relative_to(folder)
        if len(inner.parts) == 1:
            reason = "it is in no folder of a label: move it to LABEL/"
            found.problems.append(Problem(str(path), reason))
        else:
            found.photos.append(Photo(path, inner.parts[0], str(inner)))
    return found


def _from_table(table: Path, label_column: str, group_column: str) -> Gathered:
    rows = read_table(table, required=["photo", *filter(None, (label_column, group_column))])
    columns = rows[0].keys() if rows else ()
    if "event" in columns:
        rows, found = _chosen(table, rows)
        label_column = "product_id"
    else:
        found = Gathered()
    label_column = label_column or next((c for c in LABEL_COLUMNS if c in columns), "")
    if rows and not label_column:
        raise FeedError(
            f"{table} has none of the columns {', '.join(LABEL_COLUMNS)}: name the column of the "
            "labels with --label-column"
        )
    for number, row in enumerate(rows, start=1):
        where, photo = f"{table}, row {number}", row["photo"].strip()
        label = row[label_column].strip()
        path = table.parent / photo
        if not photo or not label:
            missing = "photo" if not photo else label_column
            found.problems.append(Problem(where, f"the column {missing!r} is empty"))
        elif not path.is_file():
            found.problems.append(Problem(where, f"{path} does not exist"))
        else:
            group = row[group_column].strip() if group_column else ""
            found.photos.append(Photo(path, label, f"group {group}" if group else str(path)))
    return found


def _chosen(table: Path, rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], Gathered]:
    """The product chosen most for each photo, by the events' weights."""
    found = Gathered()
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[str, dict[str, str]] = {}
    if "product_id" not in rows[0]:
        raise FeedError(f"{table} has no column 'product_id': it must name what shoppers chose.")
    for row in rows:
        photo, product = row["photo"].strip(), row["product_id"].strip()
        weight = EVENT_WEIGHTS.get(row["event"].strip(), 0)
        if photo and product and weight:
            votes[photo][product] += weight
            first.setdefault(photo, row)
    kept = []
    for photo, counted in votes.items():
        best = counted.most_common(2)
        if len(best) > 1 and best[0][1] == best[1][1]:
            reason = f"{photo}: {best[0][0]} and {best[1][0]} were chosen equally often"
            found.problems.append(Problem(str(table), reason))
        else:
            kept.append(first[photo] | {"photo": photo, "product_id": best[0][0]})
    return kept, found
