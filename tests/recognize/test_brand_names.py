from __future__ import annotations

import pytest

from shopsight.images.boxes import WHOLE
from shopsight.recognize.brand_names import BrandNames
from shopsight.recognize.text import TextLine

NAMES = BrandNames(
    [
        ("kavoa", "Kavoa"),
        ("lumetra", "Lumetra"),
        ("blauerwal", "Blauer Wal"),
        ("hp", "HP"),
        ("dhl", "DHL"),
        ("puma", "Puma"),
        ("lumetra", "Lumetra Candles"),
    ]
)


def found(text: str, confidence: float = 1.0) -> list[str]:
    """Brands in a line that was read with some confidence."""
    return [seen.brand for seen in NAMES.found([TextLine(text, confidence, WHOLE)])]


@pytest.mark.parametrize(
    ("text", "brands"),
    [
        ("KAVOA", ["kavoa"]),
        ("by Kavoa, since 1932", ["kavoa"]),
        ("LUMETBA", ["lumetra"]),
        ("Lumetra candles", ["lumetra"]),
        ("BLAUER WAL", ["blauerwal"]),
        ("Blauerwal", ["blauerwal"]),
        ("DHL Express", ["dhl"]),
        ("HP", ["hp"]),
        ("Puma", ["puma"]),
    ],
)
def test_finds_names(text: str, brands: list[str]) -> None:
    """Names are found in any case, among other words, in one word or two, and misread a little."""
    assert found(text) == brands


@pytest.mark.parametrize(
    "text", ["DHI", "Pumas", "Pama", "650 hp engine", "lavender", "", "- - -", "alumetrarium"]
)
def test_other_words_are_no_brands(text: str) -> None:
    """Short names are read exactly, the shortest alone on a line; longer ones nearly so."""
    assert found(text) == []


def test_surest_first() -> None:
    """Confidence is that of reading times that of the name; each brand comes once, at its best."""
    lines = [
        TextLine("Lumetna", 0.9, WHOLE),
        TextLine("Lumetra", 0.9, WHOLE),
        TextLine("DHL", 0.5, WHOLE),
    ]
    first, second = NAMES.found(lines)
    assert (first.brand, second.brand) == ("lumetra", "dhl")
    assert first.line.text == "Lumetra"
    assert 0.8 < first.confidence < 0.9
    assert second.confidence < 0.5
