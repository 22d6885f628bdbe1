from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.catalog.product import Availability, Product
from shopsight.catalog.values import (
    BadValueError,
    as_text,
    attribute_name,
    check_digit,
    in_force,
    parse_availability,
    parse_count,
    parse_gtin,
    parse_number,
    parse_rating,
    parse_truth,
    short_id,
    slug,
    split_links,
)

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("in stock", Availability.IN_STOCK),
        ("in_stock", Availability.IN_STOCK),
        ("InStock", Availability.IN_STOCK),
        ("https://schema.org/InStock", Availability.IN_STOCK),
        ("http://schema.org/LimitedAvailability", Availability.IN_STOCK),
        ("schema:OnlineOnly", Availability.IN_STOCK),
        (True, Availability.IN_STOCK),
        ("1", Availability.IN_STOCK),
        ("有货", Availability.IN_STOCK),
        ("outofstock", Availability.OUT_OF_STOCK),
        ("Sold out", Availability.OUT_OF_STOCK),
        (0, Availability.OUT_OF_STOCK),
        ("https://schema.org/Discontinued", Availability.OUT_OF_STOCK),
        ("PreOrder", Availability.PREORDER),
        ("onbackorder", Availability.BACKORDER),
        ("backorder", Availability.BACKORDER),
    ],
)
def test_availability_is_understood_in_every_platforms_spelling(text, state):
    """Google, schema.org, WooCommerce, Shopify and plain truth values mean the same four states."""
    assert parse_availability(text) is state


def test_an_unknown_availability_is_refused_with_the_known_ones_named():
    """A typing error does not silently become a state."""
    assert parse_availability("") is None
    with pytest.raises(BadValueError, match="in_stock, out_of_stock, preorder or backorder"):
        parse_availability("perhaps")


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("4006381333931", "4006381333931"),
        ("4006381-333931", "4006381333931"),
        (4006381333931, "4006381333931"),
        (4006381333931.0, "4006381333931"),
        ("'4006381333931", "4006381333931"),
        ('="4006381333931"', "4006381333931"),
        ("036000291452", "036000291452"),
        ("36000291452", "036000291452"),
        ("96385074", "96385074"),
        ("00012345600012", "00012345600012"),
        ("0-306-40615-2", "9780306406157"),
        ("097522980X", "9780975229804"),
        ("", ""),
    ],
)
def test_gtins_come_out_whole(text, gtin):
    """Blanks, hyphens and spreadsheet marks go, lost zeros and ISBN-10 become full GTINs."""
    assert parse_gtin(text) == gtin


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("123", "8, 12, 13 or 14 digits"),
        ("4006381333932", "check digit should be 1"),
        ("4.0064E+12", "format the column as text"),
        ("4,00638E+12", "format the column as text"),
        ("12345", "8, 12, 13 or 14 digits"),
        ("0000000000000", "no GTIN"),
        ("ABC", "8, 12, 13 or 14 digits"),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "8, 12, 13 or 14 digits"),
        ("1" * 400, "8, 12, 13 or 14 digits"),
    ],
)
def test_wrong_gtins_are_refused_with_the_reason(text, reason):
    """A wrong check digit, a number ruined by a spreadsheet and plain nonsense are told apart."""
    with pytest.raises(BadValueError, match=reason):
        parse_gtin(text)


@given(
    st.sampled_from([7, 11, 12, 13]).flatmap(
        lambda size: st.text("0123456789", min_size=size, max_size=size)
    )
)
def test_a_number_with_its_check_digit_is_a_gtin_and_with_another_it_is_not(digits):
    """The check digit is computed as GS1 says, for all four lengths."""
    if not digits.strip("0"):
        return
    right = check_digit(digits)
    assert parse_gtin(digits + right) == digits + right
    wrong = str((int(right) + 1) % 10)
    with pytest.raises(BadValueError):
        parse_gtin(digits + wrong)


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.none()))
def test_gtins_are_valid_or_refused(value):
    """Whatever is given, the result fits the product's field, or the value is refused."""
    try:
        gtin = parse_gtin(value)
    except BadValueError:
        return
    assert Product(id="1", title="t", image_link="i", gtin=gtin).gtin == gtin


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("2026-03-01/2026-03-31", True),
        ("2026-03-15/2026-03-15", True),
        ("2026-03-01T00:00+0100/2026-03-15T12:00+0000", True),
        ("2026-03-15T13:30:00+0100/2026-03-31", False),
        ("2026-02-01/2026-03-14", False),
        ("2026-03-16/2026-04-01", False),
        ("/2026-03-15", True),
        ("2026-03-01/", True),
        ("2026-03-01", True),
        ("2026-03-01T00:00:00Z / 2026-03-31T00:00:00Z", True),
    ],
)
def test_date_ranges_hold_from_begin_to_end_of_day(text, holds):
    """Days, times with offsets and open ends are compared with the given moment."""
    assert in_force(text, NOW) is holds


@pytest.mark.parametrize("text", ["soon", "2026-03-31/2026-03-01", "2026-13-01/2026-14-01"])
def test_senseless_date_ranges_are_refused(text):
    """Words, months that do not exist, and ranges that end before they begin are errors."""
    with pytest.raises(BadValueError):
        in_force(text, NOW)


def test_truth_values_of_all_platforms():
    """TRUE, yes, 1 and their opposites are understood; anything else is refused."""
    assert [parse_truth(word) for word in ("TRUE", "yes", 1, True, "ja", "是")] == [True] * 6
    assert [parse_truth(word) for word in ("FALSE", "no", 0, "-1", False, "否")] == [False] * 6
    assert parse_truth(" ") is None
    with pytest.raises(BadValueError):
        parse_truth("maybe")


def test_counts_are_whole_and_not_negative():
    """Oversold stock is none, decimals of a spreadsheet are cut, words are refused."""
    assert [parse_count(text) for text in ("12", "12.0", 12.0, "-3", "", None)] == [
        12, 12, 12, 0, None, None,
    ]  # fmt: skip
    for text in ("many", "1e9", "99999999999"):
        with pytest.raises(BadValueError):
            parse_count(text)


def test_ratings_are_scaled_to_five_stars():
    """Commas, scales and best ratings are understood; what lies outside its scale is refused."""
    assert parse_rating("4,5") == 4.5
    assert parse_rating("9/10") == 4.5
    assert parse_rating(90, 100) == 4.5
    assert parse_rating("") is None
    for value in ("6", "-1", "good"):
        with pytest.raises(BadValueError):
            parse_rating(value)


def test_numbers_have_a_point_or_a_comma():
    """A plain number is read exactly; anything around it is refused."""
    assert parse_number("4,50") == Decimal("4.50")
    assert parse_number("\u22124") == -4
    for text in ("4 5", "1.2.3", "NaN", "٤"):
        with pytest.raises(BadValueError):
            parse_number(text)


def test_typed_values_become_text_as_people_write_it():
    """Whole floats lose their point, and nothing is empty rather than None or NaN."""
    assert [as_text(value) for value in (5.0, 5, " x ", None, float("nan"), 0.5, b"x")] == [
        "5", "5", "x", "", "", "0.5", "",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "links"),
    [
        ("a.jpg", ["a.jpg"]),
        ("a.jpg,b.jpg", ["a.jpg", "b.jpg"]),
        ("a.jpg; b.jpg | c.png\nd.webp", ["a.jpg", "b.jpg", "c.png", "d.webp"]),
        ("images/a,b.jpg,images/c.jpg", ["images/a,b.jpg", "images/c.jpg"]),
        ("https://x.example/w_1,h_2/a.jpg", ["https://x.example/w_1,h_2/a.jpg"]),
        (
            "https://x.example/w_1,h_2/a.jpg, https://x.example/b.jpg",
            ["https://x.example/w_1,h_2/a.jpg", "https://x.example/b.jpg"],
        ),
        ("https://x.example/a?b=1;c=2", ["https://x.example/a?b=1;c=2"]),
        ('["a.jpg", "b.jpg"]', ["a.jpg", "b.jpg"]),
        ('["a.jpg"]', ["a.jpg"]),
        ("[not json].jpg", ["[not json].jpg"]),
        (["a.jpg", None, "a.jpg", "b.jpg"], ["a.jpg", "b.jpg"]),
        ("pic1,pic2", ["pic1", "pic2"]),
        ("a.jpg,", ["a.jpg"]),
        ("data:image/png;base64,AAAA", ["data:image/png;base64,AAAA"]),
        ("", []),
        (None, []),
    ],
)
def test_cells_with_several_links_are_split_between_links_only(cell, links):
    """Commas and semicolons inside an address or file name stay, those between links separate."""
    assert split_links(cell) == links


@given(st.lists(st.from_regex(r"https://[a-z]{1,5}\.example/[a-z0-9,;=_-]{0,20}x", fullmatch=True)))
def test_joined_addresses_are_found_again(links):
    """Addresses joined by commas, with commas inside, come apart as they were."""
    assert split_links(",".join(links)) == list(dict.fromkeys(links))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Colour Name", "colour_name"),
        ("Größe (cm)", "grosse_cm"),
        ("title_zh", "title_zh"),
        ("3D model", "n_3d_model"),
        ("颜色", "u989c_u8272"),
        ("  ", ""),
        ("a__b", "a_b"),
    ],
)
def test_column_titles_become_attribute_names(title, name):
    """Titles of any script become snake case that a filter can name."""
    assert attribute_name(title) == name


@given(st.text(max_size=100))
def test_attribute_names_are_allowed_in_products_and_stay_as_they_are(title):
    """Every name fits the product's rule, and naming a name changes nothing."""
    name = attribute_name(title)
    if name:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name)
        assert attribute_name(name) == name


def test_ids_made_of_words():
    """Slugs keep every script, and long ids stay unique when cut."""
    assert slug("Light Blue / 红") == "light-blue-红"
    assert short_id("abc") == "abc"
    long, other = short_id("a" * 300 + "1"), short_id("a" * 300 + "2")
    assert len(long) == 200
    assert long != other
