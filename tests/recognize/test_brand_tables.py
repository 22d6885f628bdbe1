from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.errors import FeedError
from shopsight.recognize.brand_tables import read_boxes, read_brands


def test_reads_the_sample_shop(sample_shop: Path) -> None:
    """Each row of the sample shop's file is a brand with a website and a logo that exists."""
    table = read_brands(sample_shop / "brands.csv")
    assert not table.problems
    assert len(table.rows) == 12
    for row in table.rows:
        assert row.brand.website.startswith("https://")
        assert all(logo.is_file() for logo in row.logos)


def test_several_logos_and_aliases(tmp_path: Path) -> None:
    """Cells hold several values; columns that lack are empty."""
    path = tmp_path / "brands.csv"
    path.write_text("name,aliases,logos\nKavoa,KV | Kavoa Home,a.png; b.png\nBramlo,,\n", "utf-8")
    first, second = read_brands(path).rows
    assert first.brand.aliases == ("KV", "Kavoa Home")
    assert first.logos == (tmp_path / "a.png", tmp_path / "b.png")
    assert second.brand.names == ("Bramlo",)
    assert not second.logos


def test_bad_brands_are_reported_by_row(tmp_path: Path) -> None:
    """A row without a name, or with no address as website, is named and stops nothing."""
    path = tmp_path / "brands.csv"
    path.write_text("name,website\n,\nKavoa,kavoa\nBramlo,https://bramlo.example\n", "utf-8")
    table = read_brands(path)
    assert [row.brand.name for row in table.rows] == ["Bramlo"]
    assert ":2: name" in table.problems[0]
    assert ":3: website 'kavoa'" in table.problems[1]


def test_bad_boxes_are_reported_by_row(tmp_path: Path) -> None:
    """Boxes out of the picture, reversed or without numbers, and rows of no brand, are named."""
    path = tmp_path / "boxes.csv"
    path.write_text(
        "photo,brand,x1,y1,x2,y2\n"
        "a.jpg,Kavoa,0.1,0.1,0.5,0.5\n"
        "a.jpg,Kavoa,0.1,0.1,1.5,0.5\n"
        "a.jpg,Kavoa,0.5,0.1,0.1,0.5\n"
        "a.jpg,Kavoa,,,,\n"
        "a.jpg, ,0.1,0.1,0.5,0.5\n",
        "utf-8",
    )
    table = read_boxes(path)
    assert [(row.photo, row.brand) for row in table.rows] == [(tmp_path / "a.jpg", "Kavoa")]
    assert len(table.problems) == 4
    for number, problem in enumerate(table.problems, start=3):
        assert f"boxes.csv:{number}" in problem


def test_missing_columns_are_named(tmp_path: Path) -> None:
    """A file of another kind is an error that says what it lacks."""
    path = tmp_path / "boxes.csv"
    path.write_text("photo,brand\na.jpg,Kavoa\n", "utf-8")
    with pytest.raises(FeedError, match="'x1'"):
        read_boxes(path)
    with pytest.raises(FeedError, match="'name'"):
        read_brands(path)
