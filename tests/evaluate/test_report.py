from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from shopsight import load_encoder
from shopsight.encoders.files import LIMITS
from shopsight.errors import StorageError
from shopsight.evaluate import Comparison, PhotosToProducts, compare, same_field
from shopsight.evaluate.examples import differing
from shopsight.evaluate.plot import intervals
from shopsight.evaluate.report import p_text, report, size_text, write_report
from shopsight.evaluate.resampling import Interval
from shopsight.photo_lists import LabelledPhoto, PhotoList

VOID = {"img", "meta"}


class Balance(HTMLParser):
    """Checks that what is opened is closed, and keeps the links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is open, and where it leads."""
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """What closes itself need not be closed."""

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened last."""
        assert self.open.pop() == tag


@pytest.fixture
def comparison(indexed) -> Comparison:
    """Twelve photos of which one encoder finds more than the other."""
    photos = [
        LabelledPhoto(indexed.made.folder / f"p{number}.png", frozenset([f"p{number % 9}"]))
        for number in range(12)
    ]
    photos.append(LabelledPhoto(indexed.write("<bad>.jpg", "x"), frozenset(["<gone>"])))
    task = PhotosToProducts(PhotoList(photos, 1, [photos[0]]), indexed.pictures, LIMITS)
    encoders = {"<thumbnail>": load_encoder("thumbnail"), "two-part": load_encoder("two-part")}
    found = compare(task, encoders, limits=LIMITS, model_bytes={"two-part": 21_700_000})
    found.results[1].outcome.right[:5] = False
    return found


def test_page_needs_nothing_else(comparison: Comparison, tmp_path: Path) -> None:
    """The page is well formed, and its pictures are inside it: no link leads out."""
    path = tmp_path / "report.html"
    write_report(comparison, path, LIMITS)
    text = path.read_text(encoding="utf-8")
    page = Balance()
    page.feed(text)
    assert page.open == []
    assert page.links
    assert all(link.startswith("data:image/jpeg;base64,") for link in page.links)
    assert not re.search(r"https?:|@import|url\(", text)
    assert "prefers-color-scheme: dark" in text
    for word in (
        "recall@10",
        "mAP",
        "nDCG@10",
        "p-value",
        "no match AUROC",
        "21.7 MB",
        "Where they",
    ):
        assert word in text


def test_names_are_escaped(comparison: Comparison) -> None:
    """Names of encoders, photos and products are text, whatever they contain."""
    text = report(comparison, differing(comparison, LIMITS))
    assert "&lt;thumbnail&gt;" in text
    assert "&lt;bad&gt;.jpg" in text
    assert "<thumbnail>" not in text
    assert "<bad>" not in text


def test_examples_are_where_encoders_differ(comparison: Comparison) -> None:
    """Shown are photos that one encoder got right and another wrong, with both answers."""
    examples = differing(comparison, LIMITS)
    assert len(examples) == 5
    for example in examples:
        assert example.query.link.startswith("data:")
        assert len(example.expected) == 1
        assert [name for name, _ in example.answers] == ["<thumbnail>", "two-part"]
        assert [shown.right for _, shown in example.answers] == [True, False]
    assert len(differing(comparison, LIMITS, most=2)) == 2


def test_one_encoder_has_no_tests_and_no_examples(indexed) -> None:
    """A report of one encoder leaves out what takes two."""
    task = same_field(indexed.pictures, "color")
    found = compare(task, {"thumbnail": load_encoder("thumbnail")}, limits=LIMITS)
    text = report(found, differing(found, LIMITS))
    assert "hit@5" in text
    assert "p-value</th>" not in text
    assert "Where they differ" not in text


def test_plot_is_read_out() -> None:
    """The drawing has its figures in words, and long names end in their last letters."""
    name = "models/of/a/very/long/path/lite2"
    drawn = intervals("mAP", {name: Interval(0.5, 0.4, 0.6), "b&b": Interval(1, 0.9, 1.0)})
    assert f"{name} 0.500 (0.400 to 0.600)" in drawn
    assert "path/lite2</text>" in drawn
    assert "b&amp;b" in drawn
    assert drawn.count("<circle") == 2


def test_numbers_as_people_write_them() -> None:
    """Sizes and p-values are rounded where people expect it."""
    assert [size_text(count) for count in (None, 1536, 21_700_000)] == ["-", "1,536 B", "21.7 MB"]
    assert [p_text(value) for value in (0.04321, 1 / 10_001)] == ["0.0432", "≤ 0.0001"]


def test_report_that_cannot_be_written(comparison: Comparison, tmp_path: Path) -> None:
    """A place that cannot be written is named."""
    with pytest.raises(StorageError, match="cannot be written"):
        write_report(comparison, tmp_path / "no" / "report.html", LIMITS)
