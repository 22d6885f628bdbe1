from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.errors import FeedError
from shopsight.photo_lists import Box, photo_rows, read_photo_list


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


BOXES = (
    "photo,id,x1,y1,x2,y2\n"
    "a.jpg,1,0,0,0.5,0.5\na.jpg,2,0.5,0.5,1,1\na.jpg,3,0.5,0.5,1,1\nb.jpg,,0.2,0.2,0.4,0.6\n"
)


def test_boxes_stand_for_themselves(tmp_path: Path) -> None:
    """With boxes each part of a photo is an entry; without them its products are joined."""
    path = write(tmp_path / "l.csv", BOXES)
    found = read_photo_list(path, boxes=True)
    assert [(one.box, one.product_ids) for one in found.photos] == [
        (Box(0, 0, 0.5, 0.5), {"1"}),
        (Box(0.5, 0.5, 1, 1), {"2", "3"}),
    ]
    assert [one.box for one in found.absent] == [Box(0.2, 0.2, 0.4, 0.6)]
    (whole,) = read_photo_list(path).photos
    assert (whole.box, whole.product_ids) == (None, {"1", "2", "3"})


def test_margin_stays_in_the_picture(tmp_path: Path) -> None:
    """A margin is a share of the box, on all sides, and ends where the picture does."""
    found = read_photo_list(write(tmp_path / "l.csv", BOXES), boxes=True, margin=0.5)
    assert found.photos[0].box == (0, 0, 0.75, 0.75)
    assert found.absent[0].box == pytest.approx((0.1, 0, 0.5, 0.8))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (",,,", r"l\.csv:2 has no box.*--only"),
        ("a,0,1,1", "'a', '0', '1', '1'"),
        ("0.5,0,0.5,1", "empty"),
        ("0,0,1.2,1", "reaches out"),
        ("nan,0,1,1", "empty or reaches out"),
    ],
)
def test_bad_boxes_name_their_row(tmp_path: Path, cells: str, message: str) -> None:
    """A box that is missing or makes no sense is an error that names the row."""
    path = write(tmp_path / "l.csv", f"photo,id,x1,y1,x2,y2\na.jpg,1,{cells}\n")
    with pytest.raises(FeedError, match=message):
        read_photo_list(path, boxes=True)


def test_boxes_need_columns(tmp_path: Path) -> None:
    """A list without boxes cannot be cut to them."""
    with pytest.raises(FeedError, match="no column 'x1'"):
        read_photo_list(write(tmp_path / "l.csv", "photo,id\na.jpg,1\n"), boxes=True)


def test_several_values_of_a_column(tmp_path: Path) -> None:
    """Rows with any of the wanted values are used."""
    path = write(tmp_path / "l.csv", "photo,id,role\na,1,main\nb,,absent\nc,2,back\n")
    found = read_photo_list(path, only={"role": ["main", "absent"]})
    assert [one.photo.name for one in (*found.photos, *found.absent)] == ["a", "b"]
