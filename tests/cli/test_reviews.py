from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_reviews_are_imported(shopsight: Run, tmp_path: Path) -> None:
    """Good rows are added, bad ones named on stderr; a second import adds nothing."""
    file = tmp_path / "reviews.csv"
    file.write_text("product_id,rating,review\np1,5,Good\np1,6,Too good\n", encoding="utf-8")
    first = shopsight("reviews", file)
    assert first.code == 0
    assert "1 reviews added" in first.out
    assert f"{file}:3 p1 [rating]" in first.err
    assert shopsight("reviews", file, "--json").json["known"] == 1


def test_a_file_with_bad_rows_only_fails(shopsight: Run, tmp_path: Path) -> None:
    """Where no row can be used, the exit code says so."""
    file = tmp_path / "reviews.csv"
    file.write_text("product_id,rating\np1,6\n", encoding="utf-8")
    assert shopsight("reviews", file).code == 1
