from __future__ import annotations

import csv
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from shopsight.testing.shops import COLORS, SHAPES, ShapesShop

Run = Callable[..., Any]


@pytest.fixture
def colors(shopsight: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShapesShop:
    """An indexed shop of shapes, whose category says which shape it is, in every colour."""
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    monkeypatch.setenv("SHOPSIGHT_ENCODER", "two-part")
    shop = ShapesShop(tmp_path / "shapes")
    with shop.feed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image_link", "product_type"])
        for shape in SHAPES:
            for color in COLORS:
                for side in (56, 60, 64):
                    name = shop.draw(shape, color, side=side).name
                    row = [f"{color}-{shape}-{side}", "x", name, f"Shapes > {shape}"]
                    writer.writerow(row)
    assert shopsight("index", shop.feed).code == 0
    return shop


def test_photos_are_classified(shopsight: Run, colors: ShapesShop, tmp_path: Path) -> None:
    """A line per photo has the path and carries columns through; a damaged photo has an error."""
    good = colors.draw("bar", "green", side=58)
    (tmp_path / "bad.jpg").write_text("no picture")
    photos = tmp_path / "photos.csv"
    photos.write_text(f"photo,note\n{good},mine\nbad.jpg,\n")
    out = tmp_path / "results.jsonl"
    assert shopsight("classify", photos, "--out", out).code == 0
    first, second = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    assert first["answer"] == "Shapes > bar"
    assert first["note"] == "mine"
    assert first["confidence"] >= 0.6
    assert [one["kind"] for one in first["evidence"]][-1] == "presence"
    assert second["answer"] is None
    assert "bad.jpg" in second["error"]
    assert "Shapes > bar" in shopsight("classify", good).out


def test_fill_proposes_for_a_feed(shopsight: Run, colors: ShapesShop, tmp_path: Path) -> None:
    """Proposals are printed or written; the feed may not be the output."""
    name = colors.draw("pole", "red", side=58).name
    feed = colors.folder / "more.csv"
    feed.write_text(f"id,title,image_link,product_type\nn1,new,{name},\nn2,gone,none.png,\n")
    before = feed.read_bytes()
    done = shopsight("classify", "--fill", feed)
    assert done.code == 0
    rows = {row["id"]: row for row in csv.DictReader(StringIO(done.out))}
    assert rows["n1"]["proposed_category"] == "Shapes > pole"
    assert float(rows["n1"]["probability"]) >= 0.6
    assert "none.png" in rows["n2"]["error"]
    assert "1 categories proposed" in done.err
    assert shopsight("classify", "--fill", feed, "--out", tmp_path / "p.csv").code == 0
    assert (tmp_path / "p.csv").read_text().startswith("id,proposed_category,probability")
    assert shopsight("classify", "--fill", feed, "--out", feed).code == 2
    assert feed.read_bytes() == before
    assert shopsight("classify").code == 2


def test_evaluation_through_the_catalogue(
    shopsight: Run, colors: ShapesShop, tmp_path: Path
) -> None:
    """Labels come from the products; the report is a page; nothing is right where none is named."""
    rows = []
    for shape in SHAPES:
        name = colors.draw(shape, "red", side=58).name
        rows.append(f"{colors.folder / name},red-{shape}-56")
    rows.append(f"{colors.draw('circle', 'blue', side=10)},")
    photos = tmp_path / "photos.csv"
    photos.write_text("\n".join(["photo,product_id", *rows]) + "\n")
    page = tmp_path / "report.html"
    found = shopsight("evaluate", photos, "--task", "classify", "--json", "--report", page).json
    assert found["accuracy"]["value"] == 1
    assert found["photos"] == 3
    assert found["absent"] == 1
    assert "false answers" in found
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    table = shopsight("evaluate", photos, "--task", "classify")
    assert "coverage at 95 %" in table.out


@pytest.mark.usefixtures("calibrating")
def test_products_are_measured_alike(shopsight: Run, colors: ShapesShop, tmp_path: Path) -> None:
    """The same figures are printed of products, and the report shows their pictures."""
    photos = tmp_path / "photos.csv"
    rows = [f"{colors.folder / f'{color}-bar-56.png'},{color}-bar-56" for color in COLORS]
    rows.append(f"{colors.folder / 'red-bar-56.png'},gone")
    photos.write_text("\n".join(["photo,id", *rows]) + "\n")
    page = tmp_path / "report.html"
    found = shopsight("evaluate", photos, "--task", "recognize", "--json", "--report", page).json
    assert found["photos"] == 3
    assert found["accuracy"]["value"] == 1
    assert 0 <= found["answered"]["value"] <= 1
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_evaluation_with_a_gallery(shopsight: Run, colors: ShapesShop, tmp_path: Path) -> None:
    """Learnt from labelled photos of other groups alone, from one and the same list."""
    rows = []
    for place, color in enumerate(COLORS):
        rows += [
            f"{colors.draw(shape, color, side=side)},{shape},{place}"
            for shape in SHAPES
            for side in (50, 54, 58)
        ]
    photos = tmp_path / "photos.csv"
    photos.write_text("\n".join(["photo,label,sender", *rows]) + "\n")
    gallery = ("--gallery", photos, "--label-column", "label", "--group-column", "sender")
    found = shopsight(
        "evaluate", photos, "--task", "classify", *gallery, "--only", "sender=0", "--json"
    ).json
    assert found["accuracy"]["value"] == 1
    assert found["photos"] == 9
    assert "Learnt from 18 photos" in found["notes"][0]
    assert shopsight("evaluate", photos, "--gallery", photos).code == 2
    assert shopsight("evaluate", "--task", "classify", "--same", "brand").code == 2
