"""How long a photo query takes at 100,000 products, against one bare forward pass.

    python benchmarks/query.py [--products 100000] [--queries 300] [--json]

Fills an index with vectors scattered around those of the sample shop's pictures, then asks with the
sample shop's photos. In one run, in turns of 20 so that drift of the machine hits all alike:

* forward: ``encode_images`` of one prepared picture;
* process: ``Shop.search`` with the photo's bytes: decode, encode, search, fetch the products;
* http: ``POST /v1/search`` to a server process over one kept-open connection.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from shopsight.catalog.product import Price, Product
from shopsight.catalog.store import ImageState, record_id
from shopsight.images.prepare import ImageLimits, load_pixels
from shopsight.index.base import Records
from shopsight.ingest.fields import FieldTypes
from shopsight.sample_shop import ROOT
from shopsight.settings import Settings
from shopsight.wiring import Shop

CHUNK = 5000

ROUND = 20
"""Queries of one kind in a row, as a server answers them."""


def fill(shop: Shop, count: int) -> None:
    """Put ``count`` made-up products into the catalogue and the index."""
    seeds = shop.encoder.encode_files(sorted((ROOT / "images").glob("*.jpg")))
    rng = np.random.default_rng(0)
    fields = FieldTypes(shop.catalog)
    collection = shop._lifecycle.first(shop.encoder.spec)  # noqa: SLF001 - no feed has 100,000 pictures here
    collection.add_fields(fields.all)
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        products = [
            Product(
                id=f"p{number}",
                title=f"Thing number {number}",
                description="A thing that is made to be found by its picture. " * 5,
                link=f"https://shop.example/{number}",
                image_link=f"https://shop.example/{number}.jpg",
                brand=f"Brand {number % 50}",
                price=Price(amount=number % 500, currency="EUR"),
            )
            for number in numbers
        ]
        noise = rng.normal(size=(len(products), seeds.shape[1])).astype(np.float32)
        vectors = seeds[rng.integers(0, len(seeds), len(products))]
        vectors = vectors + 0.5 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        shop.catalog.save(products, known={}, run_id="benchmark")
        collection.upsert(
            Records(
                ids=[record_id(product.id, 0) for product in products],
                product_ids=[product.id for product in products],
                vectors=vectors,
                attributes=[fields.values(product)[0] for product in products],
            )
        )
        shop.catalog.save_images(
            ImageState(
                record_id(product.id, 0),
                product.id,
                0,
                product.image_link,
                product.image_link,
                index_version=collection.manifest.name,
                product_hash=product.content_hash(),
            )
            for product in products
        )
    collection.store.optimize()
    collection.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(data: Path) -> tuple[subprocess.Popen[bytes], http.client.HTTPConnection]:
    """Start ``shopsight serve`` and wait until it is ready."""
    port = free_port()
    server = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "shopsight", "serve", "--data", str(data), "--port", str(port)],
        env=os.environ | {"SHOPSIGHT_LOG_LEVEL": "error"},
        stdout=subprocess.DEVNULL,
    )
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(600):
        time.sleep(0.1)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return server, connection
        except OSError:
            connection.close()
    raise SystemExit("the server did not get ready")


def ask(connection: http.client.HTTPConnection, photo: bytes) -> None:
    """Send one photo as a form, as a page does."""
    boundary = "benchmark"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    connection.request("POST", "/v1/search", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the server answered {answer.status}: {text[:300]!r}")


def milliseconds(work: Callable[[], object]) -> float:
    """Wall-clock milliseconds of a call."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted((ROOT / "photos").glob("*_a.jpg"))]
    times: dict[str, list[float]] = {"forward": [], "process": [], "http": []}
    stages: list[dict[str, float]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Shop.open(settings=Settings(data=Path(folder))) as shop,
    ):
        fill(shop, arguments.products)
        shop.warm()
        pixels = load_pixels(photos[0], shop.encoder.spec.preprocessing, ImageLimits())[None]
        server, connection = start_server(Path(folder))
        try:
            ways: dict[str, Callable[[bytes], object]] = {
                "forward": lambda _: shop.encoder.encode_images(pixels),
                "process": lambda photo: stages.append(dict(shop.search(photo).timings_ms)),
                "http": lambda photo: ask(connection, photo),
            }
            for turn in range(-1, -(-arguments.queries // ROUND)):
                for name, work in ways.items():
                    asked = [photos[(turn * ROUND + n) % len(photos)] for n in range(ROUND)]
                    taken = [milliseconds(partial(work, photo)) for photo in asked]
                    if turn >= 0:  # the first round only warms up
                        times[name] += taken
        finally:
            server.terminate()
            server.wait()
    p50 = {name: float(np.median(values)) for name, values in times.items()}
    figures = {
        "products": arguments.products,
        **{f"{name}_p50_ms": round(value, 2) for name, value in p50.items()},
        **{f"{name}_p95_ms": round(float(np.percentile(v, 95)), 2) for name, v in times.items()},
        "process_to_forward": round(p50["process"] / p50["forward"], 3),
        "http_to_forward": round(p50["http"] / p50["forward"], 3),
        "stages_p50_ms": {
            name: round(float(np.median([stage[name] for stage in stages])), 2)
            for name in stages[0]
        },
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {value}")


if __name__ == "__main__":
    main()
