from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from shopsight.encoders.files import LIMITS
from shopsight.evaluate.pictures import file_picture
from shopsight.evaluate.recognition import Case, Outcome, measured
from shopsight.evaluate.recognition_report import confused, write_recognition_report
from shopsight.recognize.answers import Alternative


def test_report_shows_what_was_confused(tmp_path: Path) -> None:
    """The page has the figures, the confused photo beside both answers' pictures, and no link."""
    for name, color in (("photo.png", "red"), ("right.png", "green"), ("wrong.png", "blue")):
        Image.new("RGB", (64, 64), color).save(tmp_path / name)
    outcomes = [
        Outcome(
            Case(tmp_path / "photo.png", frozenset(["<right>"])),
            None,
            (Alternative("<wrong>", 0.75),),
        ),
        Outcome(Case(tmp_path / "gone.png", frozenset(["x"])), None, (), error="is <gone>"),
    ]
    path = tmp_path / "report.html"
    write_recognition_report(
        path,
        "photos & more",
        measured(outcomes, notes=["a note"]),
        outcomes,
        limits=LIMITS,
        pictured=lambda answer: file_picture(
            tmp_path / ("right.png" if answer == "<right>" else "wrong.png"), LIMITS
        ),
    )
    text = path.read_text(encoding="utf-8")
    assert len(set(re.findall(r'src="(data:image/jpeg;base64,[^"]+)"', text))) == 3
    assert not re.search(r"https?:|<right>|<gone>", text)
    for word in (
        "macro-F1",
        "&lt;right&gt;",
        "&lt;wrong&gt;",
        "0.750",
        "a note",
        "photos &amp; more",
    ):
        assert word in text


def test_confused_photos_are_varied() -> None:
    """The surest mistakes come first, few of a kind; right guesses and silence are none."""
    some = [
        Outcome(Case(Path(f"{n}"), frozenset(["a"])), "b", (Alternative("b", 0.9 - n / 100),))
        for n in range(9)
    ]
    some.append(Outcome(Case(Path("false"), frozenset()), "a", (Alternative("a", 0.2),)))
    some.append(Outcome(Case(Path("silent"), frozenset()), None, (Alternative("a", 0.2),)))
    some.append(Outcome(Case(Path("right"), frozenset(["a"])), "a", (Alternative("a", 0.2),)))
    assert [str(one.case.photo) for one in confused(some)] == ["0", "1", "2", "false"]
