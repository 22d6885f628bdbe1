"""What an ingest run did, and the list of what it had to leave out."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Literal, Protocol, Self

from shopsight.catalog.product import RowError
from shopsight.errors import StorageError


@dataclass(slots=True)
class IngestCounters:
    """Figures of a running ingest. Rows are rows of the feed; images are pictures of products."""

    rows_read: int = 0
    rows_skipped: int = 0
    warnings: int = 0
    products_created: int = 0
    products_updated: int = 0
    products_unchanged: int = 0
    products_removed: int = 0
    images_encoded: int = 0
    images_unchanged: int = 0
    images_failed: int = 0
    images_read: int = 0


class Progress(Protocol):
    """Told now and then how an ingest is getting on."""

    def update(self, counters: IngestCounters) -> None:
        """Take note. Called often, from the thread that runs the ingest; must return fast."""
        ...


class Silent:
    """A progress that says nothing."""

    def update(self, counters: IngestCounters) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Outcome of an ingest.

    Attributes:
        run_id: Its key.
        counters: Final figures.
        seconds: How long it took.
        cancelled: It was asked to stop; what it had done is kept, and the next run goes on from
            there.
        problems: CSV file of rows and images left out; ``None`` when there were none.
    """

    run_id: str
    counters: IngestCounters
    seconds: float
    cancelled: bool = False
    problems: Path | None = None

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "run_id": self.run_id,
            **asdict(self.counters),
            "seconds": round(self.seconds, 3),
            "cancelled": self.cancelled,
            "problems": str(self.problems) if self.problems else None,
        }


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """What became of one item of a batch.

    Attributes:
        id: Product id, as given.
        status: Outcome. A product whose picture fails is ``failed`` but kept in the catalogue.
        error: Why it failed.
    """

    id: str
    status: Literal["created", "updated", "unchanged", "deleted", "not_found", "failed"]
    error: str | None = None


@dataclass(slots=True)
class ProblemList:
    """Writes problems to a CSV file as they turn up; the file is made with the first one.

    Attributes:
        path: Where the file goes.
        image_errors: Product id -> what was wrong with its first failed picture, kept if
            ``remember`` is set.
    """

    path: Path
    remember: bool = False
    image_errors: dict[str, str] = field(default_factory=dict)
    _file: TextIOWrapper | None = None

    HEADER = ("source", "line", "product_id", "field", "link", "severity", "reason")

    def row(self, problem: RowError) -> None:
        """Note a problem of a feed row."""
        line = "" if problem.line is None else str(problem.line)
        self._write(
            problem.source,
            line,
            problem.product_id,
            problem.field,
            "",
            problem.severity,
            problem.reason,
        )

    def image(self, product_id: str, link: str, reason: str) -> None:
        """Note a picture that cannot be used."""
        if self.remember:
            self.image_errors.setdefault(product_id, reason)
        self._write("", "", product_id, "image_link", link, "error", reason)

    @property
    def written(self) -> Path | None:
        """The file, once there is one."""
        return self.path if self._file is not None else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, *cells: str) -> None:
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("w", newline="", encoding="utf-8")
                csv.writer(self._file).writerow(self.HEADER)
            csv.writer(self._file).writerow([_defused(cell) for cell in cells])
        except OSError as error:
            raise StorageError(
                f"The report {self.path} cannot be written: {error.strerror}"
            ) from error


def _defused(cell: str) -> str:
    # A spreadsheet runs cells that begin like a formula; feeds come from strangers.
    return f"'{cell}" if cell.startswith(("=", "+", "@", "\t", "\r")) else cell
