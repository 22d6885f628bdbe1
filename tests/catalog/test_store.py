from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shopsight.catalog.database import Database
from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogStore, ImageState, PicturedProduct, record_id
from shopsight.errors import NotFoundError


@pytest.fixture
def catalog(tmp_path: Path):
    """An empty catalogue."""
    database = Database(f"sqlite:///{tmp_path / 'catalog.sqlite'}")
    yield CatalogStore(database)
    database.close()


def product(key: str, **fields: object) -> Product:
    """A product with the fields given."""
    return Product.model_validate(
        {"id": key, "title": f"Thing {key}", "image_link": f"{key}.jpg"} | fields
    )


def save(catalog: CatalogStore, *products: Product, run: str = "run") -> None:
    """Save products as an ingest does."""
    known = catalog.states([item.id for item in products])
    catalog.save(products, known=known, run_id=run)


def picture(key: str, position: int = 0, **fields: object) -> ImageState:
    """State of a picture with the fields given."""
    state = ImageState(record_id(key, position), key, position, f"{key}.jpg", f"/shop/{key}.jpg")
    return replace(state, **fields)  # type: ignore[arg-type]


def test_products_come_back_as_they_went_in(catalog: CatalogStore) -> None:
    """Every field of a product survives the database, whatever characters its texts hold."""
    saved = product(
        "a'\"%_日本",
        description="line\nline\t☕",
        price={"amount": "14.90", "currency": "EUR"},
        attributes={"sizes": ["S", "M"], "weight": 1.5, "organic": True},
    )
    save(catalog, saved)
    assert catalog.one(saved.id) == saved


def test_saving_again_replaces(catalog: CatalogStore) -> None:
    """A product that is saved twice is there once, as it was saved last."""
    save(catalog, product("a"), product("b"))
    save(catalog, product("a", title="New"))
    assert catalog.one("a").title == "New"
    assert catalog.counts().products == 2


def test_unknown_product_is_an_error_with_its_id(catalog: CatalogStore) -> None:
    """Asking for a product that is not there names the id."""
    with pytest.raises(NotFoundError, match="'nope'"):
        catalog.one("nope")
    assert catalog.get(["nope"]) == {}


def test_products_know_since_when_they_are_there(
    catalog: CatalogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One ingest gives all its new products one time, and later changes leave it as it is."""
    for now, run, keys in [(100.0, "x", "a"), (101.0, "x", "b"), (200.0, "y", "bc")]:
        monkeypatch.setattr("time.time", lambda now=now: now)
        save(catalog, *(product(key, title=f"{key} of {run}") for key in keys), run=run)
    found = catalog.dated(["c", "b", "a", "nope"])
    assert {key: each.added_at for key, each in found.items()} == {"a": 100, "b": 100, "c": 200}
    assert found["b"].product.title == "b of y"
    assert len(catalog.dated([f"p{number}" for number in range(1203)])) == 0


def test_pages_cover_everything_once(catalog: CatalogStore) -> None:
    """Following the cursor through pages gives every product exactly once, in the order of ids."""
    save(catalog, *(product(f"p{number:03}") for number in range(25)))
    seen: list[str] = []
    after = ""
    while page := catalog.page(after=after, limit=7):
        seen += [item.id for item in page]
        after = seen[-1]
    assert seen == [f"p{number:03}" for number in range(25)]


def test_many_ids_at_once(catalog: CatalogStore) -> None:
    """More ids than fit one statement are looked up, marked and deleted all the same."""
    ids = [f"p{number}" for number in range(1203)]
    save(catalog, *map(product, ids))
    assert set(catalog.get(ids)) == set(ids)
    catalog.mark_seen(ids[:1100], "later")
    assert set(catalog.unseen("later")) == set(ids[1100:])
    catalog.delete(ids[:1100])
    assert catalog.counts().products == 103


def test_image_states_round_trip(catalog: CatalogStore) -> None:
    """The state of a picture comes back by product, by position, and by record."""
    save(catalog, product("a"))
    state = picture(
        "a", 1, content_hash="f" * 64, width=40, height=30, etag='"x"', index_version="v0001"
    )
    catalog.save_images([picture("a"), state])
    assert catalog.states(["a"])["a"].images == {0: picture("a"), 1: state}
    assert catalog.image("a", 1) == state
    assert catalog.pictured(["a#1", "zzz"]) == {
        "a#1": PicturedProduct(product("a"), 1, state.link, state.location, "f" * 64, (40, 30))
    }
    with pytest.raises(NotFoundError, match="picture number 7"):
        catalog.image("a", 7)


def test_pictures_go_with_their_product(catalog: CatalogStore) -> None:
    """Deleting a product deletes the states of its pictures, and late ones are not brought back."""
    save(catalog, product("a"))
    catalog.save_images([picture("a")])
    catalog.delete(["a"])
    catalog.save_images([picture("a")])
    assert catalog.pictured(["a#0"]) == {}


def test_counts_tell_products_from_pictures(catalog: CatalogStore) -> None:
    """A product counts as searchable when one of its pictures is in the version asked for."""
    save(catalog, product("a"), product("b"), product("c"))
    catalog.save_images(
        [
            picture("a", 0, index_version="v0001"),
            picture("a", 1, index_version="v0001"),
            picture("b", 0, index_version="v0002"),
            picture("c", 0, error="404"),
        ]
    )
    counts = catalog.counts("v0001")
    assert (counts.products, counts.searchable, counts.images, counts.failed_images) == (3, 1, 2, 1)
    catalog.move_images("v0002", "v0001")
    assert catalog.counts("v0001").searchable == 2


def test_all_states_walks_the_catalogue(catalog: CatalogStore) -> None:
    """Walking the catalogue in chunks meets each product once, with its pictures."""
    save(catalog, *(product(f"p{number}") for number in range(10)))
    catalog.save_images([picture("p3")])
    walked = [pair for chunk in catalog.all_states(chunk=3) for pair in chunk]
    assert [item.id for item, _ in walked] == [f"p{number}" for number in range(10)]
    assert walked[3][1].images == {0: picture("p3")}


def test_attribute_types_are_remembered(catalog: CatalogStore) -> None:
    """Types of attributes outlive the object that learned them."""
    catalog.add_attribute_types({"color": "string"})
    catalog.add_attribute_types({})
    assert catalog.attribute_types() == {"color": "string"}
