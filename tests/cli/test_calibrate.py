from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.testing.shops import SmallShop


@pytest.fixture(autouse=True)
def without_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects on photos do not matter here; the exact store is ready soonest."""
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    monkeypatch.setenv("SHOPSIGHT_STORE", "exact")


@pytest.fixture
def feed(tmp_path: Path) -> SmallShop:
    """Twelve products with a picture each."""
    return SmallShop(tmp_path / "feed", 12)


def test_a_shop_is_calibrated_without_labels(shopsight, feed: SmallShop) -> None:
    """The figures of how well it went are printed, and as JSON the whole calibration."""
    shopsight("index", feed.feed)
    outcome = shopsight("calibrate")
    assert outcome.code == 0
    assert "Calibrated on 36 made-up and 0 labelled photos" in outcome.out
    for what in ("expected calibration error", "absent things noticed", "present things rejected"):
        assert what in outcome.out
    found = shopsight("calibrate", "--json").json
    assert (found["products"], found["samples"]["photos"]) == (12, 0)
    assert 0 <= found["reliability"]["error"] <= 1


def test_confidence_follows(shopsight, feed: SmallShop) -> None:
    """A search has no confidence before, and one after, also in the table."""
    shopsight("index", feed.feed)
    photo = feed.folder / "p3.png"
    assert shopsight("search", photo, "--json").json["hits"][0]["confidence"] is None
    assert shopsight("calibrate").code == 0
    hit = shopsight("search", photo, "--json").json["hits"][0]
    assert (hit["product"]["id"], hit["match"]) == ("p3", "same_item")
    assert f"same item {hit['confidence']:.0%}" in shopsight("search", photo).out


def test_labels_are_used(shopsight, feed: SmallShop) -> None:
    """Labelled photos are counted, of products and of other things, with paths as in the file."""
    shopsight("index", feed.feed)
    feed.draw("strange.png", seed=99)
    labels = feed.folder / "labels.csv"
    labels.write_text("photo,product_id\np1.png,p1\np2.png,p2\nstrange.png,\n")
    samples = shopsight("calibrate", "--labels", labels, "--json").json["samples"]
    assert (samples["photos"], samples["absent_photos"]) == (2, 1)
    assert "and 3 labelled photos" in shopsight("calibrate", "--labels", labels).out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "labels.csv"),
        ("product_id\np1\n", "photo"),
        ("photo,name\np1.png,Ann\n", "product_id"),
        ("photo,product_id\n", "no photo"),
    ],
)
def test_bad_lists_are_refused(
    shopsight, feed: SmallShop, content: str | None, message: str
) -> None:
    """A list that is missing, empty, or lacks a column ends with a message, not with figures."""
    shopsight("index", feed.feed)
    labels = feed.folder / "labels.csv"
    if content is not None:
        labels.write_text(content)
    outcome = shopsight("calibrate", "--labels", labels)
    assert (outcome.code, outcome.out) == (1, "")
    assert message in outcome.err
    assert "Traceback" not in outcome.err


def test_too_few_products_are_said(shopsight, tmp_path: Path) -> None:
    """Where nothing can be told, that is what is said, with an exit code that shows it."""
    shopsight("index", SmallShop(tmp_path / "feed", 3).feed)
    outcome = shopsight("calibrate", "--json")
    assert (outcome.code, outcome.out) == (1, "")
    assert "too few products" in outcome.err


def test_there_must_be_an_index(shopsight) -> None:
    """Before anything is indexed the command says what to do first."""
    outcome = shopsight("calibrate")
    assert (outcome.code, "index" in outcome.err) == (1, True)
