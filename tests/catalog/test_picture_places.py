from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsight.catalog.database import Database
from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogStore, ImageState


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[CatalogStore]:
    """Products a and b with a picture each; both pictures are the same file."""
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    store = CatalogStore(database)
    made = [Product(id=key, title=key, image_link=f"{key}.png") for key in "ab"]
    store.save(made, known={}, run_id="1")
    store.save_images(
        ImageState(f"{key}#0", key, 0, f"{key}.png", f"/{key}.png", content_hash="one")
        for key in "ab"
    )
    yield store
    database.close()


def test_pictures_of_one_content_share_places(catalog: CatalogStore) -> None:
    """Places are found by the records of the index; the last ones kept count."""
    catalog.places.put({"one": b"1", "two": b"2"}, "lite")
    catalog.places.put({"one": b"3"}, "lite")
    found = catalog.places.of_records(["a#0", "b#0", "c#0"], "lite")
    assert found == {"a#0": b"3", "b#0": b"3"}


def test_encoders_do_not_mix(catalog: CatalogStore) -> None:
    """What one encoder saw is not handed out for another, and each can be replaced alone."""
    catalog.places.put({"one": b"1"}, "old")
    catalog.places.put({"one": b"2"}, "new")
    assert catalog.places.of_records(["a#0"], "old") == {"a#0": b"1"}
    assert catalog.places.of_records(["a#0"], "new") == {"a#0": b"2"}
    assert catalog.places.of_records(["a#0"], "other") == {}


def test_what_nobody_needs_is_forgotten(catalog: CatalogStore) -> None:
    """Places of encoders that made no index, and of pictures that are gone, are deleted."""
    catalog.places.put({"one": b"1"}, "old")
    catalog.places.put({"one": b"2", "gone": b"3"}, "new")
    catalog.places.keep_only({"new"})
    assert catalog.places.of_records(["a#0"], "old") == {}
    assert catalog.places.of_records(["a#0"], "new") == {"a#0": b"2"}
    catalog.save_images([ImageState("b#0", "b", 0, "b.png", "/b.png", content_hash="gone")])
    assert catalog.places.of_records(["b#0"], "new") == {}
