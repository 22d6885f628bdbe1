from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.errors import FeedError
from shopsight.testing.shops import SmallShop
from shopsight.train.photos import gather_catalogue, gather_photos


def table(folder: Path, text: str) -> Path:
    """A CSV file beside empty files that its rows may name."""
    for name in ("a.jpg", "b.jpg"):
        (folder / name).touch()
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_folder_gives_a_label_per_folder(labelled: Path, tmp_path: Path) -> None:
    """The first folder is the label; a photo outside all of them is reported, not fatal."""
    found = gather_photos(labelled)
    assert {photo.label for photo in found.photos} == {"red", "green", "blue"}
    assert len(found.photos) == 36
    (tmp_path / "cup").mkdir()
    (tmp_path / "cup" / "a.png").touch()
    (tmp_path / "lost.png").touch()
    found = gather_photos(tmp_path)
    assert [photo.label for photo in found.photos] == ["cup"]
    assert "LABEL/" in found.problems[0].reason


def test_table_columns_are_found_or_named(tmp_path: Path) -> None:
    """product_id serves as the label where there is no column label, and others can be named."""
    path = table(tmp_path, "photo,product_id,kind,who\na.jpg,P1,cup,x\nb.jpg,P2,cup,x\n")
    found = gather_photos(path)
    assert [photo.label for photo in found.photos] == ["P1", "P2"]
    assert found.photos[0].group != found.photos[1].group
    found = gather_photos(path, label_column="kind", group_column="who")
    assert [photo.label for photo in found.photos] == ["cup", "cup"]
    assert found.photos[0].group == found.photos[1].group


def test_bad_rows_are_reported_and_skipped(tmp_path: Path) -> None:
    """A row without photo or label, or whose file is missing, costs only itself."""
    path = table(tmp_path, "photo,label\na.jpg,cup\n,cup\nb.jpg,\nc.jpg,cup\n")
    found = gather_photos(path)
    assert len(found.photos) == 1
    assert [problem.where.rpartition(" ")[2] for problem in found.problems] == ["2", "3", "4"]
    assert "does not exist" in found.problems[2].reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("photo,kind\na.jpg,cup\n", "--label-column"),
        ("picture,label\na.jpg,cup\n", "'photo'"),
        ("photo,label\n", "no labelled photo"),
        ("photo,event\na.jpg,purchase\n", "'product_id'"),
    ],
)
def test_unusable_tables_say_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    """A list of which nothing can be used is an error that tells how to mend it."""
    with pytest.raises(FeedError, match=said):
        gather_photos(table(tmp_path, text))


def test_missing_source_is_an_error(tmp_path: Path) -> None:
    """A path that leads nowhere is named."""
    with pytest.raises(FeedError, match="nowhere"):
        gather_photos(tmp_path / "nowhere")


def test_events_label_a_photo_by_what_was_chosen(tmp_path: Path) -> None:
    """A purchase outweighs clicks, a view says nothing, and a tie is reported."""
    rows = [
        "a.jpg,P1,product_click",
        "a.jpg,P1,product_click",
        "a.jpg,P2,purchase",
        "a.jpg,P3,product_view",
        "b.jpg,P1,product_click",
        "b.jpg,P2,product_click",
        ",P2,purchase",
    ]
    path = table(tmp_path, "\n".join(["photo,product_id,event", *rows]))
    found = gather_photos(path)
    assert [(photo.path.name, photo.label) for photo in found.photos] == [("a.jpg", "P2")]
    assert "equally often" in found.problems[0].reason


def test_catalogue_pictures_join_their_products(tmp_path: Path) -> None:
    """A picture of a labelled product gets its label; any other is a class of its own."""
    shop = SmallShop(tmp_path / "feed", 3)
    first = gather_catalogue(shop.feed, frozenset())
    assert not any(photo.named for photo in first.photos)
    product = first.photos[0].group.removeprefix("product ")
    found = gather_catalogue(shop.feed, frozenset({product}))
    assert [photo.label for photo in found.photos if photo.named] == [product]
    assert all(photo.catalogue for photo in found.photos)
    assert len({photo.label for photo in found.photos}) == len(found.photos)
