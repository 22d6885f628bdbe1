from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.catalog.product import AttributeValue, Product
from shopsight.words.segment import MAX_INDEX_TERMS, index_terms, search_terms, tokens


def product(title: str, *, color: str = "", **attributes: AttributeValue) -> Product:
    """A product of a few words."""
    if color:
        attributes["color"] = color
    return Product(id="p1", title=title, image_link="p.jpg", attributes=attributes)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("T-shirts", "tshirt"),
        ("T-shirt", "t shirt"),
        ("MX-200", "mx200"),
        ("MX-200", "mx 200"),
        ("750ml", "750 ml"),
        ("Women's dresses", "woman dress"),
        ("CAFÉ", "cafe"),
        ("cafe\u0301", "café"),
        ("\uff4d\uff55\uff47", "mug"),
        ("scarves", "scarf"),
        ("batteries", "battery"),
        ("watches", "watch"),
        ("马克杯", "杯子马克杯"),
        ("绿色", "鼠尾草绿"),
        ("夜猫T恤", "t恤"),
        ("MX-200充电器", "mx200"),
        ("1,299.00", "1299"),
        ("29,90", "29.90"),
        ("a\u00adpple", "apple"),
    ],
)
def test_spellings_of_one_thing_share_a_term(one, other):
    """What people write differently is found by each spelling."""
    assert set(search_terms(one)) & set(search_terms(other))


@pytest.mark.parametrize(
    ("one", "other"), [("glass", "gla"), ("bus", "bu"), ("red", "read"), ("20-40", "2040")]
)
def test_different_words_stay_apart(one, other):
    """Folding does not go so far that different words become one."""
    assert not set(search_terms(one)) & set(search_terms(other))


def test_the_order_and_number_of_words_stay():
    """Terms come in the order of the text, as often as they occur."""
    assert search_terms("red mug, RED bowls") == ["red", "mug", "red", "bowl"]


@pytest.mark.parametrize(
    "text", ["", "   ", "👍🏽❤️‍🔥", "!?.,-'", "\x00\x1b\n", "\u200d\ufe0f", "---"]
)
def test_nothing_to_look_for_gives_no_terms(text):
    """Emoji, punctuation and control characters are no words, and no errors."""
    assert search_terms(text) == []
    assert tokens(text) == []


@given(st.text())
def test_terms_are_words_whatever_the_text(text):
    """Any text gives terms that are not empty, bounded, and free of white space."""
    for term in search_terms(text):
        assert term
        assert len(term) <= 64
        assert not any(char.isspace() for char in term)


@given(st.text())
def test_terms_of_terms_are_found_again(text):
    """A term that is looked for on its own finds what has it."""
    for term in search_terms(text):
        assert term in search_terms(term)


@given(st.text())
def test_places_of_tokens_follow_the_text(text):
    """Tokens name their places in the text, in order; only words of one character share one."""
    stop = 0
    for token in tokens(text):
        assert token.text
        assert 0 <= token.start < token.stop <= len(text)
        assert token.start >= stop - 1
        stop = token.stop


def test_tokens_part_numbers_from_what_they_count():
    """Amounts are told from their currency, and ranges from compounds."""
    found = [token.text for token in tokens("under €1,299.50, 20-40EUR, two-tone, 40欧元以下 ≤5★")]
    amounts = ["under", "€", "1299.5", "20", "-", "40", "eur", "two", "tone"]
    assert found == [*amounts, "40", "欧元", "以下", "≤", "5", "★"]


def test_places_are_those_of_the_original():
    """Where folding changes the number of characters, places are still those of the text."""
    text = "½ straße 红色 mug"
    assert [text[token.start : token.stop] for token in tokens(text)] == [
        *("½", "½", "straße"),
        *("红色", "mug"),
    ]


def test_a_long_text_is_cut_up():
    """Texts of any length are cut up to their end."""
    assert search_terms("红色马克杯 mug " * 1500)[-1] == "mug"
    assert len(search_terms("x" * 10_000)) == 1


def test_titles_count_most():
    """A word counts most in a title, then in telling attributes, then in descriptions."""
    found = index_terms(
        product("Fjord mug", color="sage", description_en="dishwasher", note="gift")
    )
    assert [found.count(word) for word in ("mug", "sage", "dishwasher", "gift")] == [3, 2, 1, 1]


def test_titles_in_other_languages_count_as_much():
    """A title in Chinese is found as that in English is, and by the kind of thing it names."""
    found = index_terms(product("Mug", title_zh="峡湾马克杯"))
    assert found.count("马克杯") == 3
    assert set(search_terms("杯子")) & set(found)


def test_attributes_with_several_values_are_found_by_each():
    """Each value of a list is found; numbers, truth values and links tell nothing."""
    found = index_terms(product("Shoe", sizes=["forty-one", "large"], weight=3.5, url="http://a/b"))
    assert {"fortyone", "large"} <= set(found)
    assert not {"3.5", "http"} & set(found)


def test_a_product_has_a_bounded_number_of_terms():
    """A feed with endless descriptions does not swell the index, and titles go first."""
    item = Product(id="p", title="Red mug", image_link="p.jpg", description="word " * 4000)
    found = index_terms(item)
    assert len(found) <= MAX_INDEX_TERMS
    assert "mug" in found
