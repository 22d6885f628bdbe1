from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shopsight.errors import BlockedAddressError
from shopsight.testing.shops import SmallShop
from shopsight.wiring import Shop

OpenShop = Callable[..., Shop]


class PictureServer(ThreadingHTTPServer):
    """Serves a folder with ETags, counts answers, and misbehaves on demand."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.answers: Counter[int] = Counter()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: PictureServer

    def do_GET(self) -> None:
        path = self.server.folder / self.path.strip("/")
        body = path.read_bytes() if path.is_file() else b""
        tag = f'"{hash(body)}"'
        status = 404 if not body else 304 if self.headers.get("If-None-Match") == tag else 200
        self.server.answers[status] += 1
        self.send_response(status)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body) if status == 200 else 0))
        self.end_headers()
        if status == 200:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def web(small_shop: SmallShop) -> Iterator[PictureServer]:
    """The small shop's folder on a web server, and its feed linking there."""
    server = PictureServer(small_shop.folder)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for row in small_shop.rows:
        row["image_link"] = f"{server.url}/{row['image_link']}"
    small_shop.write()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_pictures_are_asked_for_again_only_when_due(
    open_shop: OpenShop, small_shop: SmallShop, web: PictureServer
) -> None:
    """Fresh pictures are not asked for; old ones are, and unchanged ones are kept."""
    shop = open_shop(allow_hosts=["127.0.0.1"])
    assert shop.index(small_shop.feed).counters.images_encoded == 8
    assert shop.index(small_shop.feed).counters.images_unchanged == 8
    assert web.answers == {200: 8}
    impatient = open_shop(allow_hosts=["127.0.0.1"], fetch_max_age_s=0)
    small_shop.draw("p3.png", seed=70)
    counters = impatient.index(small_shop.feed).counters
    assert (counters.images_encoded, counters.images_unchanged) == (1, 7)
    assert web.answers == {200: 9, 304: 7}


def test_confidence_fetches_each_picture_once_more(
    open_shop: OpenShop, small_shop: SmallShop, web: PictureServer
) -> None:
    """Pictures on the web are not kept, so fitting confidence fetches them, but only once each."""
    shop = open_shop(allow_hosts=["127.0.0.1"], calibrate=True)
    shop.index(small_shop.feed)
    assert shop.calibrate_if_due() is None
    assert web.answers == {200: 16}


def test_missing_picture_is_reported_and_the_rest_goes_on(
    open_shop: OpenShop, small_shop: SmallShop, web: PictureServer
) -> None:
    """A 404 fails one product and no other."""
    (web.folder / "p3.png").unlink()
    counters = open_shop(allow_hosts=["127.0.0.1"]).index(small_shop.feed).counters
    assert (counters.images_encoded, counters.images_failed) == (7, 1)


def test_private_addresses_are_not_fetched(
    open_shop: OpenShop, small_shop: SmallShop, web: PictureServer
) -> None:
    """Without permission no picture is fetched from a private address."""
    shop = open_shop()
    report = shop.index(small_shop.feed)
    assert report.counters.images_failed == 8
    assert report.problems is not None
    assert "--allow-host" in report.problems.read_text(encoding="utf-8")
    with pytest.raises(BlockedAddressError):
        shop.fetch_image(f"{web.url}/p0.png")
    assert not web.answers


def test_feed_from_the_web(open_shop: OpenShop, small_shop: SmallShop, web: PictureServer) -> None:
    """A feed on the web is fetched, and its relative links start there."""
    for number, row in enumerate(small_shop.rows):
        row["image_link"] = f"p{number}.png"
    small_shop.write()
    shop = open_shop(allow_hosts=["127.0.0.1"])
    assert shop.index(f"{web.url}/feed.csv").counters.images_encoded == 8
    photo = shop.fetch_image(f"{web.url}/p3.png")
    assert shop.search(photo).hits[0].product.id == "p3"
