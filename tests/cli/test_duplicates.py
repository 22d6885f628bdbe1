from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from shopsight.testing.shops import SmallShop

Run = Callable[..., Any]


@pytest.fixture
def doubled(small_shop: SmallShop, monkeypatch: pytest.MonkeyPatch) -> SmallShop:
    """The small shop, with p1 listed again as p6, and a smaller copy of p2 as p7."""
    monkeypatch.setenv("SHOPSIGHT_DETECTOR", "none")
    monkeypatch.setenv("SHOPSIGHT_CALIBRATE", "false")
    folder = small_shop.folder
    shutil.copy(folder / "p1.png", folder / "p6.png")
    with Image.open(folder / "p2.png") as picture:
        picture.resize((80, 80), Image.Resampling.BICUBIC).save(folder / "p7.png")
    return small_shop


def test_duplicates_are_listed(shopsight: Run, doubled: SmallShop) -> None:
    """The table names products that share a picture or nearly; JSON says the same."""
    assert shopsight("index", doubled.feed).code == 0
    table = shopsight("duplicates")
    assert table.code == 0
    assert "p1 p6" in table.out
    assert "p2 p7" in table.out
    assert "same picture" in table.out
    found = shopsight("duplicates", "--json").json
    assert found["total"] == 2
    assert [group["product_ids"] for group in found["groups"]] == [["p1", "p6"], ["p2", "p7"]]
    assert [group["why"] for group in found["groups"]] == ["same_picture", "near_identical"]
    assert found["groups"][0]["score"] == 1


def test_duplicates_are_limited(shopsight: Run, doubled: SmallShop) -> None:
    """A limit shortens the list and says how many there are; a threshold of 1 wants equal files."""
    assert shopsight("index", doubled.feed).code == 0
    short = shopsight("duplicates", "--limit", 1)
    assert "p2 p7" not in short.out
    assert "1 more" in short.err
    found = shopsight("duplicates", "--json", "--limit", 1).json
    assert (len(found["groups"]), found["total"]) == (1, 2)
    assert shopsight("duplicates", "--json", "--threshold", 1).json["total"] == 1


def test_no_duplicates(shopsight: Run, small_shop: SmallShop) -> None:
    """A shop without duplicates is told so; a threshold that makes no sense is an error."""
    assert shopsight("index", small_shop.feed).code == 0
    assert "No product shares" in shopsight("duplicates").out
    refused = shopsight("duplicates", "--threshold", 2)
    assert refused.code != 0
    assert "threshold" in refused.err
    assert "Traceback" not in refused.err


def test_nothing_is_indexed(shopsight: Run) -> None:
    """Before anything is indexed the command says what to do."""
    outcome = shopsight("duplicates")
    assert outcome.code == 1
    assert "shopsight index" in outcome.err
