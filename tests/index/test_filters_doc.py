from __future__ import annotations

import re
from pathlib import Path

from shopsight.index.filters import parse

PAGE = Path(__file__).parents[2] / "docs" / "filters.md"


def test_every_documented_condition_parses():
    """The conditions in the tables of docs/filters.md are filters as they stand."""
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    conditions = [text for row in rows for text in re.findall(r"`([^`]+)`", row)]
    assert len(conditions) > 15
    for text in conditions:
        parse(text)
