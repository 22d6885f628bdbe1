from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from shopsight.catalog.calibrations import CalibrationStore
from shopsight.errors import EncoderMismatchError, FeedError, VectorIndexError
from shopsight.photo_lists import PhotoRow
from shopsight.search.calibrate import LEAST_GROUPS, Calibration
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]


@pytest.fixture
def open_shop(open_shop: OpenShop) -> OpenShop:
    """Opens shops that calibrate when they index."""
    return partial(open_shop, calibrate=True)


def kept(shop: Shop) -> Calibration | None:
    """The calibration of the active index, as the database has it."""
    manifest = shop.index_info().manifest
    text = CalibrationStore(shop.database).load(manifest.name, manifest.fingerprint)
    return None if text is None else Calibration.from_json(text)


def confidence(shop: Shop, feed: SmallShop) -> float | None:
    """How sure a search with a product's own picture is of its best hit."""
    return shop.search(feed.folder / "p3.png").hits[0].confidence


def grown(feed: SmallShop, count: int) -> None:
    """Let the feed have so many products."""
    known = len(feed.rows)
    feed.rows = feed.rows[:count] + [feed.row(number) for number in range(known, count)]
    for number in range(known, count):
        feed.draw(f"p{number}.png", seed=number)
    feed.write()


def row(path: Path, **columns: str) -> PhotoRow:
    """A row of a list of photos."""
    return PhotoRow(path, path.name, columns)


def test_indexing_fits_confidence(open_shop: OpenShop, feed: SmallShop) -> None:
    """After indexing, hits of a photo have probabilities that add up to one at most."""
    shop = open_shop()
    shop.index(feed.feed)
    found = kept(shop)
    assert found is not None
    assert (found.products, found.samples.pictures) == (12, 12)
    sure = [hit.confidence for hit in shop.search(feed.folder / "p3.png", limit=12).hits]
    assert all(one is not None and 0 <= one <= 1 for one in sure)
    assert sure[0] == max(sure)
    assert sure[0] > 0.5
    assert sum(sure) < 1.001


def test_the_setting_switches_it_off(open_shop: OpenShop, feed: SmallShop) -> None:
    """With `calibrate` off, indexing fits nothing; asked for by hand, it is fitted all the same."""
    shop = open_shop(calibrate=False)
    shop.index(feed.feed)
    shop.calibrate_if_due()
    assert kept(shop) is None
    assert confidence(shop, feed) is None
    steps: list[tuple[int, int]] = []
    found = shop.calibrate(progress=lambda done, total: steps.append((done, total)))
    assert found == kept(shop)
    assert found is not None
    assert confidence(shop, feed) is not None
    assert steps[-1] == (36, 36)


def test_it_is_fitted_once(open_shop: OpenShop, feed: SmallShop) -> None:
    """While the products stay, no later run fits anything: the encoder is not even loaded."""
    open_shop().index(feed.feed)
    again = open_shop()
    again.calibrate_if_due()
    again.index(feed.feed)
    assert not again.models.loaded
    assert confidence(again, feed) is not None


def test_it_is_fitted_anew_when_the_shop_changes(open_shop: OpenShop, feed: SmallShop) -> None:
    """A product more in thirteen changes nothing; many more, or another index version, do."""
    shop = open_shop()
    shop.index(feed.feed)
    grown(feed, 13)
    shop.index(feed.feed)
    before = kept(shop)
    assert before is not None
    assert before.products == 12
    grown(feed, 20)
    shop.index(feed.feed)
    after = kept(shop)
    assert after is not None
    assert after.products == 20
    shop.reindex()
    anew = kept(shop)
    assert anew is not None
    assert anew.version != after.version
    assert confidence(shop, feed) is not None


def test_another_encoder_fits_nothing(open_shop: OpenShop, feed: SmallShop) -> None:
    """Products can be removed with another encoder set; its scores would mean nothing here."""
    first = open_shop()
    first.index(feed.feed)
    before = kept(first)
    grown(feed, 9)
    other = open_shop(encoder="two-part")
    assert other.index(feed.feed, sync=True).counters.products_removed == 3
    assert kept(other) == before
    with pytest.raises(EncoderMismatchError):
        other.calibrate()


def test_too_few_products_tell_nothing(open_shop: OpenShop, feed: SmallShop) -> None:
    """Below the least number of products there is no confidence, and what there was is forgotten.

    Products that are variants of one design count as one.
    """
    shop = open_shop()
    shop.index(feed.feed)
    assert kept(shop) is not None
    shop.delete_products([f"p{number}" for number in range(LEAST_GROUPS - 1, 12)])
    assert shop.calibrate() is None
    assert kept(shop) is None
    assert confidence(shop, feed) is None
    assert not shop.search(feed.folder / "p3.png").no_match
    other = open_shop(data=feed.folder / "data")
    feed.rows = [{**one, "item_group_id": f"g{place % 3}"} for place, one in enumerate(feed.rows)]
    with feed.feed.open("w", encoding="utf-8") as file:
        file.write(",".join(feed.rows[0]) + "\n")
        file.writelines(",".join(one.values()) + "\n" for one in feed.rows)
    other.index(feed.feed)
    assert kept(other) is None


def test_labelled_photos_count(open_shop: OpenShop, feed: SmallShop) -> None:
    """Photos of products and of other things are used; several rows of one photo are one photo.

    A photo of a product that the shop does not know says nothing, nor does one that is broken.
    """
    shop = open_shop(calibrate=False)
    shop.index(feed.feed)
    strange = feed.draw("strange.png", seed=99)
    broken = feed.folder / "broken.png"
    broken.write_bytes(b"no picture")
    pictures = [feed.folder / f"p{number}.png" for number in range(4)]
    found = shop.calibrate(
        [
            row(pictures[0], product_id="p0"),
            row(pictures[1], product_id="p1"),
            row(pictures[1], product_id="p2"),
            row(pictures[2], id="p2", product_id=""),
            row(pictures[3], id="p3", who="Ann"),
            row(strange, product_id=""),
            row(feed.folder / "p5.png", product_id="sold out"),
            row(broken, product_id="p4"),
            row(feed.folder / "nowhere.png", product_id="p4"),
        ]
    )
    assert found is not None
    assert (found.samples.photos, found.samples.absent_photos) == (3, 2)


def test_photos_without_a_column_are_refused(open_shop: OpenShop, feed: SmallShop) -> None:
    """A list that names no products is not taken for photos of what is not sold."""
    shop = open_shop(calibrate=False)
    shop.index(feed.feed)
    with pytest.raises(FeedError, match=r"p1\.png.*product_id"):
        shop.calibrate([row(feed.folder / "p1.png", who="Ann")])


def test_there_must_be_an_index(open_shop: OpenShop) -> None:
    """Nothing can be fitted before something is indexed; nor is anything due."""
    shop = open_shop()
    shop.calibrate_if_due()
    with pytest.raises(VectorIndexError, match="index"):
        shop.calibrate()
