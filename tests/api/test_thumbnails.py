from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from PIL import Image

from shopsight.api.server import serving
from shopsight.catalog.keys import KeyStore
from shopsight.images.thumbnails import thumbnail_size
from shopsight.settings import Settings
from shopsight.wiring import Shop

FOREVER = "public, max-age=31536000, immutable"
WHILE = "public, max-age=300, stale-while-revalidate=86400"


@pytest.fixture
def own_shop(sample_shop: Path, tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """Indexes two products whose pictures a test may change, from files or from the web."""
    folder = tmp_path / "feed"
    folder.mkdir()
    shops = []

    def make(base: str = "", **settings: Any) -> Shop:
        for name in ("MUG001.jpg", "MUG002.jpg"):
            shutil.copy(sample_shop / "images" / name, folder / name)
        with (folder / "feed.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "title", "image_link"])
            rows.writerows(
                [["a/b #1", "Mug", f"{base}MUG001.jpg"], ["b", "Cup", f"{base}MUG002.jpg"]]
            )
        values = {"data": tmp_path / "data", "encoder": "thumbnail", "threads": 1}
        more = {"allow_hosts": ["127.0.0.1"], "fetch_retries": 0}
        shop = Shop.open(settings=Settings.model_validate(values | more | settings))
        shops.append(shop)
        shop.index(folder / "feed.csv")
        return shop

    yield make
    for shop in shops:
        shop.close()


@pytest.fixture
def image_host(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """A web server of the folder ``feed``, and the paths that it was asked for."""
    asked: list[str] = []

    class Counting(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            """Note, and send a file."""
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = partial(Counting, directory=str(tmp_path / "feed"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    thread.join()
    server.server_close()


def thumbnail_link(client: httpx.Client, product_id: str) -> str:
    """The address of the thumbnail of a product's main picture, as answers give it."""
    path = "/v1/products/" + product_id.replace("/", "%2F").replace(" ", "%20").replace("#", "%23")
    link: str = client.get(path).json()["pictures"][0]["thumbnail"]["url"]
    return link


def test_hits_give_the_place_of_their_thumbnails(client: httpx.Client, photo: bytes) -> None:
    """Each hit names a thumbnail whose file has the width and height that the hit promised."""
    hits = client.post("/v1/search", files={"image": photo}).json()["hits"]
    assert len(hits) > 3
    for hit in hits[:3]:
        answer = client.get(hit["thumbnail"]["url"])
        assert answer.headers["Content-Type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (hit["thumbnail"]["width"], hit["thumbnail"]["height"])


def test_products_tell_of_their_pictures(admin: httpx.Client, sample_shop: Path) -> None:
    """Products have sizes and thumbnails of their pictures, one by one and in lists."""
    (picture,) = admin.get("/v1/products/MUG001").json()["pictures"]
    with Image.open(sample_shop / "images" / "MUG001.jpg") as image:
        assert (picture["width"], picture["height"]) == image.size
        small = thumbnail_size(image.size, 320)
    assert (picture["thumbnail"]["width"], picture["thumbnail"]["height"]) == small
    listed = {one["id"]: one for one in admin.get("/v1/products").json()["products"]}
    assert listed["MUG001"]["pictures"] == [picture]


def test_a_product_that_was_read_can_be_sent_back(own_shop: Callable[..., Shop]) -> None:
    """What an answer says of pictures may stay in a PUT, and changes nothing."""
    shop = own_shop()
    _, secret = KeyStore(shop.database).create("tests")
    with serving(shop) as address, httpx.Client(base_url=address) as client:
        product = client.get("/v1/products/b").json()
        answer = client.put("/v1/products/b", json=product, headers={"X-API-Key": secret})
        assert (answer.status_code, answer.json()["status"]) == (200, "unchanged")
        assert client.get("/v1/products/b").json() == product


def test_named_thumbnails_are_cached_for_good(client: httpx.Client) -> None:
    """The address with the picture's hash never needs asking again; others, after some minutes."""
    link = thumbnail_link(client, "MUG001")
    named = client.get(link)
    assert named.headers["Cache-Control"] == FOREVER
    plain = client.get(link.partition("&v=")[0])
    assert plain.content == named.content
    assert plain.headers["Cache-Control"] == WHILE
    assert client.get(link[:-1] + "x").headers["Cache-Control"] == WHILE
    again = client.get(link.partition("&v=")[0], headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = client.get(link.replace("width=320", "width=160"))
    assert other.headers["ETag"] != named.headers["ETag"]
    assert other.headers["Cache-Control"] == FOREVER


@pytest.mark.parametrize("width", ["0", "-1", "321", "100000", "wide", ""])
def test_only_few_widths_are_made(client: httpx.Client, width: str) -> None:
    """Any other width is refused with the list of those there are, so that caches stay small."""
    answer = client.get(f"/v1/products/MUG001/images/0?width={width}")
    assert answer.status_code == 422
    if width.lstrip("-").isdigit():
        assert "160, 320, 640, 1024" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["MUG001/images/9", "NONE/images/0"])
def test_missing_pictures_are_not_found(client: httpx.Client, path: str) -> None:
    """No product, or no such picture: 404."""
    assert client.get(f"/v1/products/{path}?width=320").status_code == 404


def test_files_that_change_or_go(own_shop: Callable[..., Shop], tmp_path: Path) -> None:
    """A thumbnail shows the file as it is now, but only the indexed one is cached for good."""
    with serving(own_shop()) as address, httpx.Client(base_url=address) as client:
        link, other = thumbnail_link(client, "a/b #1"), thumbnail_link(client, "b")
        Image.new("RGB", (500, 400), "green").save(tmp_path / "feed" / "MUG001.jpg")
        for _ in range(2):
            answer = client.get(link)
            assert answer.headers["Cache-Control"] == WHILE
            with Image.open(io.BytesIO(answer.content)) as image:
                assert image.size == (320, 256)
        (tmp_path / "feed" / "MUG002.jpg").unlink()
        gone = client.get(other)
        assert gone.status_code == 404
        assert str(tmp_path) not in gone.text


def test_hostile_files_are_refused_and_the_server_lives(
    own_shop: Callable[..., Shop], tmp_path: Path
) -> None:
    """A file that has turned into a bomb or garbage is refused; the others still work."""
    shop = own_shop(image_max_pixels=1_000_000)
    with serving(shop) as address, httpx.Client(base_url=address) as client:
        link, other = thumbnail_link(client, "a/b #1"), thumbnail_link(client, "b")
        bomb = io.BytesIO()
        Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
        (tmp_path / "feed" / "MUG001.jpg").write_bytes(bomb.getvalue())
        for _ in range(2):
            refused = client.get(link)
            assert (refused.status_code, refused.json()["reason"]) == (422, "too_many_pixels")
        assert client.get(other).status_code == 200
        damaged = (tmp_path / "feed" / "MUG002.jpg").read_bytes()[:3000]
        (tmp_path / "feed" / "MUG002.jpg").write_bytes(damaged)
        assert client.get(other.replace("320", "640")).status_code == 422


def test_thumbnails_of_pictures_on_the_web_are_made_once(
    own_shop: Callable[..., Shop], image_host: tuple[str, list[str]]
) -> None:
    """Many who ask at once cause one fetch, and what is kept causes none, even after a restart."""
    base, asked = image_host
    with serving(own_shop(base)) as address, httpx.Client(base_url=address) as client:
        link = thumbnail_link(client, "a/b #1")
        asked.clear()
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(client.get, [link] * 12))
        assert {answer.status_code for answer in answers} == {200}
        assert asked == ["/MUG001.jpg"]
    with serving(own_shop(base)) as address:
        asked.clear()
        assert httpx.get(address + link).headers["Cache-Control"] == FOREVER
        assert asked == []


def test_pictures_on_the_web_that_cannot_be_had(
    own_shop: Callable[..., Shop], image_host: tuple[str, list[str]], tmp_path: Path
) -> None:
    """The browser is sent to the picture itself, and its host is not asked over and over."""
    base, asked = image_host
    with serving(own_shop(base)) as address, httpx.Client(base_url=address) as client:
        link = thumbnail_link(client, "b")
        (tmp_path / "feed" / "MUG002.jpg").write_text("no picture")
        asked.clear()
        for _ in range(3):
            answer = client.get(link)
            assert answer.status_code == 307
            assert answer.headers["Location"] == f"{base}MUG002.jpg"
            assert answer.headers["Cache-Control"] == WHILE
        assert asked == ["/MUG002.jpg"]


def test_hosts_that_may_not_be_asked_any_more(
    own_shop: Callable[..., Shop], image_host: tuple[str, list[str]]
) -> None:
    """A picture whose host is private and no longer allowed is left to the browser, every time."""
    base, asked = image_host
    own_shop(base)
    with serving(own_shop(base, allow_hosts=[])) as address:
        with httpx.Client(base_url=address) as client:
            link = thumbnail_link(client, "b")
        asked.clear()
        assert [httpx.get(address + link).status_code for _ in range(3)] == [307] * 3
        assert asked == []


def test_pictures_that_were_never_indexed_are_not_fetched(
    own_shop: Callable[..., Shop], image_host: tuple[str, list[str]]
) -> None:
    """A link that brought no picture has no thumbnail, and asking for one fetches nothing."""
    base, asked = image_host
    shop = own_shop(base)
    broken = shop.catalog.one("b").model_copy(update={"id": "c", "image_link": f"{base}none.jpg"})
    shop.put_products([broken])
    with serving(shop) as address, httpx.Client(base_url=address) as client:
        (picture,) = client.get("/v1/products/c").json()["pictures"]
        assert picture["thumbnail"] is None
        asked.clear()
        answer = client.get("/v1/products/c/images/0?width=320")
        assert answer.status_code == 404
        assert asked == []


def test_closed_shops_keep_thumbnails_out_of_shared_caches(own_shop: Callable[..., Shop]) -> None:
    """Where searching needs a key, thumbnails need one too, and only browsers may keep them."""
    shop = own_shop(search_needs_key=True)
    _, secret = KeyStore(shop.database).create("page", "search")
    with serving(shop) as address:
        assert httpx.get(f"{address}/v1/products/b/images/0?width=320").status_code == 401
        with httpx.Client(base_url=address, headers={"X-API-Key": secret}) as client:
            answer = client.get(thumbnail_link(client, "b"))
        assert answer.headers["Cache-Control"] == FOREVER.replace("public", "private")
