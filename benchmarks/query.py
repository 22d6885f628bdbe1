"""How long queries take at 100,000 products, against one bare forward pass.

    python benchmarks/query.py [--products 100000] [--queries 300] [--processor] [--json]

Fills an index with vectors scattered around those of the sample shop's pictures, then asks with the
sample shop's photos, each time with other bytes, so that nothing is remembered. In one run, in
turns of 20 so that drift of the machine hits all alike:

* forward: ``encode_images`` of one prepared picture;
* photo: ``Shop.search`` with the photo's bytes, the whole picture: decode, encode, search, fetch;
* again: the same with a filter and two facets that were counted before;
* narrowed: the same with a filter that nobody used before: all is counted for the first time;
* regions: finding the things on the decoded photo;
* subject: ``Shop.search`` as it is by default, main subject and whole picture;
* text: ``Shop.search`` with words alone, that were asked before, for the most part;
* new text: the same with three words that nobody asked before in this order, up to 616 times;
* explained: as subject, and ``Shop.explain`` of one hit with both its pictures painted; that of the
  product was explained before;
* explained anew: the same, the product's picture for the first time;
* http: ``POST /v1/search``, the whole picture, to a server process over one kept-open connection.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from shopsight.catalog.product import Price, Product
from shopsight.catalog.store import ImageState, record_id
from shopsight.images.prepare import ImageLimits, decode, load_pixels
from shopsight.index.base import Records
from shopsight.ingest.fields import FieldTypes
from shopsight.regions.load import load_finder
from shopsight.sample_shop import ROOT
from shopsight.settings import Settings
from shopsight.wiring import Shop
from shopsight.words.segment import index_terms

CHUNK = 5000

ADJECTIVES = ("red", "small", "striped", "wooden", "round", "soft", "heavy", "glazed")
NOUNS = ("mug", "lamp", "bowl", "bag", "vase", "book", "chair", "shoe", "clock", "jar", "shelf")

GOALS = {"narrowed": 2.0, "regions": 1.0}
"""At most so many forward passes; new words: 25 ms; explaining adds at most one to a search."""

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
                title=f"{ADJECTIVES[number % 37 % 8]} {NOUNS[number % 11]} number {number}",
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
                texts=[" ".join(index_terms(product)) for product in products],
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
        f'--{boundary}\r\nContent-Disposition: form-data; name="regions"\r\n\r\nfalse\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    try:
        connection.request("POST", "/v1/search", body, headers)
        answer = connection.getresponse()
    except ConnectionError:  # closed while other queries had their turn
        connection.close()
        connection.request("POST", "/v1/search", body, headers)
        answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the server answered {answer.status}: {text[:300]!r}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument(
        "--processor", action="store_true", help="one thread, processor time: for busy machines"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted((ROOT / "photos").glob("*_a.jpg"))]
    with (
        tempfile.TemporaryDirectory() as folder,
        Shop.open(
            settings=Settings(data=Path(folder), calibrate=False, threads=int(arguments.processor))
        ) as shop,
    ):
        fill(shop, arguments.products)
        shop.warm()
        server, connection = start_server(Path(folder))
        try:
            clock = time.process_time if arguments.processor else time.perf_counter
            work = ways(shop, photos, arguments.queries, connection)
            times, stages = measured(work, photos, arguments.queries, clock)
        finally:
            server.terminate()
            server.wait()
    report(times, stages, arguments.products, as_json=arguments.json)


def ways(
    shop: Shop, photos: list[bytes], queries: int, connection: http.client.HTTPConnection
) -> dict[str, Callable[[bytes, int], object]]:
    """What is timed, by name; each is given a photo and a number that never comes again."""
    size = shop.encoder.spec.preprocessing
    limits = ImageLimits()
    pixels = load_pixels(photos[0], size, limits)[None]
    finder = load_finder(threads=shop.settings.threads)
    images = {photo: decode(photo, limits, target_side=650) for photo in photos}
    known, *pictures = copies(Path(shop.settings.data) / "explained", 1 + queries + 2 * ROUND)
    anew = iter(pictures)
    said = itertools.cycle(itertools.product(itertools.permutations(ADJECTIVES, 2), NOUNS))

    def words(number: int) -> str:
        return f"{ADJECTIVES[number % 8]} {NOUNS[number % 11]}"

    def new_words() -> str:
        (one, other), noun = next(said)
        return f"{one} {other} {noun}"

    def explained(photo: bytes, picture: Path) -> None:
        """Search, and explain the best hit, another picture of which is put in its place."""
        found = shop.search(photo, explain=True)
        hit = replace(found.hits[0], image_location=str(picture))
        (why,) = shop.explain(photo, replace(found, hits=(hit,))).values()
        if not (why.photo_overlay and why.product_overlay):
            raise SystemExit("nothing was painted")

    def fresh(photo: bytes, number: int) -> bytes:
        return photo + b"%d" % number  # behind the picture's end, so only the hash is another

    whole = {"regions": False}
    facets = {"facets": ["brand", "price"], **whole}
    same = 'price < 400 AND currency = "EUR"'

    def other(number: int) -> str:
        return f'price < {400 + number / 1000} AND currency = "EUR"'

    return {
        "forward": lambda _, __: shop.encoder.encode_images(pixels),
        "photo": lambda photo, n: shop.search(fresh(photo, n), **whole).timings_ms,
        "again": lambda photo, n: shop.search(fresh(photo, n), where=same, **facets).timings_ms,
        "narrowed": lambda photo, n: (
            shop.search(fresh(photo, n), where=other(n), **facets).timings_ms
        ),
        "regions": lambda photo, _: finder.find(images[photo]),
        "subject": lambda photo, n: shop.search(fresh(photo, n)).timings_ms,
        "text": lambda _, n: shop.search(text=words(n)).timings_ms,
        "new text": lambda _, __: shop.search(text=new_words()).timings_ms,
        "explained": lambda photo, n: explained(fresh(photo, n), known),
        "explained anew": lambda photo, n: explained(fresh(photo, n), next(anew)),
        "http": lambda photo, n: ask(connection, fresh(photo, n)),
    }


def copies(folder: Path, count: int) -> list[Path]:
    """Catalogue pictures as files, each with other bytes, however often it is there."""
    folder.mkdir()
    pictures = [path.read_bytes() for path in sorted((ROOT / "images").glob("*.jpg"))]
    files = [folder / f"{number}.jpg" for number in range(count)]
    for number, file in enumerate(files):
        file.write_bytes(pictures[number % len(pictures)] + b"%d" % number)
    return files


def measured(
    work: dict[str, Callable[[bytes, int], object]],
    photos: list[bytes],
    queries: int,
    clock: Callable[[], float],
) -> tuple[dict[str, list[float]], dict[str, list[Mapping[str, float]]]]:
    """Milliseconds of each, and its stages where it tells them."""
    times: dict[str, list[float]] = {name: [] for name in work}
    stages: dict[str, list[Mapping[str, float]]] = {name: [] for name in work}
    numbers = itertools.count()
    for turn in range(-1, -(-queries // ROUND)):
        for name, one in work.items():
            for place in range(ROUND):
                photo = photos[(turn * ROUND + place) % len(photos)]
                started = clock()
                told = one(photo, next(numbers))
                if turn >= 0:  # the first round only warms up
                    times[name].append((clock() - started) * 1000)
                    if isinstance(told, Mapping):
                        stages[name].append(told)
    return times, stages


def report(
    times: dict[str, list[float]],
    stages: dict[str, list[Mapping[str, float]]],
    products: int,
    *,
    as_json: bool,
) -> None:
    """Print the figures."""
    forward = float(np.median(times["forward"]))
    figures: dict[str, object] = {"products": products}
    for name, values in times.items():
        median = float(np.median(values))
        figures[name] = {
            "p50_ms": round(median, 2),
            "p95_ms": round(float(np.percentile(values, 95)), 2),
            "passes": round(median / forward, 2),
            **({"goal_passes": GOALS[name]} if name in GOALS else {}),
            "stages_p50_ms": {
                stage: round(float(np.median([one[stage] for one in stages[name]])), 2)
                for stage in (stages[name][0] if stages[name] else {})
            },
        }
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:10} {value}")


if __name__ == "__main__":
    main()
