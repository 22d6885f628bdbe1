from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from shopsight.index.collection import Collection, open_collection
from shopsight.index.filters import Compare, Op
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]
STORES = ["lance", "exact"]


@contextmanager
def collection(shop: Shop, store: str) -> Iterator[Collection]:
    """The collection that answers searches."""
    manifest = shop.index_info().manifest
    uri = str(shop.settings.data / "index")
    opened = open_collection(manifest, store=store, uri=uri, fields={})
    yield opened
    opened.close()


def having(shop: Shop, store: str, text: str) -> list[str]:
    """Products of all rows with one of some terms, sorted."""
    with collection(shop, store) as opened:
        return sorted(opened.search_text(text, 1000).product_ids)


@pytest.mark.parametrize("store", STORES)
def test_every_picture_carries_the_words_of_its_product(
    open_shop: OpenShop, small_shop: SmallShop, store: str
) -> None:
    """Words of title and attributes find all pictures of a product, in Chinese as well."""
    small_shop.draw("p3-back.png", seed=50)
    small_shop.rows[3] |= {"additional_image_link": "p3-back.png", "title": "红色 Mugs"}
    small_shop.write()
    shop = open_shop(store=store)
    shop.index(small_shop.feed)
    assert having(shop, store, "mug") == having(shop, store, "红色") == ["p3", "p3"]
    assert having(shop, store, "blue") == ["p0", "p2", "p4", "p6"]
    with collection(shop, store) as opened:
        cheap = opened.search_text("red blue", 100, where=Compare("price", Op.LE, 2))
        assert sorted(cheap.product_ids) == ["p0", "p1"]


@pytest.mark.parametrize("store", STORES)
def test_changed_words_keep_the_vector(
    open_shop: OpenShop, small_shop: SmallShop, store: str
) -> None:
    """A new title is searchable at once, the old one is gone, and no picture is encoded again."""
    open_shop(store=store).index(small_shop.feed)
    small_shop.rows[3]["title"] = "Teapot"
    small_shop.write()
    shop = open_shop(store=store)
    counters = shop.index(small_shop.feed).counters
    assert (counters.products_updated, counters.images_encoded) == (1, 0)
    assert having(shop, store, "teapot") == ["p3"]
    assert having(shop, store, "product") == [f"p{n}" for n in range(8) if n != 3]
    hits = shop.search(small_shop.folder / "p3.png").hits
    assert (hits[0].product.id, hits[0].score) == ("p3", pytest.approx(1, abs=1e-3))


def test_single_writes_bring_words(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A product that is put alone is found by its new words, and not by the old ones."""
    shop = open_shop()
    shop.index(small_shop.feed)
    changed = shop.catalog.one("p1").model_copy(update={"title": "Lamp"})
    assert shop.put_products([changed])[0].status == "updated"
    assert having(shop, "lance", "lamp") == ["p1"]
    shop.delete_products(["p1"])
    assert having(shop, "lance", "lamp") == []


def test_reindexing_adds_words_to_rows_without(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """Rows from before words were kept have them after a re-index."""
    shop = open_shop()
    shop.index(small_shop.feed)
    with collection(shop, "lance") as opened:
        rows = next(opened.scan())
        opened.update_attributes(rows.ids, rows.attributes, [""] * len(rows))
        assert "shopsight reindex" in opened.store.health().detail
    assert having(shop, "lance", "product") == []
    assert shop.reindex().counters.images_encoded == 8
    assert len(having(shop, "lance", "product")) == 8


def test_standardising_keeps_words(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """The scaled copy of an index has the words of the original."""
    shop = open_shop(standardize=True)
    big = SmallShop(small_shop.folder.parent / "big", 101)
    shop.index(big.feed)
    assert shop.index_info().manifest.standardizer is not None
    assert len(having(shop, "lance", "product")) == 101
