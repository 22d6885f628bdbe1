from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.testing.shops import SmallShop


@pytest.fixture
def photos(shopsight, small_shop: SmallShop) -> Path:
    """The indexed shop's own pictures as photos, with a box, labels, and one that is not sold."""
    shopsight("index", small_shop.feed)
    path = small_shop.folder / "photos.csv"
    rows = [f"p{n}.png,p{n},main,{n % 2},{n // 2},0,0,1,1" for n in range(8)]
    small_shop.draw("other.png", seed=99)
    rows.append("other.png,,none,9,9,0,0,0.5,0.5")
    path.write_text("\n".join(["photo,product_id,role,label,sender,x1,y1,x2,y2", *rows]) + "\n")
    return path


def test_encoders_side_by_side(shopsight, photos: Path, tmp_path: Path) -> None:
    """Encoders are compared in a table and a report, though the index is of one of them only."""
    page = tmp_path / "report.html"
    done = shopsight("evaluate", photos, "--encoders", "thumbnail, two-part", "--report", page)
    assert done.code == 0
    for word in ("thumbnail", "two-part", "recall@10", "Against thumbnail", "p-value", "1.000"):
        assert word in done.out
    assert str(page) in done.err
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_comparison_for_programs(shopsight, photos: Path) -> None:
    """With --json the figures, intervals and tests are one document."""
    found = shopsight(
        "evaluate", photos, "--encoders", "two-part,thumbnail", "--only", "role=main", "--json"
    ).json
    assert [one["name"] for one in found["encoders"]] == ["two-part", "thumbnail"]
    assert found["encoders"][1]["figures"]["recall@1"] == {"value": 1, "low": 1, "high": 1}
    assert found["encoders"][0]["no_match_auroc"] is None
    assert {test["figure"] for test in found["tests"]} == {"recall@1", "mrr", "map"}


def test_only_takes_several_values(shopsight, photos: Path) -> None:
    """Values of one column add up, so that photos of what is not sold can be had back."""
    only = ("--only", "role=main", "--only", "role=none")
    found = shopsight("evaluate", photos, "--encoders", "thumbnail", *only, "--json").json
    assert found["encoders"][0]["no_match_auroc"]["value"] == 1


def test_boxes(shopsight, photos: Path) -> None:
    """Photos are cut to their boxes by both kinds of measurement; a full box changes nothing."""
    main = ("--only", "role=main", "--crop", "box", "--json")
    assert shopsight("evaluate", photos, *main).json["recall@1"] == 1
    both = shopsight("evaluate", photos, *main, "--encoders", "thumbnail").json
    assert both["encoders"][0]["figures"]["recall@1"]["value"] == 1
    text = photos.read_text()
    photos.write_text(text.replace("0,0,1,1", "0.3,0.3,0.5,0.5"))
    cut = shopsight("evaluate", photos, *main).json
    assert cut["recall@1"] < 1
    same = shopsight("evaluate", photos, *main, "--encoders", "thumbnail").json["encoders"][0]
    assert same["figures"]["mrr"]["value"] == pytest.approx(cut["mrr"], abs=1e-4)
    wider = shopsight("evaluate", photos, *main, "--crop-margin", "1").json
    assert wider["mrr"] != cut["mrr"]


def test_labels_need_no_index(shopsight, small_shop: SmallShop, tmp_path: Path) -> None:
    """Labels across groups are measured without a shop, for any encoder."""
    path = small_shop.folder / "labels.csv"
    path.write_text("photo,kind,who\n" + "".join(f"p{n}.png,{n % 2},{n // 2}\n" for n in range(8)))
    done = shopsight(
        "evaluate",
        "--labels",
        path,
        "--label-column",
        "kind",
        "--group-column",
        "who",
        "--encoders",
        "thumbnail,two-part",
        "--json",
    )
    assert done.json["encoders"][0]["figures"].keys() == {"accuracy", "map"}
    assert (done.json["queries"], done.json["clusters"]) == (8, 4)
    assert not (tmp_path / "data").exists()


def test_products_that_go_together(shopsight, small_shop: SmallShop) -> None:
    """The catalogue alone is measured by a field, with the encoder of the settings."""
    shopsight("index", small_shop.feed)
    found = shopsight("evaluate", "--same", "color", "--json").json
    assert [one["name"] for one in found["encoders"]] == ["thumbnail"]
    assert found["encoders"][0]["figures"].keys() == {"hit@1", "hit@5", "map"}


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ([], 2, "give one of"),
        (["PHOTOS", "--same", "color"], 2, "give one of"),
        (["PHOTOS", "--only", "role"], 2, "COLUMN=VALUE"),
        (["PHOTOS", "--encoders", "nope"], 1, "'nope' is not one of the encoders"),
        (["PHOTOS", "--encoders", "lite,lite"], 1, "twice"),
        (["PHOTOS", "--encoders", "thumbnail", "--focus", "color"], 1, "focus"),
        (["PHOTOS", "--encoders", "thumbnail", "--only", "role=no"], 1, "no photo with a product"),
        (["PHOTOS", "--crop", "circle"], 2, "circle"),
        (["--same", "brand"], 1, "No product has a 'brand'"),
        (["--labels", "PHOTOS", "--label-column", "no"], 1, "no column 'no'"),
        (["--labels", "gone.csv"], 1, "gone.csv"),
    ],
)
def test_mistakes_end_with_a_message(
    shopsight, photos: Path, options: list[str], code: int, message: str
) -> None:
    """What cannot be measured is told with the documented exit code, never a traceback."""
    done = shopsight("evaluate", *(str(photos) if one == "PHOTOS" else one for one in options))
    assert done.code == code
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_no_index_says_what_to_run(shopsight, small_shop: SmallShop) -> None:
    """Comparing by photos needs a catalogue, and the command that makes it is named."""
    path = small_shop.folder / "photos.csv"
    path.write_text("photo,id\np0.png,p0\n")
    done = shopsight("evaluate", path, "--encoders", "thumbnail")
    assert (done.code, "shopsight index" in done.err) == (1, True)
