from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shopsight.cli import main
from shopsight.testing.shops import SmallShop


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


@pytest.fixture
def small_shop(tmp_path: Path) -> SmallShop:
    """Eight products with a picture each."""
    return SmallShop(tmp_path / "feed", 8)


@pytest.fixture
def shopsight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Runs a command in this process, with the small encoder and a data folder of its own.

    Indexing does not calibrate, which takes most of its time: `calibrating` has it do so.
    """
    monkeypatch.setenv("SHOPSIGHT_ENCODER", "thumbnail")
    monkeypatch.setenv("SHOPSIGHT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SHOPSIGHT_CALIBRATE", "false")
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["shopsight", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        code = stop.value.code
        return Outcome(
            code if isinstance(code, int) else int(bool(code)), captured.out, captured.err
        )

    return run


@pytest.fixture
def calibrating(
    shopsight: Callable[..., Outcome],  # noqa: ARG001 - it says otherwise, and must not do so later
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Commands that index calibrate too, as they do for users."""
    monkeypatch.setenv("SHOPSIGHT_CALIBRATE", "true")
