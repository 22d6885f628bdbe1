from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

COMPARE = Path(__file__).parents[2] / "benchmarks" / "peers" / "compare.py"
UNCALIBRATED = {"SHOPSIGHT_CALIBRATE": "false"}  # no figure depends on it
NEEDED = ("torch", "keras", "sklearn", "faiss", "efficientnet_lite_pytorch")


def compare(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Run the comparison on a few pictures and read its figures."""
    command = [sys.executable, str(COMPARE), "--json", "--threads", "1"]
    command += ["--pictures", "12", "--queries", "3", "--seconds", "1", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment | UNCALIBRATED
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def make_grocery(folder: Path, sample_shop: Path) -> None:
    """A folder laid out as the Grocery Store Dataset: two products, one with many photos."""
    mug, other = (sample_shop / "images" / name for name in ("MUG001.jpg", "MUG002.jpg"))
    (folder / "products.csv").write_text(f"id,title,image_link\n0,A,{mug}\n1,B,{other}\n")
    rows = [f"{mug},0,0"] * 60 + [f"{other},1,0"]
    photos = "\n".join(["photo,product_id,category_id", *rows, ""])
    (folder / "photos_train.csv").write_text(photos)
    (folder / "photos_val.csv").write_text(f"photo,product_id,category_id\n{other},1,0\n")


def test_shopsight_is_measured_on_both_galleries(tmp_path, sample_shop, uncounted):
    """Every gallery gets figures, and a photo that is itself in the gallery is found first."""
    make_grocery(tmp_path, sample_shop)
    found = compare(
        uncounted, "--pipelines", "shopsight", "--grocery", str(tmp_path), "--pictures", "61"
    )
    galleries = found["sets"]["grocery"]["shopsight"]["galleries"]
    assert set(galleries) == {"iconic", "training photos"}
    for figures in galleries.values():
        assert figures["recall_1"] == figures["recall_5"] == 1
        assert figures["index_per_s"] > 0
        assert figures["query_ms"] > 0


def test_all_pipelines_are_measured_side_by_side(uncounted):
    """Shopsight and its peers answer the same photos; only the textbook pipeline trains."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs benchmarks/peers/requirements.txt; missing: {', '.join(missing)}")
    outcomes = compare(uncounted)["sets"]["sample shop"]
    assert set(outcomes) == {"shopsight", "imagenet-faiss", "textbook"}
    assert outcomes["textbook"]["training"]["epochs"] >= 1
    assert outcomes["shopsight"]["training"] is outcomes["imagenet-faiss"]["training"] is None
    for outcome in outcomes.values():
        figures = outcome["galleries"]["catalogue"]
        assert 0 <= figures["recall_1"] <= figures["recall_5"] <= 1
