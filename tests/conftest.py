from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.sample_shop import ROOT


@pytest.fixture(scope="session")
def sample_shop() -> Path:
    """The packaged sample shop: catalog.csv, images/, photos.csv, photos/."""
    return ROOT
