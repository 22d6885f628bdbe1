from __future__ import annotations

from pathlib import Path

import pytest

from shopsight.encoders.files import LIMITS
from shopsight.errors import FeedError
from shopsight.evaluate.tasks import PhotosToProducts, field_text, labelled_photos, same_field
from shopsight.photo_lists import LabelledPhoto, PhotoList


def photo(name: str, *ids: str) -> LabelledPhoto:
    """A photo with its right products."""
    return LabelledPhoto(Path(name), frozenset(ids))


def test_photos_are_asked_against_all_pictures(indexed) -> None:
    """Queries come after the catalogue's pictures; products not sold leave no relevant owner."""
    photos = PhotoList([photo("a", "p2"), photo("b", "p3", "gone")], 1, [photo("c")])
    task = PhotosToProducts(photos, indexed.pictures, LIMITS)
    problem = task.problem(failed={0, 13})
    assert len(problem.gallery) == 12
    assert [query.row for query in problem.queries] == [None, 14]
    assert [query.wanted for query in problem.queries] == [1, 2]
    owner = problem.owner_titles[problem.queries[1].relevant[0]]
    assert owner == "p3: Product 3"
    assert problem.absent.tolist() == [15]
    assert [note.split()[0] for note in task.notes(problem)] == ["1", "1"]


def test_lists_that_cannot_succeed_are_refused(indexed) -> None:
    """An empty list, one without a product of the catalogue, and unusable pictures are errors."""
    with pytest.raises(FeedError, match="no photo with a product"):
        PhotosToProducts(PhotoList(), indexed.pictures, LIMITS)
    with pytest.raises(FeedError, match=r"none of the products.*'gone'.*'p0'"):
        PhotosToProducts(PhotoList([photo("a", "gone")]), indexed.pictures, LIMITS)
    task = PhotosToProducts(PhotoList([photo("a", "p1")]), indexed.pictures, LIMITS)
    with pytest.raises(FeedError, match="could be used"):
        task.problem(range(13))


def test_labels_exclude_the_own_group(indexed) -> None:
    """A photo is compared with those of other groups; a label of one group only is not asked."""
    text = "photo,label,sender,use\na,x,1,y\nb,x,1,y\nc,x,2,y\nd,z,2,y\ne,x,3,n\nf,,4,y\n"
    path = indexed.write("labels.csv", text)
    task = labelled_photos(
        path, LIMITS, label_column="label", group_column="sender", only={"use": "y"}
    )
    problem = task.problem(())
    assert [query.row for query in problem.queries] == [0, 1, 2]
    assert problem.queries[0].relevant.tolist() == [2]
    assert problem.queries[0].excluded.tolist() == [0, 1]
    assert [query.cluster for query in problem.queries] == ["1", "1", "2"]
    assert task.notes(problem)[0].startswith("1 of 4 photos")


def test_labels_without_groups(indexed) -> None:
    """Without a group column every photo is asked against all others."""
    path = indexed.write("labels.csv", "photo,kind\na,x\nb,x\nc,x\n")
    problem = labelled_photos(path, LIMITS, label_column="kind").problem(())
    assert [query.relevant.tolist() for query in problem.queries] == [[1, 2], [0, 2], [0, 1]]


def test_label_lists_without_sense_are_refused(indexed) -> None:
    """Missing columns, no label at all, and labels that no two groups share are told apart."""
    path = indexed.write("labels.csv", "photo,kind,none\na,x,\nb,y,\n")
    with pytest.raises(FeedError, match="no column 'label'"):
        labelled_photos(path, LIMITS, label_column="label")
    with pytest.raises(FeedError, match="no column 'who'"):
        labelled_photos(path, LIMITS, label_column="kind", group_column="who")
    with pytest.raises(FeedError, match="no photo with a none"):
        labelled_photos(path, LIMITS, label_column="none")
    with pytest.raises(FeedError, match="share a label"):
        labelled_photos(path, LIMITS, label_column="kind")


def test_same_field_asks_each_product_once(indexed) -> None:
    """Products are asked by their main picture for others of the value, attributes included."""
    problem = same_field(indexed.pictures, "color").problem(())
    assert len(problem.queries) == 12
    assert len(problem.gallery) == 13
    assert {len(query.relevant) for query in problem.queries} == {5}
    assert all(len(query.excluded) == 1 for query in problem.queries)
    assert {query.cluster for query in problem.queries} == {"red", "blue"}


def test_fields_without_sense_are_refused(indexed) -> None:
    """A field that no product has is refused with those there are; so is one that never repeats."""
    with pytest.raises(FeedError, match=r"No product has a 'brand'; there are: .*color.*title"):
        same_field(indexed.pictures, "brand")
    with pytest.raises(FeedError, match="same title"):
        same_field(indexed.pictures, "title")


def test_field_text(indexed) -> None:
    """Fields and attributes are read as text; what is not there is empty."""
    product = indexed.pictures[0].product
    assert field_text(product, "title") == "Product 0"
    assert field_text(product, "color") == "blue"
    assert field_text(product, "stock") == field_text(product, "nonsense") == ""
