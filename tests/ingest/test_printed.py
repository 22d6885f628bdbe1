from __future__ import annotations

import csv
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from shopsight.errors import DecodeError, EncoderError
from shopsight.ingest.importer import FeedRequest
from shopsight.ingest.report import IngestReport
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]


class Print:
    """What is printed on pictures, by the name of their file; counts how often each is read."""

    def __init__(self, **texts: str | Exception) -> None:
        self.texts = texts
        self.read: list[str] = []

    def __call__(self, location: str) -> str:
        """What is printed on a picture."""
        name = Path(location).stem
        self.read.append(name)
        found = self.texts.get(name, "")
        if isinstance(found, Exception):
            raise found
        return found


def index(
    shop: Shop, feed: Path, words: Print | None = None, cancel: threading.Event | None = None
) -> IngestReport:
    """Index a feed, and read the pictures if there is somebody to read them."""
    request = FeedRequest(feed)
    report = shop._importer().index(request, sync=False, words=words, progress=None, cancel=cancel)
    shop.refresh()
    return report


def found(shop: Shop, text: str) -> list[str]:
    """Products that words find."""
    return [hit.product.id for hit in shop.search(text=text).hits]


@pytest.mark.parametrize("store", ["lance", "exact"])
def test_products_are_found_by_what_is_printed_on_them(
    open_shop: OpenShop, small_shop: SmallShop, store: str
) -> None:
    """Printed words are searched for like others, are no typing errors, and change no vector."""
    shop = open_shop(store=store)
    index(shop, small_shop.feed)
    assert found(shop, "zitronella") == []
    report = index(shop, small_shop.feed, Print(p3="ZITRONELLA\nNo. 4711"))
    assert (report.counters.images_read, report.counters.images_encoded) == (8, 0)
    assert found(shop, "Zitronella") == found(shop, "4711") == ["p3"]
    assert found(open_shop(store=store), "zitronela") == ["p3"]  # reads the vocabulary anew


def test_a_picture_is_read_once(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """What was read is known by the picture's content: again, elsewhere, and in a new index."""
    shop = open_shop()
    index(shop, small_shop.feed, Print(p3="zitronella"))
    small_shop.rows[5]["image_link"] = shutil.copy(
        small_shop.folder / "p3.png", small_shop.folder / "copy.png"
    ).name
    small_shop.rows[0]["title"] = "Kettle"
    small_shop.write()
    again = Print()
    index(shop, small_shop.feed, again)
    assert again.read == []
    assert sorted(found(shop, "zitronella")) == ["p3", "p5"]
    shop.reindex(calibrate=False)
    assert sorted(found(shop, "zitronella")) == ["p3", "p5"]


def test_a_change_of_the_product_keeps_the_printed_words(
    open_shop: OpenShop, small_shop: SmallShop
) -> None:
    """Another title or price leaves what the picture says, also in a run that reads nothing."""
    shop = open_shop()
    index(shop, small_shop.feed, Print(p3="zitronella"))
    small_shop.rows[3] |= {"title": "Kettle", "price": "99 EUR"}
    small_shop.write()
    index(shop, small_shop.feed)
    assert found(shop, "zitronella") == found(shop, "kettle") == ["p3"]


def test_another_picture_says_other_words(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """Words of a picture that was replaced are no longer found."""
    shop = open_shop()
    index(shop, small_shop.feed, Print(p3="zitronella"))
    small_shop.draw("p3.png", seed=77)
    index(shop, small_shop.feed, Print(p3="bergamotte"))
    assert found(shop, "zitronella") == []
    assert found(shop, "bergamotte") == ["p3"]


def test_what_cannot_be_read_stops_nothing_and_is_tried_again(
    open_shop: OpenShop, small_shop: SmallShop
) -> None:
    """Failures are listed with their reasons; the product stays, and the next run reads again."""
    shop = open_shop()
    broken = Print(
        p2=DecodeError("too damaged", reason="corrupt"),
        p3="zitronella",
        p4=EncoderError("no model"),
    )
    report = index(shop, small_shop.feed, broken)
    assert report.counters.images_read == 6
    assert report.problems is not None
    with report.problems.open(newline="", encoding="utf-8") as file:
        reasons = {row["product_id"]: row["reason"] for row in csv.DictReader(file)}
    assert reasons.keys() == {"p2", "p4"}
    assert "too damaged" in reasons["p2"]
    assert found(shop, "zitronella") == ["p3"]
    later = Print(p2="melisse")
    index(shop, small_shop.feed, later)
    assert sorted(later.read) == ["p2", "p4"]
    assert found(shop, "melisse") == ["p2"]


def test_a_stopped_run_keeps_what_it_read(open_shop: OpenShop, small_shop: SmallShop) -> None:
    """After a stop in the middle the next run reads only the rest."""
    shop = open_shop()
    cancel = threading.Event()
    first = Print()

    def stop_soon(location: str) -> str:
        if len(first.read) == 2:
            cancel.set()
        return first(location)

    request = FeedRequest(small_shop.feed)
    shop._importer().index(request, sync=False, words=stop_soon, progress=None, cancel=cancel)
    assert len(first.read) == 3
    rest = Print()
    index(shop, small_shop.feed, rest)
    assert len(rest.read) == 5
    assert not set(rest.read) & set(first.read)
