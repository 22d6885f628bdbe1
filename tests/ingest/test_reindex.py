from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shopsight.errors import EncoderMismatchError, IngestError, VectorIndexError
from shopsight.ingest.report import IngestCounters
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]


def first(shop: Shop, photo: Path) -> str:
    """Id of the product that a photo finds first."""
    return shop.search(photo).hits[0].product.id


def test_other_encoder_is_refused_until_reindexed(
    open_shop: OpenShop, small_shop: SmallShop
) -> None:
    """Another encoder than the index's is refused, until a re-index goes over to it."""
    photo = small_shop.folder / "p3.png"
    old = open_shop()
    old.index(small_shop.feed)
    new = open_shop(encoder="lite")
    with pytest.raises(EncoderMismatchError, match=r"thumbnail.*lite.*shopsight reindex"):
        new.search(photo)
    small_shop.draw("p0.png", seed=99)
    with pytest.raises(EncoderMismatchError, match="shopsight reindex"):
        new.index(small_shop.feed)
    assert first(old, photo) == "p3"
    assert new.reindex().counters.images_encoded == 8
    assert first(new, photo) == "p3"
    assert new.index_info().manifest.encoder == "lite"


def test_running_server_goes_over_to_the_new_version(
    open_shop: OpenShop, small_shop: SmallShop
) -> None:
    """An open shop answers from the old version while another re-indexes, then from the new."""
    photo = small_shop.folder / "p3.png"
    writer, server = open_shop(), open_shop()
    writer.index(small_shop.feed)
    assert first(server, photo) == "p3"
    before = server.index_info().manifest.name
    writer.reindex()
    assert first(server, photo) == "p3"
    server.refresh()
    assert first(server, photo) == "p3"
    assert server.index_info().manifest.name > before


def test_interrupted_reindex_goes_on(open_shop: OpenShop, tmp_path: Path) -> None:
    """A stopped re-index leaves the old version in charge; the next one encodes the rest."""
    feed = SmallShop(tmp_path / "feed", 40).feed
    shop = open_shop(batch_size=8)
    shop.index(feed)
    name = shop.index_info().manifest.name
    cancel = threading.Event()

    class StopAfterFirstBatch:
        def update(self, counters: IngestCounters) -> None:
            if counters.images_encoded:
                cancel.set()

    stopped = shop.reindex(cancel=cancel, progress=StopAfterFirstBatch())
    assert stopped.cancelled
    assert shop.index_info().manifest.name == name
    rest = shop.reindex()
    assert stopped.counters.images_encoded + rest.counters.images_encoded == 40
    assert shop.index_info().counts.searchable == 40


def test_reindex_without_pictures_keeps_the_old_index(
    open_shop: OpenShop, small_shop: SmallShop, tmp_path: Path
) -> None:
    """When pictures cannot be had again the new version is not put in charge."""
    shop = open_shop()
    shop.index(small_shop.feed)
    photo = small_shop.draw("query.png", seed=3)
    small_shop.folder.rename(tmp_path / "moved")
    with pytest.raises(IngestError, match="Only 0 of 8 products"):
        shop.reindex()
    assert first(shop, tmp_path / "moved" / photo.name) == "p3"


def test_nothing_to_reindex(open_shop: OpenShop) -> None:
    """Re-indexing before anything was indexed says what to do first."""
    with pytest.raises(VectorIndexError, match="shopsight index FEED"):
        open_shop().reindex()


def test_metric_can_be_changed(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """With the L2 metric scores are minus squared distances: zero for the same picture."""
    open_shop().index(small_shop.feed)
    shop = open_shop(metric="l2")
    shop.reindex()
    hit = shop.search(small_shop.folder / "p3.png").hits[0]
    assert (hit.product.id, hit.score) == ("p3", pytest.approx(0, abs=1e-4))


def test_standardisation_is_fitted_and_kept(open_shop: OpenShop, tmp_path: Path) -> None:
    """Standardised dimensions have mean 0 and deviation 1, and later pictures fit in."""
    big = SmallShop(tmp_path / "feed", 120)
    shop = open_shop(standardize=True)
    shop.index(big.feed)
    collection = shop._lifecycle.open_active()
    vectors = np.concatenate([records.vectors for records in collection.store.scan()])
    assert np.abs(vectors.mean(axis=0)).max() < 1e-3
    assert np.abs(vectors.std(axis=0) - 1).max() < 1e-3
    collection.close()
    manifest = shop.index_info().manifest
    big.rows.append(big.row(120))
    big.draw("p120.png", seed=120)
    big.write()
    assert shop.index(big.feed).counters.images_encoded == 1
    assert shop.index_info().manifest == manifest
    for number in (0, 60, 120):
        hit = shop.search(big.folder / f"p{number}.png").hits[0]
        assert (hit.product.id, hit.score) == (f"p{number}", pytest.approx(1, abs=1e-3))


def test_too_few_vectors_are_not_standardised(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """With a handful of products standardisation waits, and search works without it."""
    shop = open_shop(standardize=True)
    shop.index(small_shop.feed)
    assert shop.index_info().manifest.standardizer is None
    assert first(shop, small_shop.folder / "p3.png") == "p3"
