from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.recognize.gtins import gtin14, gtin_in_code, page, spellings, web_link


@pytest.mark.parametrize("text", ["96385074", "012345678905", "0012345678905", "00012345678905"])
def test_all_lengths_are_one_number(text: str) -> None:
    """A number has one GTIN-14, and that is spelled in the length it came in."""
    assert gtin14(text) == text.zfill(14)
    assert text in spellings(gtin14(text))


def test_leading_digits_are_never_dropped() -> None:
    """A GTIN-14 of a case of 24 is not the GTIN-13 of what is in it."""
    assert spellings("12345678901231") == ("12345678901231",)
    assert spellings("02085082080230") == ("02085082080230", "2085082080230")


@given(st.text(max_size=20) | st.from_regex(r"\d{8,14}", fullmatch=True))
def test_a_number_has_a_right_check_digit_or_is_none(text: str) -> None:
    """Whatever is read, only digits whose weighted sum is divisible by ten are taken."""
    found = gtin14(text)
    if found:
        weights = [3, 1] * 7
        assert sum(w * int(d) for w, d in zip(weights, found, strict=True)) % 10 == 0
        assert text.strip().zfill(14) == found


@pytest.mark.parametrize(
    "text",
    [
        "https://id.gs1.example/01/09506000134352",
        "https://shop.example/path/01/09506000134352/10/ABC?17=290101#x",
        "http://shop.example/gtin/9506000134352",
        "(01)09506000134352(10)ABC123",
        "9506000134352",
    ],
)
def test_gs1_codes_carry_a_number(text: str) -> None:
    """Digital Links and element strings name the article, whatever else they say."""
    assert gtin_in_code(text) == "09506000134352"


@pytest.mark.parametrize(
    "text",
    [
        "https://id.gs1.example/01/09506000134353",
        "https://id.gs1.example/",
        "http://[broken",
        "WIFI:S:cafe;;",
        "(10)ABC",
    ],
)
def test_other_codes_carry_none(text: str) -> None:
    """A wrong check digit, other addresses and other texts name no article."""
    assert gtin_in_code(text) == ""


def test_pages_are_told_by_host_and_path() -> None:
    """How someone came to a page does not make it another; texts that are no address are none."""
    assert page("https://www.Shop.example/p/1/?utm=qr#top") == page("http://shop.example/p/1")
    assert page("https://shop.example/p/1") != page("https://shop.example/p/2")
    assert page("MUG001") == page("http://[broken") == web_link("ftp://shop.example/p") == ""
