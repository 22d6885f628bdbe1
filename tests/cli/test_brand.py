from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text is not read: these are tests of the commands."""
    monkeypatch.setenv("SHOPSIGHT_OCR", "off")


@pytest.fixture
def boxes(tmp_path: Path, sample_shop: Path) -> Path:
    """A photo with a box, and a row with a box that reaches out of its photo."""
    with Image.open(sample_shop / "photos" / "MUG001_a.jpg") as photo:
        photo.save(tmp_path / "mug.jpg")
    path = tmp_path / "boxes.csv"
    path.write_text(
        "photo,brand,x1,y1,x2,y2\nmug.jpg,Kavoa,0.2,0.2,0.7,0.7\nmug.jpg,Kavoa,0.2,0.2,1.7,0.7\n",
        "utf-8",
    )
    return path


def test_add_list_and_remove(shopsight: Run, sample_shop: Path) -> None:
    """A brand is added with its logo, merged when it comes again, listed, and forgotten."""
    logo = sample_shop / "logos" / "Kavoa.png"
    added = shopsight(
        "brand", "add", "Kavoa", "--logo", logo, "--website", "https://kavoa.example", "--json"
    )
    assert added.json == {"brands": 1, "examples": 1, "problems": []}
    again = shopsight("brand", "add", "KAVOA", "--alias", "Kavoa Home")
    assert again.code == 0
    assert "was known already" in again.err
    assert shopsight("brand", "list", "--json").json == [
        {
            "name": "KAVOA",
            "aliases": ["Kavoa Home"],
            "website": "https://kavoa.example",
            "examples": 1,
        }
    ]
    assert "https://kavoa.example" in shopsight("brand", "list").out
    clash = shopsight("brand", "add", "Bramlo", "--alias", "kavoa-home")
    assert clash.code == 1
    assert "'KAVOA'" in clash.err
    assert shopsight("brand", "remove", "kavoa").code == 0
    assert shopsight("brand", "list", "--json").json == []
    gone = shopsight("brand", "remove", "kavoa")
    assert gone.code == 1
    assert "no brand 'kavoa'" in gone.err


def test_import_reports_rows(shopsight: Run, tmp_path: Path) -> None:
    """Rows that cannot be used are told on standard error, and fail the command only if all do."""
    path = tmp_path / "brands.csv"
    path.write_text("name,logo\nKavoa,none.png\n,\n", "utf-8")
    done = shopsight("brand", "import", path)
    assert done.code == 0
    assert "1 new brands" in done.err
    assert "brands.csv:2" in done.err
    assert "brands.csv:3" in done.err
    path.write_text("name\n \n", "utf-8")
    assert shopsight("brand", "import", path).code == 1


def test_teaches_from_boxes_and_recognises(
    shopsight: Run, boxes: Path, tmp_path: Path, sample_shop: Path
) -> None:
    """One command teaches and answers, a line for each photo, in order, with columns kept."""
    photos = tmp_path / "photos.csv"
    photos.write_text("photo,shelf\nmug.jpg,A\nmissing.jpg,B\n", "utf-8")
    out = tmp_path / "results.jsonl"
    done = shopsight("brand", photos, "--gallery", boxes, "--out", out)
    assert done.code == 0
    assert "1 new brands, 1 new examples" in done.err
    assert "boxes.csv:3" in done.err
    first, second = (json.loads(line) for line in out.read_text("utf-8").splitlines())
    assert (first["photo"], first["shelf"], first["answer"]) == ("mug.jpg", "A", "Kavoa")
    assert first["evidence"][0]["kind"] == "logo"
    assert set(first["evidence"][0]["box"]) == {"x1", "y1", "x2", "y2"}
    assert (second["photo"], second["answer"]) == ("missing.jpg", None)
    assert "error" in second
    listed = shopsight("brand", "--gallery", boxes, "--json")
    assert listed.json["examples"] == 0
    table = shopsight("brand", sample_shop / "photos" / "MUG001_a.jpg")
    assert "Kavoa" in table.out


def test_nothing_to_do_is_a_wrong_use(shopsight: Run) -> None:
    """Options without photos and without a gallery are no request."""
    assert shopsight("brand", "--quick").code == 2
    assert shopsight("brand", "no-such-photo.jpg").code == 1
