from __future__ import annotations

import pytest

from shopsight.errors import QueryError
from shopsight.search.query import Query


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (1, -1), (1001, 0), (500, 501)])
def test_numbers_out_of_range_are_refused(limit: int, offset: int) -> None:
    """A query for nothing, before the start, or too deep is refused with the allowed range."""
    with pytest.raises(QueryError, match="out of range: limit is at least 1"):
        Query((b"x",), limit=limit, offset=offset)


def test_deepest_page_is_allowed() -> None:
    """The last page within the bound is a valid query."""
    assert Query((b"x",), limit=100, offset=900).offset == 900
