from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.catalog.product import AttributeValue, Product
from shopsight.errors import StorageError
from shopsight.words.understand import understand
from shopsight.words.vocabulary import LONGEST_VALUE, MAX_OTHER_VALUES, Vocabulary


def product(number: int = 0, title: str = "Mug", **attributes: AttributeValue) -> Product:
    """A product with attributes."""
    return Product(id=f"p{number}", title=title, image_link="p.jpg", attributes=attributes)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("bottel", "bottle"),
        ("botle", "bottle"),
        ("bottlle", "bottle"),
        ("headfone", "headphone"),
        ("pepermint", "peppermint"),
        ("kavao", "kavoa"),
        ("unedr", "under"),
        ("bleu", "blue"),
    ],
)
def test_typos_are_corrected(written, meant, vocabulary):
    """A word that is nearly one of the catalogue's, or of the lexicon's, is taken for it."""
    assert vocabulary.corrected(written) == meant


@pytest.mark.parametrize(
    "word",
    ["mug", "mgu", "kavoa", "12345", "mx200", "马克怀", "zzzzzz", "", "tablelampshade", "lug"],
)
def test_other_words_stay(word, vocabulary):
    """Known words, short ones, numbers, Chinese, and what resembles nothing are left alone."""
    assert vocabulary.corrected(word) == word


@given(text=st.text(max_size=12))
def test_corrected_words_are_correct(text, vocabulary):
    """A correction needs none."""
    taken = vocabulary.corrected(text)
    assert vocabulary.corrected(taken) == taken


def test_values_are_counted():
    """Each value is counted once a product, those of lists too."""
    found = Vocabulary.of(
        [product(color="red"), product(color="red"), product(sizes=["s", "s", "m"])]
    )
    assert found.fields["color"].values == {"red": 2}
    assert found.fields["color"].products == 2
    assert found.fields["sizes"].values == {"s": 1, "m": 1}
    assert found.total == 3


def test_terms_are_counted_by_products():
    """A term counts once a product, however often it has it."""
    found = Vocabulary.of([product(title="Mug mug mugs"), product(title="Red mug")])
    assert found.terms["mug"] == 2


def test_attributes_that_are_no_choices_are_left_out():
    """Numbers, sentences and names are no values that a word could mean."""
    rows = [
        product(n, weight=1.5, story="x" * (LONGEST_VALUE + 1), serial=f"no. {n}", kind="a")
        for n in range(MAX_OTHER_VALUES + 1)
    ]
    assert set(Vocabulary.of(rows).fields) == {"kind"}


def test_an_attribute_of_mixed_types_is_left_out():
    """What is text for one product and a number for another cannot be filtered by as text."""
    found = Vocabulary.of([product(size="large"), product(size=42), product(size="small")])
    assert "size" not in found.fields


def test_only_attributes_that_can_be_filtered_by_are_read():
    """Attributes that the index has not got are not understood."""
    found = Vocabulary.of([product(color="red", mood="red")], attributes={"color"})
    assert set(found.fields) == {"color"}


def test_names_are_told_from_colours():
    """Titles show where a colour is part of a name, unless it is right as often."""
    tea = [product(title="Jasmine green tea", color="cream")]
    assert Vocabulary.of(tea).names == {"green tea"}
    both = [*tea, product(title="Green tea pot", color="green")]
    assert not Vocabulary.of(both).names


def test_it_is_the_same_after_it_was_kept(vocabulary):
    """A vocabulary that was written and read again understands alike."""
    again = Vocabulary.from_bytes(vocabulary.to_bytes())
    for text in ("this but in sage under 40 EUR", "stripd tshirt", "green tea", "打折的台灯"):
        assert understand(text, again) == understand(text, vocabulary)
    assert again.titles == vocabulary.titles


@pytest.mark.parametrize(
    "data",
    [b"", b"xyz", zlib.compress(b"[]"), zlib.compress(b"{}"), zlib.compress(b'{"version":0}')],
)
def test_damaged_bytes_are_named(data):
    """What cannot be read is an error that says what to do."""
    with pytest.raises(StorageError, match="read anew"):
        Vocabulary.from_bytes(data)
