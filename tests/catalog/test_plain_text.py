from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.catalog.plain_text import cut, html_to_text, one_line, without_controls


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("  a  b\t c ", "a b c"),
        ("a\r\n\r\n b\rc", "a\nb\nc"),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("so<b>me</b> <i>words</i>", "some words"),
        ("<td>a</td><td>b</td>", "a b"),
        ("caf&eacute; &amp; &#8364;&#x41;", "café & €A"),
        ("a&nbsp;b", "a b"),
        ("<script>alert(1)</script>x<style>p{}</style>", "x"),
        ("a<!-- hidden -->b", "ab"),
        ("&lt;p&gt;escaped twice&lt;/p&gt;", "escaped twice"),
        ("<![CDATA[<b>in CDATA</b>]]>", "in CDATA"),
        ("sizes < 5 and > 3", "sizes < 5 and > 3"),
        ("I <3 mugs & tea", "I <3 mugs & tea"),
        ("<p>unclosed <b>tags", "unclosed tags"),
        ('<img src="x.jpg" onerror="alert(1)">', ""),
        ("a\x00b\x07c\ud800d\ufeff", "abcd"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_a_reader_sees(markup, text):
    """Blocks become lines, entities characters; scripts, comments and control characters go."""
    assert html_to_text(markup) == text


def test_a_title_is_one_line():
    """Lines of mark-up are joined by single spaces."""
    assert one_line("<b>Fjord</b><br>mug,\n sage") == "Fjord mug, sage"


@given(st.text())
def test_any_text_comes_out_clean(text):
    """Whatever goes in, no control characters, doubled blanks or empty lines come out."""
    plain = html_to_text(text)
    assert without_controls(plain) == plain
    assert "  " not in plain
    assert "\n\n" not in plain
    assert plain == plain.strip()
    plain.encode()


@given(st.text(st.characters(codec="ascii", exclude_characters="<&", categories=["L", "N", "P"])))
def test_plain_words_are_left_alone(text):
    """Text without mark-up or blanks is returned as it is."""
    assert html_to_text(text) == text


@given(st.lists(st.from_regex(r"[a-z]{1,8}( [a-z]{1,8}){0,3}", fullmatch=True), min_size=1))
def test_paragraphs_come_back_as_lines(lines):
    """Text wrapped in paragraphs is found again, one line each."""
    assert html_to_text("".join(f"<p>{line}</p>" for line in lines)) == "\n".join(lines)


def test_huge_and_deep_markup_is_read_in_bounded_time():
    """Ten megabytes, and a hundred thousand nested elements, take about a second each at most."""
    started = time.process_time()
    assert html_to_text("<p>word</p>" * 1_000_000).startswith("word\nword")
    assert "deep" in html_to_text("deep" + "<div>" * 100_000 + "end")
    assert time.process_time() - started < 10


def test_long_texts_are_cut_at_a_blank():
    """A cut text is within the limit, ends at a word, and says that it was cut."""
    assert cut("short", 10) == "short"
    assert cut("one two three", 10) == "one two…"
    assert len(cut("x" * 100, 10)) == 10
