from __future__ import annotations

import json
import shutil

from shopsight.encoders.folder import write_folder
from shopsight.encoders.known import find
from shopsight.encoders.obtain import folder_of
from shopsight.encoders.specs import LITE, MODELS


def test_encoders_are_listed(shopsight, tmp_path, monkeypatch):
    """Installed, cached and published encoders appear once each, with what is known about them."""
    monkeypatch.setenv("SHOPSIGHT_ENCODER_CACHE", str(tmp_path))
    known = find("dinov2-small")
    assert known is not None
    facts = LITE.model_copy(update={"name": known.name})
    write_folder(folder_of(known, tmp_path), facts, MODELS / LITE.file, "# copied\n")
    rows = {row["name"]: row for row in shopsight("encoders", "--json").json}
    assert rows["lite"]["state"] == "installed"
    assert rows["lite"]["dimension"] == LITE.dimension
    assert rows["dinov2-small"]["state"] == "in the cache"
    assert rows["siglip2-base"]["state"] == "not here yet"
    assert rows["siglip2-base"]["text"]
    assert rows["siglip2-base"]["languages"] == ["multi"]
    assert all(row["pictures_per_s"] is None for row in rows.values())
    table = shopsight("encoders").out
    assert "Apache-2.0" in table
    assert "pictures/s" not in table


def test_speed_is_measured(shopsight, tmp_path, monkeypatch):
    """Encoders that are here are run; one that cannot be run says why, the others go on."""
    monkeypatch.setenv("SHOPSIGHT_ENCODER_CACHE", str(tmp_path / "cache"))
    folder, bare = tmp_path / "mine", tmp_path / "bare.onnx"
    write_folder(folder, LITE.model_copy(update={"name": "mine"}), MODELS / LITE.file, "# mine\n")
    shutil.copy(MODELS / LITE.file, bare)
    outcome = shopsight("encoders", "--measure", "--json", folder, bare)
    rows = {row["name"]: row for row in json.loads(outcome.out)}
    assert rows["lite"]["pictures_per_s"] > 0
    assert rows[str(folder)]["pictures_per_s"] > 0
    assert rows["siglip2-base"]["pictures_per_s"] is None
    assert "bare.json" in rows[str(bare)]["error"]


def test_encoder_is_an_option(shopsight, small_shop, tmp_path):
    """A folder given with ``--encoder`` indexes and searches; without it the index is refused."""
    folder = tmp_path / "mine"
    write_folder(folder, LITE.model_copy(update={"name": "mine"}), MODELS / LITE.file, "# mine\n")
    assert shopsight("--encoder", folder, "index", small_shop.feed).code == 0
    photo = small_shop.folder / "p3.png"
    found = shopsight("--encoder", folder, "search", photo, "--json")
    assert found.code == 0
    assert "p3" in found.out
    refused = shopsight("search", photo)
    assert refused.code == 1
    assert "'mine'" in refused.err
