from __future__ import annotations

import pytest
from pydantic import ValidationError

from shopsight.encoders.base import COLOR, SHAPE, EncoderSpec, Part
from shopsight.encoders.specs import LITE, ModelFacts
from shopsight.images.preprocessing import Preprocessing

DIMENSION = 10


def spec(*parts: tuple[str, int, int]) -> EncoderSpec:
    """A spec of ten dimensions with these parts."""
    return EncoderSpec(
        name="any",
        dimension=DIMENSION,
        preprocessing=Preprocessing(size=32),
        fingerprint="1",
        licence="Apache-2.0",
        source="here",
        parts=tuple(Part(name=name, start=start, stop=stop) for name, start, stop in parts),
    )


def test_parts_that_cover_the_vector_are_taken() -> None:
    """Parts that follow each other from the first dimension to the last are kept in order."""
    made = spec((SHAPE, 0, 7), (COLOR, 7, 10))
    assert [part.name for part in made.all_parts] == [SHAPE, COLOR]


def test_no_parts_are_one_part() -> None:
    """A vector without parts is one part, the shape."""
    assert spec().parts == ()
    assert spec().all_parts == (Part(name=SHAPE, start=0, stop=DIMENSION),)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([(SHAPE, 0, 7)], "cover the 10 dimensions"),
        ([(SHAPE, 0, 7), (COLOR, 7, 11)], "cover the 10 dimensions"),
        ([(SHAPE, 0, 6), (COLOR, 7, 10)], "cover the 10 dimensions"),
        ([(SHAPE, 0, 8), (COLOR, 7, 10)], "cover the 10 dimensions"),
        ([(COLOR, 7, 10), (SHAPE, 0, 7)], "cover the 10 dimensions"),
        ([(SHAPE, 1, 10)], "cover the 10 dimensions"),
        ([(SHAPE, 0, 7), (SHAPE, 7, 10)], "same name"),
        ([(COLOR, 0, 10)], "none of the parts is 'shape'"),
        ([(SHAPE, 0, 0), (COLOR, 0, 10)], "stops at 0"),
        ([(SHAPE, -1, 10)], "greater than or equal to 0"),
        ([("The shape", 0, 10)], "pattern"),
    ],
)
def test_parts_that_do_not_fit_are_refused(parts: list[tuple[str, int, int]], reason: str) -> None:
    """Parts with a gap, an overlap, no dimensions, or a name twice make no spec."""
    with pytest.raises(ValidationError, match=reason):
        spec(*parts)


def test_facts_are_checked_too() -> None:
    """Parts that do not fit are found when a model is described, before it is loaded."""
    values = LITE.model_dump() | {"parts": [{"name": SHAPE, "start": 0, "stop": 1}]}
    with pytest.raises(ValidationError, match="cover the"):
        ModelFacts.model_validate(values)
