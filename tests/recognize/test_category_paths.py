from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.recognize.category_paths import CategoryTree, PathReader, path_text, within

NAMES = st.text("abAB é", min_size=1, max_size=4).map(str.strip).filter(bool)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Kitchen > Mugs", ("Kitchen", "Mugs")),
        ("  Kitchen>Mugs > ", ("Kitchen", "Mugs")),
        ("Home » Decor → Vases", ("Home", "Decor", "Vases")),
        ("Home | Decor", ("Home", "Decor")),
        ("Home / Decor", ("Home", "Decor")),
        ("Men/Tops/Tees", ("Men", "Tops", "Tees")),
        ("T-Shirts/Polos", ("T-Shirts/Polos",)),
        ("Wall Art & Decor > Clocks/Timers", ("Wall Art & Decor", "Clocks/Timers")),
        ("178", ("178",)),
        ("", ()),
        (" > ", ()),
    ],
)
def test_ways_to_write_paths(text: str, path: tuple[str, ...]) -> None:
    """All usual separators are understood; a slash only where the shop's categories bear it out."""
    reader = PathReader([text, "Men/Tops/Shirts", "Men/Shoes"])
    assert reader.read(text) == path


def test_one_spelling_for_each_category() -> None:
    """Case and blanks do not make another category, on any level: the first spelling stays."""
    reader = PathReader(["Kitchen > Mugs", "KITCHEN > Bowls", "kitchen>mugs"])
    assert reader.read("kitchen > MUGS") == ("Kitchen", "Mugs")
    assert reader.read("KITCHEN > Bowls") == ("Kitchen", "Bowls")
    assert reader.read("Garden > Pots") == ("Garden", "Pots")


def test_masses_add_up_on_unequal_levels() -> None:
    """A parent has its children's mass and its own, also where it is a class itself."""
    tree = CategoryTree([("A",), ("A", "B"), ("A", "B", "C"), ("D",), ("E", "B")])
    levels = tree.likeliest(np.array([0.1, 0.2, 0.4, 0.15, 0.05]))
    assert [(level.path, round(level.probability, 6)) for level in levels] == [
        (("A",), 0.7),
        (("A", "B"), 0.6),
        (("A", "B", "C"), 0.4),
    ]


def test_the_way_down_ends_at_a_class_of_its_own() -> None:
    """Where products lie directly in a category and it is likelier than what is below, it ends."""
    tree = CategoryTree([("A",), ("A", "B"), ("A", "C")])
    assert [one.path for one in tree.likeliest(np.array([0.5, 0.3, 0.2]))] == [("A",)]


def test_same_leaf_name_under_two_parents() -> None:
    """Leaves of one name under different parents are different categories."""
    tree = CategoryTree([("Men", "Shoes"), ("Women", "Shoes")])
    levels = tree.likeliest(np.array([0.4, 0.6]))
    assert path_text(levels[-1].path) == "Women > Shoes"
    assert len(set(tree.tops.tolist())) == 2


@given(st.dictionaries(st.lists(NAMES, min_size=1, max_size=4).map(tuple), st.floats(0, 1)))
def test_likeliest_never_grows(weights: dict[tuple[str, ...], float]) -> None:
    """Down the way, probabilities never grow, and each category is one level below the last."""
    tree = CategoryTree(list(weights))
    total = sum(weights.values()) or 1.0
    levels = tree.likeliest(np.array([value / total for value in weights.values()]))
    assert len(levels) == 0 or len(levels[0].path) == 1
    for above, below in pairwise(levels):
        assert below.path[:-1] == above.path
        assert below.probability <= above.probability + 1e-9


def test_within_is_of_whole_levels() -> None:
    """A category is within itself and what is above it, not within a namesake."""
    assert within("Kitchen", "Kitchen > Mugs")
    assert within("Kitchen > Mugs", "Kitchen > Mugs")
    assert not within("Kit", "Kitchen > Mugs")
    assert not within("Kitchen > Mugs", "Kitchen")
