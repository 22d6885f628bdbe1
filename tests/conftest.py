from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shopsight.sample_shop import ROOT

# How long an example takes says something of the machine, not of the code. In continuous
# integration examples are the same in every run: no change is refused for what an earlier one did.
settings.register_profile(
    "any machine",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")


LONGEST = ("test_docs.py", "ingest/test_durability.py", "benchmarks/test_peers.py")
"""Files that take half a minute and more: first, so that no process does one alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; nothing else changes its place."""

    def turn(item: pytest.Item) -> int:
        path = item.path.as_posix()
        return next((at for at, one in enumerate(LONGEST) if path.endswith(one)), len(LONGEST))

    items.sort(key=turn)


@pytest.fixture(scope="session")
def sample_shop() -> Path:
    """The packaged sample shop: catalog.csv, images/, photos.csv, photos/."""
    return ROOT


@pytest.fixture(scope="session")
def uncounted() -> dict[str, str]:
    """The environment, for processes whose coverage is not counted: they take half the time."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
