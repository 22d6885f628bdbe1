from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shopsight.catalog.product import RowError
from shopsight.errors import StorageError
from shopsight.ingest.report import ProblemList


def test_no_problem_no_file(tmp_path: Path) -> None:
    """A run without problems leaves no file behind."""
    with ProblemList(tmp_path / "reports" / "p.csv") as problems:
        assert problems.written is None
    assert not (tmp_path / "reports").exists()


def test_problems_can_be_read_back(tmp_path: Path) -> None:
    """Rows and pictures are listed with all that is needed to find and mend them."""
    with ProblemList(tmp_path / "p.csv") as problems:
        problems.row(RowError(source="f.csv", line=3, product_id="x", field="price", reason="bad"))
        problems.image("y", "https://shop.example/y.jpg", "404")
    with (tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert (first["line"], first["field"], first["reason"]) == ("3", "price", "bad")
    assert (second["product_id"], second["link"]) == ("y", "https://shop.example/y.jpg")


def test_cells_cannot_act_as_formulas(tmp_path: Path) -> None:
    """A value from a feed that begins like a formula is defused before a spreadsheet sees it."""
    with ProblemList(tmp_path / "p.csv") as problems:
        problems.image("=HYPERLINK(1)", "@x", "+1")
    line = (tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()[1]
    assert "'=HYPERLINK(1)" in line
    assert "'@x" in line


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A report that cannot be written is a storage error that names the file."""
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(StorageError, match=r"p\.csv"),
        ProblemList(tmp_path / "file" / "p.csv") as p,
    ):
        p.image("a", "b", "c")
