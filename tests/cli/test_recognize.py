from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from shopsight.testing.shops import SmallShop


@pytest.fixture
def shop(shopsight, small_shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    """The small shop, indexed, without a detector."""
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    monkeypatch.setenv("SHOPSIGHT_STORE", "exact")
    monkeypatch.setenv("SHOPSIGHT_CALIBRATE", "false")
    monkeypatch.setenv("SHOPSIGHT_OCR", "off")
    assert shopsight("index", small_shop.feed).code == 0
    return small_shop


def test_a_table_names_products(shopsight, shop: SmallShop) -> None:
    """On the terminal, each photo has a row with the product, its title, and why."""
    done = shopsight("recognize", shop.folder / "p1.png", shop.folder / "p2.png", "--no-ocr")
    assert done.code == 0
    assert "p1 Product 1, 2.00 EUR" in done.out
    assert "looks most like" in done.out


def test_lists_become_lines(shopsight, shop: SmallShop, tmp_path: Path) -> None:
    """A CSV file gives one JSON line a photo: as given, other columns kept, broken ones named."""
    Image.new("RGB", (8, 8)).save(shop.folder / "tiny.png")
    photos = shop.folder / "photos.csv"
    with photos.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["photo", "sender"], ["p3.png", "ann"], ["tiny.png", "bob"]])
    out = tmp_path / "results.jsonl"
    done = shopsight("recognize", photos, "--no-ocr", "--out", out)
    assert done.code == 0
    assert "1 of 2 photos could be used" in done.err
    good, bad = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    assert (good["photo"], good["sender"], good["answer"]) == ("p3.png", "ann", "p3")
    assert {"confidence", "alternatives", "evidence"} <= set(good)
    assert (bad["photo"], bad["sender"], bad["answer"]) == ("tiny.png", "bob", None)
    assert "8 x 8 pixels" in bad["error"]


def test_json_is_one_list(shopsight, shop: SmallShop) -> None:
    """A folder gives a list of answers in the order of the files."""
    found = shopsight("recognize", shop.folder, "--no-ocr", "--json").json
    assert [Path(line["photo"]).name for line in found] == [f"p{n}.png" for n in range(8)]
    assert found[0]["evidence"][0]["kind"] == "visual"


def test_only_broken_photos_fail(shopsight, shop: SmallShop, tmp_path: Path) -> None:
    """If no photo can be used, the command fails; so it does when there is none."""
    (tmp_path / "note.jpg").write_text("no picture")
    assert shopsight("recognize", tmp_path / "note.jpg", "--no-ocr").code == 1
    missing = shopsight("recognize", shop.folder / "gone.jpg", "--no-ocr")
    assert missing.code == 1
    assert "does not exist" in missing.err


def test_recognition_is_measured(shopsight, shop: SmallShop) -> None:
    """Labelled photos give accuracy and how well what is not sold is told apart."""
    photos = shop.folder / "labelled.csv"
    shop.draw("other.png", seed=99)
    with photos.open("w", newline="", encoding="utf-8") as file:
        rows = [["photo", "id"], *([f"p{n}.png", f"p{n}"] for n in range(4)), ["other.png", ""]]
        csv.writer(file).writerows(rows)
    found = shopsight("evaluate", photos, "--task", "recognize", "--json").json
    assert (found["photos"], found["absent"], found["accuracy"]["value"]) == (4, 1, 1.0)
