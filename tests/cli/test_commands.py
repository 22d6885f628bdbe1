from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shopsight import __version__
from shopsight.testing.shops import ShapesShop, SmallShop

Run = Callable[..., object]


def test_help_names_every_command(shopsight) -> None:
    """Help lists all commands, and is shown when none is given."""
    outcome = shopsight("--help")
    commands = ("demo", "index", "reindex", "feed", "search", "match", "evaluate", "serve", "keys")
    assert outcome.code == 0
    assert all(command in outcome.out for command in commands)
    assert shopsight("--version").out == f"shopsight {__version__}\n"


def test_help_loads_nothing_heavy() -> None:
    """Asking for help imports no model runtime, vector store, or web server."""
    script = (
        "import sys; sys.argv = ['shopsight', '--help']\n"
        "from shopsight.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'onnxruntime', 'lancedb', 'pyarrow', 'fastapi', 'sqlalchemy'}\n"
        "sys.exit(str(sorted(heavy & set(sys.modules))) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_index_search_and_again(shopsight, small_shop: SmallShop) -> None:
    """A feed is indexed, a photo finds its product, and a second run has nothing to do."""
    assert shopsight("index", small_shop.feed, "--json").json["images_encoded"] == 8
    found = shopsight("search", small_shop.folder / "p3.png", "--limit", 3, "--json").json
    assert found["hits"][0]["product"]["id"] == "p3"
    assert len(found["hits"]) == 3
    assert found["timings_ms"]["total"] > 0
    assert shopsight("index", small_shop.feed, "--json").json["images_unchanged"] == 8


def test_tables_are_for_people(shopsight, small_shop: SmallShop) -> None:
    """Without --json figures and hits come as tables with titles, prices and scores."""
    assert "products created" in shopsight("index", small_shop.feed).out
    table = shopsight("search", small_shop.folder / "p3.png", "--filter", "price < 5").out
    assert "Product 3" in table
    assert "4.00 EUR" in table
    assert "Product 7" not in table


def test_data_folder_before_or_after_the_command(
    shopsight, small_shop: SmallShop, tmp_path: Path
) -> None:
    """The data folder may be named before the command or after it."""
    assert shopsight("--data", tmp_path / "one", "index", small_shop.feed).code == 0
    assert shopsight("index", small_shop.feed, "--data", tmp_path / "two").code == 0
    assert (tmp_path / "one" / "catalog.sqlite").exists()
    assert (tmp_path / "two" / "catalog.sqlite").exists()


def test_columns_can_be_mapped(shopsight, small_shop: SmallShop) -> None:
    """Columns with names of their own are named with --map; a malformed one is a usage error."""
    text = small_shop.feed.read_text().replace("title", "Bezeichnung", 1)
    small_shop.feed.write_text(text)
    assert (
        shopsight("index", small_shop.feed, "--map", "title=Bezeichnung", "--json").json[
            "rows_read"
        ]
        == 8
    )
    assert shopsight("index", small_shop.feed, "--map", "nonsense").code == 2


def test_problems_are_pointed_to(shopsight, small_shop: SmallShop) -> None:
    """When pictures were left out the command says where the list of reasons is."""
    (small_shop.folder / "p1.png").unlink()
    outcome = shopsight("index", small_shop.feed)
    assert outcome.code == 0
    assert ".csv" in outcome.err


def test_match_writes_a_line_per_photo(shopsight, small_shop: SmallShop, tmp_path: Path) -> None:
    """Each photo of a list gives one JSON line, in order, with its columns; bad ones an error."""
    shopsight("index", small_shop.feed)
    (small_shop.folder / "bad.jpg").write_text("no picture")
    photos = small_shop.folder / "photos.csv"
    photos.write_text("photo,who\np3.png,Ann\nbad.jpg,Bob\np5.png,Cy\n")
    out = tmp_path / "results.jsonl"
    outcome = shopsight("match", photos, "--out", out, "--limit", 2)
    assert (outcome.code, "2 of 3 photos answered" in outcome.err) == (0, True)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(line["photo"], line["who"]) for line in lines] == [
        ("p3.png", "Ann"),
        ("bad.jpg", "Bob"),
        ("p5.png", "Cy"),
    ]
    assert [len(line["hits"]) for line in lines] == [2, 0, 2]
    assert lines[0]["hits"][0].keys() == {"product_id", "score", "confidence", "match"}
    assert lines[2]["hits"][0]["product_id"] == "p5"
    assert "bad.jpg" in lines[1]["error"]


def test_match_of_a_folder_without_success_fails(
    shopsight, small_shop: SmallShop, tmp_path: Path
) -> None:
    """When no photo at all could be used the exit code says so."""
    shopsight("index", small_shop.feed)
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "bad.jpg").write_text("no picture")
    assert shopsight("match", folder, "--out", tmp_path / "r.jsonl").code == 1


def test_photos_are_searched_with_a_focus(
    shopsight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Search, match and evaluate take a focus; without a colour part they end with a message."""
    monkeypatch.setenv("SHOPSIGHT_ENCODER", "two-part")
    shop = ShapesShop(tmp_path / "feed")
    photo = shop.draw("circle", "red", side=48)
    shopsight("index", shop.feed)
    found = shopsight("search", photo, "--focus", "color", "--limit", 3, "--json").json
    assert all(hit["product"]["id"].startswith("red") for hit in found["hits"])
    out = tmp_path / "answers.jsonl"
    assert shopsight("match", photo, "--out", out, "--focus", "shape", "--limit", 3).code == 0
    hits = json.loads(out.read_text())["hits"]
    assert all(hit["product_id"].endswith("circle") for hit in hits)
    photos = shop.folder / "photos.csv"
    photos.write_text(f"photo,product_id\n{photo.name},red-bar\n")
    ranks = {
        focus: shopsight("evaluate", photos, "--focus", focus, "--json").json["mrr"]
        for focus in ("shape", "color")
    }
    # One of three reds at least, but behind the three circles: 1/3 (rounded) against 1/4 at most.
    assert ranks["color"] > 0.3 > ranks["shape"]
    assert shopsight("search", photo, "--focus", "size").code == 2
    monkeypatch.setenv("SHOPSIGHT_ENCODER", "thumbnail")
    shopsight("reindex")
    for command in (["search", photo], ["evaluate", photos]):
        outcome = shopsight(*command, "--focus", "color")
        assert (outcome.code, "no part for it" in outcome.err) == (1, True)


def test_evaluate_prints_figures(shopsight, small_shop: SmallShop) -> None:
    """Evaluation on the catalogue's own pictures is perfect, as table and as JSON."""
    shopsight("index", small_shop.feed)
    photos = small_shop.folder / "photos.csv"
    photos.write_text(
        "photo,product_id,kind\n"
        + "".join(f"p{n}.png,p{n},{'odd' if n % 2 else 'even'}\n" for n in range(8))
        + "p0.png,,none\np1.png,gone,odd\n"
    )
    perfect = shopsight("evaluate", photos, "--only", "kind=even", "--json").json
    assert (perfect["photos"], perfect["recall@1"], perfect["map"]) == (4, 1, 1)
    table = shopsight("evaluate", photos)
    assert "recall@10" in table.out
    assert "nDCG@10" in table.out
    assert "1 rows without a product" in table.err
    assert "1 products of the list are not in the index" in table.err


def test_reindex_and_doctor(shopsight, small_shop: SmallShop) -> None:
    """The doctor finds a fresh folder wanting and an indexed one well; re-indexing encodes all."""
    assert shopsight("doctor").code == 1
    shopsight("index", small_shop.feed)
    assert shopsight("reindex", "--json").json["images_encoded"] == 8
    findings = shopsight("doctor", "--json").json
    assert [finding["ok"] for finding in findings] == [True] * len(findings)
    assert "8 products" in next(f["detail"] for f in findings if f["what"] == "index")
    assert "doctor" in shopsight("doctor").out


def test_feed_check_changes_nothing(shopsight, small_shop: SmallShop, tmp_path: Path) -> None:
    """Checking a feed says what is in it, without making a data folder."""
    small_shop.rows[2]["title"] = ""
    small_shop.write()
    summary = shopsight("feed", "check", small_shop.feed, "--json").json
    assert summary["products"] == 7
    assert "title" in shopsight("feed", "check", small_shop.feed).out
    assert not (tmp_path / "data").exists()
    empty = tmp_path / "empty.csv"
    empty.write_text("id,title,image_link\n")
    assert shopsight("feed", "check", empty).code == 1


def test_keys_come_and_go(shopsight) -> None:
    """A key's secret is printed once, listed never, and the key can be revoked."""
    made = shopsight("keys", "create", "ci", "--json").json
    assert made["secret"].startswith("ss_")
    listed = shopsight("keys", "list")
    assert "ci" in listed.out
    assert made["secret"] not in listed.out
    assert shopsight("keys", "revoke", made["id"]).code == 0
    assert shopsight("keys", "list", "--json").json == []
    assert shopsight("keys", "revoke", made["id"]).code == 1
    assert shopsight("keys", "create", "x", "--scope", "root").code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "nope.jpg"], 1, "nope.jpg"),
        (["index", "nope.csv"], 1, "nope.csv"),
        (["search"], 2, "PHOTO"),
        (["nonsense"], 2, "nonsense"),
        (["evaluate", "nope.csv"], 1, "nope.csv"),
    ],
)
def test_mistakes_end_with_a_message(
    shopsight, arguments: list[str], code: int, message: str
) -> None:
    """Mistakes give a message and the documented exit code, never a traceback."""
    outcome = shopsight(*arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_bad_setting_names_its_variable(shopsight, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting out of range is reported with the name of its environment variable."""
    monkeypatch.setenv("SHOPSIGHT_PORT", "99999999")
    outcome = shopsight("doctor")
    assert outcome.code == 1
    assert "SHOPSIGHT_PORT" in outcome.err


def test_demo_answers_three_photos(shopsight, tmp_path: Path) -> None:
    """The demo indexes the sample shop in a folder of its own and prints three answers."""
    outcome = shopsight("demo", "--once")
    assert outcome.code == 0, outcome.err
    assert "149 products" in outcome.out
    assert outcome.out.count("Photo ") == 3
    assert (tmp_path / "data" / "demo" / "catalog.sqlite").exists()
