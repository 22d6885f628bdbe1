from __future__ import annotations

import json
from pathlib import Path

from shopsight.errors import DecodeError
from shopsight.images.boxes import Box
from shopsight.photo_lists import PhotoRow
from shopsight.recognize.answers import Alternative, Evidence, Recognition
from shopsight.recognize.batch import answer_lines


def recognize(row: PhotoRow) -> Recognition:
    """Knows mugs, not lamps, and cannot use anything broken."""
    if "broken" in row.photo:
        raise DecodeError("the JPEG is damaged", reason="corrupt")
    if "lamp" in row.photo:
        return Recognition(None, 0.2, (Alternative("MUG2", 0.2),))
    seen = Evidence("visual", "looks alike", 0.91234, Box(0.1, 0.2, 1 / 3, 0.4), "MUG1")
    return Recognition("MUG1", 0.91234, (Alternative("MUG2", 0.05),), (seen,), {"total": 3.0})


def test_one_line_for_each_photo_in_order() -> None:
    """Every photo gets its line, with its other columns; one that is no good stops no other."""
    rows = [
        PhotoRow(Path(f"/photos/{name}.jpg"), f"{name}.jpg", {"sender": name[0]})
        for name in ("mug", "broken", "lamp")
    ]
    mug, broken, lamp = json.loads(json.dumps(list(answer_lines(rows, recognize))))
    assert mug == {
        "photo": "mug.jpg",
        "sender": "m",
        "answer": "MUG1",
        "confidence": 0.9123,
        "alternatives": [{"answer": "MUG2", "confidence": 0.05}],
        "evidence": [
            {
                "kind": "visual",
                "detail": "looks alike",
                "confidence": 0.9123,
                "box": {"x1": 0.1, "y1": 0.2, "x2": 0.3333, "y2": 0.4},
                "answer": "MUG1",
            }
        ],
    }
    assert (broken["answer"], broken["error"]) == (None, "the JPEG is damaged")
    assert broken["sender"] == "b"
    assert (lamp["answer"], lamp["alternatives"][0]["answer"]) == (None, "MUG2")
    assert "error" not in lamp


def test_columns_never_pass_for_answers() -> None:
    """A column of the list that has the name of one of ours does not stand in for it."""
    row = PhotoRow(Path("lamp.jpg"), "lamp.jpg", {"answer": "MUG9", "confidence": "1"})
    (line,) = answer_lines([row], recognize)
    assert (line["answer"], line["confidence"]) == (None, 0.2)
