from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.errors import FeedError
from shopsight.evaluate.recognition_cases import Labels, read_cases


def written(folder: Path, text: str) -> Path:
    """A CSV file."""
    path = folder / "photos.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_of_a_column(tmp_path: Path) -> None:
    """Rows of one photo add up, empty labels say there is no right answer, senders are clusters."""
    text = "photo,brand,who\na.jpg,Kavoa,1\na.jpg,Tindra,1\nb.jpg,,2\nc.jpg,,3\nc.jpg,Kavoa,3\n"
    found = read_cases(
        written(tmp_path, text), Labels("brand", spelled=str.upper), group_column="who"
    )
    assert [(case.photo, case.answers, case.cluster) for case in found.cases] == [
        (tmp_path / "a.jpg", frozenset(["KAVOA", "TINDRA"]), "1"),
        (tmp_path / "b.jpg", frozenset(), "2"),
        (tmp_path / "c.jpg", frozenset(["KAVOA"]), "3"),
    ]
    assert found.notes == []


def test_labels_derived_from_products(tmp_path: Path) -> None:
    """Without the column, the product says what it is; one that does not is left out, and said."""
    text = "photo,product_id\na.jpg,1\nb.jpg,unknown\nc.jpg,\nd.jpg,2\n"
    brands = {"1": "Kavoa", "2": ""}
    labels = Labels("brand", lambda ids: {key: brands[key] for key in ids if key in brands})
    found = read_cases(written(tmp_path, text), labels)
    assert [(case.photo.name, case.answers) for case in found.cases] == [
        ("a.jpg", frozenset(["Kavoa"])),
        ("c.jpg", frozenset()),
        ("d.jpg", frozenset()),
    ]
    assert found.cases[0].cluster == "1"
    assert found.left_out == 1
    assert "1 photos were left out" in found.notes[0]


def test_products_may_be_named_by_id(tmp_path: Path) -> None:
    """Where products are the answer, the column may be called ``id`` as elsewhere."""
    found = read_cases(written(tmp_path, "photo,id\na.jpg,7\n"), Labels("product_id"))
    assert found.cases[0].answers == frozenset(["7"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("photo,x\na.jpg,1\n", "no column 'category' or 'product_id' or 'id'.*has: photo, x"),
        ("photo,category\n", "no photo"),
        ("file,category\na,b\n", "no column 'photo'"),
    ],
)
def test_files_that_say_nothing(tmp_path: Path, text: str, message: str) -> None:
    """A file without labels or photos is an error that names what is missing."""
    with pytest.raises(FeedError, match=message):
        read_cases(written(tmp_path, text), Labels("category", lambda _: {}))
