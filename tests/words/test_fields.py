from __future__ import annotations

import pytest

from shopsight.words.fields import Role, readable, role


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("color", Role.COLOR),
        ("colour", Role.COLOR),
        ("base_colour", Role.COLOR),
        ("farbe", Role.COLOR),
        ("u989c_u8272", Role.COLOR),
        ("u6750_u8d28", Role.MATERIAL),
        ("title_zh", Role.TITLE),
        ("brand_name", Role.OTHER),
        ("description_zh", Role.DESCRIPTION),
        ("pattern", Role.PATTERN),
        ("colorado", Role.OTHER),
        ("x", Role.OTHER),
        ("", Role.OTHER),
    ],
)
def test_names_tell_what_an_attribute_is_about(name, expected):
    """Usual names in English and Chinese are understood, also as feed readers spell them."""
    assert role(name) is expected


def test_names_are_made_readable():
    """Names show as words, code points as the characters that they stand for."""
    assert readable("base_color") == "base color"
    assert readable("u989c_u8272_2") == "颜色 2"
