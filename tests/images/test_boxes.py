from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.errors import QueryError
from shopsight.images.boxes import WHOLE, Box, intersection, iou

fractions = st.floats(0, 1, allow_nan=False, width=32)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Any box with an area."""
    x1, y1 = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
    return Box.checked(x1, y1, draw(st.floats(x1 + 0.01, 1)), draw(st.floats(y1 + 0.01, 1)))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.5, 0.1, 0.2, 0.9), "reversed or empty"),
        ((0.2, 0.1, 0.2, 0.9), "reversed or empty"),
        ((-0.1, 0, 1, 1), "not inside"),
        ((0, 0, 1.2, 1), "not inside"),
        ((0, math.nan, 1, 1), "not finite"),
        ((0, 0, math.inf, 1), "not finite"),
    ],
)
def test_boxes_that_make_no_sense_say_why(
    numbers: tuple[float, float, float, float], words: str
) -> None:
    """A reversed, empty, outside or unnumbered box is refused with the reason and its numbers."""
    with pytest.raises(QueryError, match=words) as caught:
        Box.checked(*numbers)
    assert "x1=" in str(caught.value)


@given(boxes(), boxes())
def test_overlap_is_symmetric_and_bounded(one: Box, other: Box) -> None:
    """Intersection over union is the same both ways, between 0 and 1, and 1 with itself."""
    assert iou(one, other) == pytest.approx(iou(other, one))
    assert 0 <= iou(one, other) <= 1 + 1e-9
    assert iou(one, one) == pytest.approx(1)
    assert intersection(one, WHOLE) == pytest.approx(one.area)


@given(boxes(), st.floats(0, 1))
def test_grown_boxes_stay_in_the_picture(box: Box, share: float) -> None:
    """A grown box holds the old one and never leaves the picture."""
    grown = box.grown(share)
    assert intersection(grown, box) == pytest.approx(box.area)
    assert min(grown) >= 0
    assert max(grown) <= 1
