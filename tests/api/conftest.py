from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from shopsight.api.server import serving
from shopsight.catalog.keys import KeyStore
from shopsight.settings import Settings
from shopsight.wiring import Shop

PRODUCTS = 12


@pytest.fixture(scope="session")
def feed(sample_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feed of the sample shop's first products, with absolute links to their pictures."""
    with (sample_shop / "catalog.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))[:PRODUCTS]
    path = tmp_path_factory.mktemp("feed") / "catalog.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, rows[0])
        writer.writeheader()
        for row in rows:
            row["image_link"] = str(sample_shop / row["image_link"])
            row["additional_image_link"] = ""
            writer.writerow(row)
    return path


def _settings(data: Path, **more: Any) -> Settings:
    usual = {"data": data, "encoder": "thumbnail", "threads": 1, "allow_hosts": ["127.0.0.1"]}
    usual |= {"fetch_retries": 0, "ocr": "off", "calibrate": False}
    return Settings.model_validate(usual | more)


@pytest.fixture(scope="session")
def shop(feed: Path, sample_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with a few products. Tests that share it must not write to it."""
    with Shop.open(settings=_settings(tmp_path_factory.mktemp("shop"))) as shop:
        shop.index(feed, image_root=sample_shop)
        yield shop


@pytest.fixture(scope="session")
def secret(shop: Shop) -> str:
    """The secret of an admin key of the shared shop."""
    return KeyStore(shop.database).create("tests")[1]


@pytest.fixture(scope="session")
def server(shop: Shop, sample_shop: Path) -> Iterator[str]:
    """Address of a server of the shared shop."""
    with serving(shop, samples=sorted((sample_shop / "photos").glob("*_a.jpg"))[:3]) as address:
        yield address


@pytest.fixture
def client(server: str) -> Iterator[httpx.Client]:
    """A client of the shared server, without a key."""
    with httpx.Client(base_url=server) as client:
        yield client


@pytest.fixture
def admin(server: str, secret: str) -> Iterator[httpx.Client]:
    """A client of the shared server, with an admin key."""
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=server, headers=headers) as client:
        yield client


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    """Starts servers of empty shops, each with settings of its own; gives clients with keys."""
    with ExitStack() as stack:

        def start_one(*, data: Path | None = None, **settings: Any) -> httpx.Client:
            values = _settings(data or tmp_path / "data", **settings)
            shop = stack.enter_context(Shop.open(settings=values))
            _key, secret = KeyStore(shop.database).create("tests")
            address = stack.enter_context(serving(shop))
            client = httpx.Client(base_url=address, headers={"X-API-Key": secret})
            return stack.enter_context(client)

        yield start_one


@pytest.fixture(scope="session")
def web(sample_shop: Path) -> Iterator[str]:
    """Address of a web server with the sample shop's files, and a feed of one product."""

    class Quiet(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            """A small feed, or a file."""
            if self.path != "/feed.csv":
                super().do_GET()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"id,title,image_link\nW1,Mug,/images/MUG001.jpg\n")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    handler = partial(Quiet, directory=str(sample_shop))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def photo(sample_shop: Path) -> bytes:
    """The catalogue picture of MUG001, so that the small encoder finds it."""
    return (sample_shop / "images" / "MUG001.jpg").read_bytes()


@pytest.fixture
def finished() -> Callable[[httpx.Client, str], dict[str, Any]]:
    """Waits until a job has ended."""

    def wait(client: httpx.Client, job_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
            if job["finished_at"] is not None:
                return job
            time.sleep(0.02)
        raise AssertionError(f"the job has not ended: {job}")

    return wait
