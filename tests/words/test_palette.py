from __future__ import annotations

import pytest

from shopsight.words.lexicon import is_chinese, key, lexicon
from shopsight.words.palette import ColorValue, color_parts, meant


def values(*texts: str) -> list[ColorValue]:
    """Values of a field, in this order."""
    return [ColorValue("color", text, color_parts(text)) for text in texts]


def found(word: str, *texts: str) -> list[str]:
    """Which of the values a word means."""
    return [value.value for value in meant(lexicon().colors[key(word)], values(*texts)).all]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("sage/cream", ["sage", "cream"]),
        ("Navy Blue", ["navy"]),
        ("Black & White", ["black", "white"]),
        ("Black and White", ["black", "white"]),
        ("light grey heather", ["light grey"]),
        ("深蓝色", ["dark blue"]),
        ("藏青色/白色", ["navy", "white"]),
        ("Gray", ["grey"]),
        ("Off White", ["offwhite"]),
        ("Moonstone", ["moonstone"]),
        ("rose gold", ["rosegold"]),
        ("", []),
        ("/", []),
    ],
)
def test_values_name_colours(value, names):
    """Values are taken apart, the main colour first, in any language and spelling."""
    assert [color.name for color in color_parts(value)] == names


def test_a_shade_means_itself_where_there_is_one():
    """The very shade shuts out others of its family, which stand in for it otherwise."""
    assert found("sage", "sage/cream", "olive", "red") == ["sage/cream"]
    assert found("sage", "olive", "mint", "red") == ["olive", "mint"]


def test_a_family_means_all_its_shades():
    """Green is any green, in first or second place."""
    assert found("green", "sage", "white/olive", "绿色", "navy") == ["sage", "white/olive", "绿色"]


def test_light_and_dark_are_told_apart():
    """Dark blue is navy rather than sky, and any blue if there is nothing dark."""
    assert found("dark blue", "navy", "sky", "blue") == ["navy"]
    assert found("浅蓝色", "navy", "sky", "red") == ["sky"]
    assert found("dark blue", "sky", "red") == ["sky"]


def test_main_colours_are_told_from_others():
    """What is mainly of a colour, and exactly so, is told from what has it somewhere."""
    several = values("white/red", "red/white", "scarlet")
    what = meant(lexicon().colors["red"], several)
    assert [value.value for value in what.main] == ["red/white", "scarlet"]
    assert [value.value for value in what.exact] == ["red/white"]


def test_every_word_of_the_lexicon_can_be_looked_up():
    """No phrase is longer than what is looked for, nor spelled so that no text has it."""
    known = lexicon()
    for table in (known.colors, known.patterns, known.materials, known.phrases):
        for phrase in table:
            assert key(phrase) == phrase
            assert "~" not in phrase.strip("~")


@pytest.mark.parametrize("family", ["red", "green", "blue", "grey", "beige", "black"])
def test_families_are_known_in_both_languages(family):
    """Each family has words in English and in Chinese."""
    words = [word for word, color in lexicon().colors.items() if color.name == family]
    assert {is_chinese(word) for word in words} == {True, False}
