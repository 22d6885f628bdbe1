from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shopsight import plugins
from shopsight.errors import SettingsError

BUILT_IN = [(kind, name) for kind, targets in plugins.BUILT_IN.items() for name in targets]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that brings one store, named ``shelf``."""
    (tmp_path / "shelf_store.py").write_text("class ShelfStore:\n    pass\n")
    information = tmp_path / "shelf_store-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shelf-store\nVersion: 1.0\n"
    )
    (information / "entry_points.txt").write_text(
        "[shopsight.stores]\nshelf = shelf_store:ShelfStore\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(("kind", "name"), BUILT_IN)
def test_every_built_in_name_leads_somewhere(kind: str, name: str) -> None:
    """Each import string of the table can be imported."""
    assert callable(plugins.load(kind, name))


@pytest.mark.usefixtures("plugin")
def test_installed_packages_add_names() -> None:
    """An entry point of another package is listed after the built-in names, and loaded."""
    assert plugins.names("stores") == [*plugins.BUILT_IN["stores"], "shelf"]
    assert plugins.load("stores", "shelf").__name__ == "ShelfStore"


def test_unknown_name_lists_the_known_ones() -> None:
    """A wrong name is refused with the names that would do."""
    with pytest.raises(SettingsError, match=r"'lanse' is not one of the stores here: lance, exact"):
        plugins.load("stores", "lanse")


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import shopsight", ["numpy", "pydantic"]),
        ("import shopsight.cli.app", ["numpy", "pydantic", "lancedb", "fastapi"]),
        ("from shopsight.plugins import load; load('stores', 'exact')", ["lancedb", "onnxruntime"]),
        ("from shopsight.plugins import load; load('feeds', 'google')", ["lancedb", "numpy"]),
    ],
)
def test_only_what_is_chosen_is_imported(statement: str, unwanted: list[str]) -> None:
    """Starting up, or choosing one implementation, imports no heavy libraries of others."""
    report = f"{statement}; import sys; print([m for m in {unwanted} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
