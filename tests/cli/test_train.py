from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.skipif(find_spec("torch") is not None, reason="the extra 'train' is installed")
def test_missing_extra_is_named(shopsight: Callable[..., Any], tmp_path: Path) -> None:
    """Without torch the command says what to install."""
    done = shopsight("train", tmp_path, "--out", tmp_path / "out")
    assert done.code == 1
    assert "shopsight[train]" in done.err


def test_out_is_needed(shopsight: Callable[..., Any], tmp_path: Path) -> None:
    """Without a place for the result it is a usage error."""
    assert shopsight("train", tmp_path).code == 2
