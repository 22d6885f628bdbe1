from __future__ import annotations

import csv
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from shopsight.catalog.product import Product
from shopsight.errors import BusyError, FeedError, IngestError, VectorIndexError
from shopsight.ingest.lock import writer_lock
from shopsight.ingest.report import IngestCounters, IngestReport
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]


def found(shop: Shop, photo: Path, where: str = "") -> list[str]:
    """Ids of all products that a photo finds, best first."""
    return [hit.product.id for hit in shop.search(photo, where=where, limit=100).hits]


def problems(report: IngestReport) -> list[dict[str, str]]:
    """Rows of the list of problems."""
    assert report.problems is not None
    with report.problems.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_product_is_found_by_its_picture(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """After indexing, each product's own picture finds it first, with all its fields."""
    shop = open_shop()
    report = shop.index(small_shop.feed)
    assert report.counters == IngestCounters(rows_read=8, products_created=8, images_encoded=8)
    assert report.problems is None
    for number in range(8):
        result = shop.search(small_shop.folder / f"p{number}.png")
        assert result.hits[0].product.title == f"Product {number}"
        assert result.hits[0].score == pytest.approx(1, abs=1e-3)
        assert result.total == 8


def test_unchanged_feed_needs_no_encoder(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A second run over the same feed encodes nothing and does not even load the model."""
    open_shop().index(small_shop.feed)
    again = open_shop()
    report = again.index(small_shop.feed)
    assert report.counters == IngestCounters(rows_read=8, products_unchanged=8, images_unchanged=8)
    assert not again.models.loaded


def test_changed_fields_keep_the_vector(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A new price is searchable at once, and its picture is not encoded again."""
    shop = open_shop()
    shop.index(small_shop.feed)
    small_shop.rows[3]["price"] = "999.00 EUR"
    small_shop.write()
    report = shop.index(small_shop.feed)
    assert (report.counters.products_updated, report.counters.images_encoded) == (1, 0)
    assert found(shop, small_shop.folder / "p0.png", "price > 900") == ["p3"]
    assert shop.catalog.one("p3").price.amount == 999


def test_changed_picture_is_encoded_again(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A picture whose file changed replaces the old one; the others stay as they are."""
    shop = open_shop()
    shop.index(small_shop.feed)
    new = small_shop.draw("p3.png", seed=77)
    os.utime(new, ns=(1, 1))
    assert shop.index(small_shop.feed).counters.images_encoded == 1
    hit = shop.search(new).hits[0]
    assert (hit.product.id, hit.score) == ("p3", pytest.approx(1, abs=1e-3))


def test_touched_picture_is_not_encoded_again(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A file with a new time stamp but the same bytes is read, recognised, and left alone."""
    shop = open_shop()
    shop.index(small_shop.feed)
    os.utime(small_shop.folder / "p3.png", ns=(1, 1))
    counters = shop.index(small_shop.feed).counters
    assert (counters.images_encoded, counters.images_unchanged) == (0, 8)


def test_best_picture_of_a_product_counts(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A product with two pictures is one hit, until the second picture is dropped."""
    second = small_shop.draw("p3-back.png", seed=50)
    small_shop.rows[3]["additional_image_link"] = "p3-back.png"
    small_shop.write()
    shop = open_shop()
    shop.index(small_shop.feed)
    hits = shop.search(second).hits
    assert [hit.product.id for hit in hits].count("p3") == 1
    assert (hits[0].product.id, hits[0].position, hits[0].image_link) == ("p3", 1, "p3-back.png")
    small_shop.rows[3]["additional_image_link"] = ""
    small_shop.write()
    shop.index(small_shop.feed)
    assert shop.search(second, limit=8).hits[0].score < 0.99
    assert shop.index_info().health.rows == 8


def test_bad_pictures_do_not_stop_the_rest(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """Missing, truncated and fake pictures are listed, and are taken in once mended."""
    (small_shop.folder / "p1.png").unlink()
    (small_shop.folder / "p2.png").write_bytes(b"<html><body>404 not found</body></html>")
    whole = (small_shop.folder / "p3.png").read_bytes()
    (small_shop.folder / "p3.png").write_bytes(whole[: len(whole) // 2])
    shop = open_shop()
    report = shop.index(small_shop.feed)
    assert (report.counters.images_encoded, report.counters.images_failed) == (5, 3)
    assert {row["product_id"] for row in problems(report)} == {"p1", "p2", "p3"}
    assert "HTML" in next(row["reason"] for row in problems(report) if row["product_id"] == "p2")
    assert shop.catalog.counts().products == 8
    for number in (1, 2, 3):
        small_shop.draw(f"p{number}.png", seed=number)
    assert shop.index(small_shop.feed).counters.images_encoded == 3
    assert shop.index_info().counts.failed_images == 0


def test_failing_picture_keeps_its_predecessor(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """When a product's new picture cannot be had, the old one goes on finding it."""
    shop = open_shop()
    shop.index(small_shop.feed)
    small_shop.rows[3] |= {"image_link": "gone.png", "price": "999.00 EUR"}
    small_shop.write()
    assert shop.index(small_shop.feed).counters.images_failed == 1
    assert found(shop, small_shop.folder / "p3.png", "price = 999") == ["p3"]


def test_bad_rows_are_reported_and_skipped(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """Rows without a title or with an id used before are listed with line and field."""
    small_shop.rows[2]["title"] = ""
    small_shop.rows[5]["id"] = "p4"
    small_shop.write()
    report = open_shop().index(small_shop.feed)
    assert (report.counters.rows_read, report.counters.rows_skipped) == (6, 2)
    listed = {(row["line"], row["field"]) for row in problems(report)}
    assert listed == {("4", "title"), ("7", "id")}


def test_sync_removes_what_is_gone(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """With sync, products that left the feed leave catalogue and index; without it they stay."""
    shop = open_shop()
    shop.index(small_shop.feed)
    small_shop.rows = small_shop.rows[:6]
    small_shop.write()
    assert shop.index(small_shop.feed).counters.products_removed == 0
    assert shop.index(small_shop.feed, sync=True).counters.products_removed == 2
    assert set(found(shop, small_shop.folder / "p7.png")) == {f"p{n}" for n in range(6)}
    assert shop.catalog.counts().products == 6


def test_sync_keeps_products_whose_row_is_bad(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A product whose row cannot be read today is not taken for one that is gone."""
    shop = open_shop()
    shop.index(small_shop.feed)
    small_shop.rows[2]["title"] = ""
    small_shop.write()
    assert shop.index(small_shop.feed, sync=True).counters.products_removed == 0
    assert shop.catalog.one("p2").title == "Product 2"


def test_sync_refuses_to_empty_the_shop(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A feed that lost most of its products is taken for a broken one: nothing is removed."""
    shop = open_shop()
    shop.index(small_shop.feed)
    small_shop.rows = small_shop.rows[:1]
    small_shop.write()
    with pytest.raises(IngestError, match=r"remove 7 of 8.*SHOPSIGHT_SYNC_MAX_REMOVED"):
        shop.index(small_shop.feed, sync=True)
    assert shop.catalog.counts().products == 8


def test_second_writer_is_turned_away(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """While one run holds the lock another ends at once, and says who holds it."""
    shop = open_shop()
    with writer_lock(shop.settings.data), pytest.raises(BusyError, match=f"process {os.getpid()}"):
        shop.index(small_shop.feed)
    assert shop.index(small_shop.feed).counters.images_encoded == 8


def test_cancelled_run_keeps_what_it_did(open_shop: OpenShop, tmp_path: Path) -> None:
    """A run that is asked to stop writes what it encoded; the next one does only the rest."""
    big = SmallShop(tmp_path / "big", 60)
    cancel = threading.Event()

    class StopAfterFirstBatch:
        def update(self, counters: IngestCounters) -> None:
            if counters.images_encoded:
                cancel.set()

    shop = open_shop(batch_size=8)
    first = shop.index(big.feed, cancel=cancel, progress=StopAfterFirstBatch())
    assert first.cancelled
    assert 8 <= first.counters.images_encoded < 60
    second = shop.index(big.feed)
    assert first.counters.images_encoded + second.counters.images_encoded == 60
    assert shop.index_info().counts.searchable == 60


def test_attribute_of_another_type_is_reported(open_shop: OpenShop, tmp_path: Path) -> None:
    """An attribute of another type than before is left out of the index, with a warning."""
    shop = SmallShop(tmp_path / "feed", 2)
    feed = shop.folder / "feed.jsonl"
    feed.write_text(
        '{"id": "p0", "title": "A", "image_link": "p0.png", "watts": 5}\n'
        '{"id": "p1", "title": "B", "image_link": "p1.png", "watts": "five"}\n'
    )
    opened = open_shop()
    report = opened.index(feed)
    assert [(row["product_id"], row["field"]) for row in problems(report)] == [("p1", "watts")]
    assert found(opened, shop.folder / "p0.png", "watts = 5") == ["p0"]
    assert opened.catalog.one("p1").attributes["watts"] == "five"


def test_put_says_what_became_of_each(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """Single writes report each outcome, and known local pictures stay usable."""
    shop = open_shop()
    shop.index(small_shop.feed)
    known = shop.catalog.one("p1")
    cheaper = known.model_copy(update={"title": "Cheaper"})
    stranger = Product(id="new", title="New", image_link="/etc/hostname")
    statuses = shop.put_products([shop.catalog.one("p0"), cheaper, stranger])
    assert [item.status for item in statuses] == ["unchanged", "updated", "failed"]
    assert "path on this machine" in (statuses[2].error or "")
    assert shop.search(small_shop.folder / "p1.png").hits[0].product.title == "Cheaper"


def test_delete_says_what_became_of_each(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """Deleted products are found no more; an unknown id is told apart."""
    shop = open_shop()
    shop.index(small_shop.feed)
    statuses = shop.delete_products(["p1", "nope"])
    assert [item.status for item in statuses] == ["deleted", "not_found"]
    assert "p1" not in found(shop, small_shop.folder / "p1.png")
    assert shop.search(small_shop.folder / "p1.png").total == 7


def test_missing_feed_and_missing_index(
    open_shop: OpenShop, tmp_path: Path, small_shop: SmallShop
) -> None:
    """A missing feed, and a search before anything is indexed, say what to do."""
    shop = open_shop()
    with pytest.raises(FeedError, match=r"nope\.csv"):
        shop.index(tmp_path / "nope.csv")
    with pytest.raises(VectorIndexError, match="shopsight index FEED"):
        open_shop(data=tmp_path / "other").search(small_shop.folder / "p0.png")


def test_index_that_was_deleted_is_not_taken_for_empty(
    open_shop: OpenShop, small_shop: SmallShop, tmp_path: Path
) -> None:
    """When the vectors are gone, the message says how to rebuild them, and that works."""
    open_shop().index(small_shop.feed)
    (tmp_path / "data" / "index").rename(tmp_path / "moved")
    shop = open_shop()
    with pytest.raises(VectorIndexError, match="shopsight reindex"):
        shop.index(small_shop.feed)
    assert shop.reindex().counters.images_encoded == 8
    assert found(shop, small_shop.folder / "p3.png")[0] == "p3"


def test_refused_link_is_never_trusted_later(
    open_shop: OpenShop, small_shop: SmallShop, tmp_path: Path
) -> None:
    """A local picture that a feed was refused is not read by later writes or a re-index either."""
    outside = SmallShop(tmp_path / "private", 1).folder / "p0.png"
    shop = open_shop()
    shop.index(small_shop.feed)
    thief = Product(id="thief", title="Thief", image_link=str(outside))
    for _ in range(2):
        assert shop.put_products([thief])[0].status == "failed"
    report = shop.reindex()
    assert (report.counters.images_encoded, report.counters.images_failed) == (8, 1)
    assert "thief" not in found(shop, outside)


def test_cancel_does_not_wait_for_a_slow_server(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """A run that waits for a server that never answers stops soon after it is asked to."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for row in small_shop.rows:
            row["image_link"] = f"http://127.0.0.1:{port}/{row['id']}.png"
        small_shop.write()
        cancel = threading.Event()
        threading.Timer(0.5, cancel.set).start()
        shop = open_shop(
            allow_hosts=["127.0.0.1"], fetch_read_timeout_s=300, fetch_total_timeout_s=600
        )
        started = time.monotonic()
        assert shop.index(small_shop.feed, cancel=cancel).cancelled
        assert time.monotonic() - started < 60
