from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsight.catalog.json_values import BadJson, iterate_json
from shopsight.errors import FeedError

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


def values(text: str) -> list[object]:
    """All values of a text."""
    return [value for _, value in iterate_json(io.StringIO(text, newline=""), "feed.json")]


@settings(max_examples=30)
@given(st.lists(st.dictionaries(st.text(), VALUES)), st.sampled_from([None, 2]))
def test_elements_of_an_array_come_one_by_one(items, indent):
    """An array on one line or many gives its elements, whatever they are."""
    assert values(json.dumps(items, indent=indent)) == items


@settings(max_examples=30)
@given(st.lists(st.dictionaries(st.text(), VALUES), min_size=1))
def test_lines_are_values(items):
    """JSON Lines give one value each."""
    assert values("".join(json.dumps(item) + "\n" for item in items)) == items


def test_values_across_many_chunks_are_whole_and_know_their_line():
    """Values larger than what is read at once are put together, and lines are counted."""
    items = [{"id": number, "text": "x" * 50_000} for number in range(8)]
    text = "\n" + json.dumps(items, indent=1)
    found = list(iterate_json(io.StringIO(text), "feed.json"))
    assert [value for _, value in found] == items
    assert [line for line, _ in found] == [3 + 4 * number for number in range(8)]


def test_a_document_over_several_lines_is_one_value():
    """A pretty-printed object is not taken for JSON Lines."""
    assert values('{\n "a": 1,\n "b": [2]\n}\n') == [{"a": 1, "b": [2]}]


def test_a_bad_line_does_not_stop_the_lines():
    """In JSON Lines the lines after a bad one are read."""
    found = values('{"a": 1}\nnonsense\n{"a": 2}\n')
    assert [found[0], found[2]] == [{"a": 1}, {"a": 2}]
    assert isinstance(found[1], BadJson)


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}\n{"a": ', '[{"a": 1}, {"a"', '[{"a": 1},', "[", '{"a": [', "nonsense", "[1 2 x]"],
)
def test_a_cut_off_text_is_a_feed_error(text):
    """What ends early says so, after what was whole."""
    with pytest.raises(FeedError, match=r"ends early|cut off"):
        values(text)


def test_values_that_nest_too_deeply_are_refused():
    """A bomb of brackets is an error, not a crash."""
    with pytest.raises(FeedError, match="nested"):
        values("[" * 200_000)
