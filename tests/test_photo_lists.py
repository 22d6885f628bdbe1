from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.errors import FeedError
from shopsight.photo_lists import photo_rows, read_photo_list


def write(path: Path, text: str) -> Path:
    """Write a file and return its path."""
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_carried_through(tmp_path: Path) -> None:
    """Photos of a CSV file are relative to it, echoed as given, with their other columns."""
    (row,) = photo_rows(write(tmp_path / "list.csv", "photo,who\nsub/a.jpg,Ann\n"))
    assert (row.path, row.photo, row.columns) == (
        tmp_path / "sub/a.jpg",
        "sub/a.jpg",
        {"who": "Ann"},
    )


def test_folder_is_searched_for_photos(tmp_path: Path) -> None:
    """A folder gives its photos and those below it, in order, and nothing else."""
    (tmp_path / "sub").mkdir()
    for name in ("b.JPG", "a.png", "notes.txt", "sub/c.webp"):
        (tmp_path / name).touch()
    assert [row.path.name for row in photo_rows(tmp_path)] == ["a.png", "b.JPG", "c.webp"]


def test_single_photo(tmp_path: Path) -> None:
    """A photo is a list of one."""
    (tmp_path / "a.jpg").touch()
    assert [row.photo for row in photo_rows(tmp_path / "a.jpg")] == [str(tmp_path / "a.jpg")]


def test_nothing_to_do_is_an_error(tmp_path: Path) -> None:
    """A missing path, an empty folder, and a CSV file without the column are told apart."""
    with pytest.raises(FeedError, match="does not exist"):
        photo_rows(tmp_path / "nope.jpg")
    with pytest.raises(FeedError, match="no photo in"):
        photo_rows(tmp_path)
    with pytest.raises(FeedError, match="no column 'photo'; it has: picture"):
        photo_rows(write(tmp_path / "list.csv", "picture\nx.jpg\n"))
    with pytest.raises(FeedError, match="cannot be read"):
        photo_rows(tmp_path / "nope.csv")


def test_labels_of_one_photo_are_joined(tmp_path: Path) -> None:
    """Rows of the same photo name several right products; rows without one are counted."""
    text = "photo,product_id,role\na.jpg,1,main\na.jpg,2,main\na.jpg,3,background\nb.jpg,,main\n"
    found = read_photo_list(write(tmp_path / "l.csv", text), only={"role": "main"})
    assert [(p.photo.name, p.product_ids) for p in found.photos] == [("a.jpg", {"1", "2"})]
    assert found.unlabelled == 1


def test_label_column_may_be_id(tmp_path: Path) -> None:
    """A list whose label column is called ``id`` works; one without labels says what is missing."""
    found = read_photo_list(write(tmp_path / "l.csv", "photo,id\na.jpg,1\n"))
    assert found.photos[0].product_ids == {"1"}
    with pytest.raises(FeedError, match="no column 'product_id'"):
        read_photo_list(write(tmp_path / "m.csv", "photo,label\na.jpg,1\n"))
    with pytest.raises(FeedError, match="no column 'kind'"):
        read_photo_list(write(tmp_path / "n.csv", "photo,id\na.jpg,1\n"), only={"kind": "single"})
