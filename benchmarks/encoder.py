"""Speed of an encoder and of what comes before it.

Usage: ``python benchmarks/encoder.py [--encoder lite] [--threads 1 2] [--repeat 10]``.

Prints milliseconds per picture, the median over repetitions: preparing a file of the sample shop
(decode and scale, one thread), encoding alone, batches of 16, the same with cells, and what the
micro-batcher adds for a lone caller.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from shopsight.encoders import load_encoder
from shopsight.encoders.base import CellEncoder, Encoder, Pixels
from shopsight.encoders.batching import MicroBatcher
from shopsight.encoders.files import LIMITS
from shopsight.images.prepare import load_pixels
from shopsight.sample_shop import ROOT
from shopsight.testing.fakes import SIZE, ThumbnailEncoder

BATCH = 16


def main() -> None:
    """Read the command line, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--encoder", default="lite")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=10, help="repetitions of each measurement")
    arguments = parser.parse_args()
    for threads in arguments.threads:
        start = time.perf_counter()
        encoder = load_encoder(arguments.encoder, threads=threads)
        loaded = (time.perf_counter() - start) * 1000
        print(f"{arguments.encoder}, {threads} thread(s): loaded in {loaded:.0f} ms")
        _measure(encoder, arguments.repeat)
        encoder.close()
    print(f"micro-batcher, lone caller: +{_overhead() * 1000:.0f} us")


def _measure(encoder: Encoder, repeat: int) -> None:
    preprocessing = encoder.spec.preprocessing
    files = [path.read_bytes() for path in sorted((ROOT / "photos").glob("*.jpg"))[:BATCH]]

    def prepare() -> Pixels:
        return np.stack([load_pixels(data, preprocessing, LIMITS) for data in files])

    pixels = prepare()
    prepared = _milliseconds(prepare, repeat) / len(files)
    alone = _milliseconds(lambda: encoder.encode_images(pixels[:1]), repeat * 5)
    batch = _milliseconds(lambda: encoder.encode_images(pixels), repeat) / len(pixels)
    share = prepared / (prepared + alone)
    print(f"  decode and scale  {prepared:6.2f} ms per picture ({share:.0%} of a single photo)")
    print(f"  encode, batch 1   {alone:6.2f} ms per picture")
    print(f"  encode, batch {BATCH}  {batch:6.2f} ms per picture")
    if isinstance(encoder, CellEncoder):
        cells = _milliseconds(lambda: encoder.encode_cells(pixels[:1]), repeat * 5)
        print(f"  with cells        {cells:6.2f} ms per picture")


def _overhead() -> float:
    """Milliseconds that the micro-batcher adds to one call when nobody else calls."""
    encoder = ThumbnailEncoder()
    batcher = MicroBatcher(encoder)
    picture = np.full((SIZE, SIZE, 3), 200, np.uint8)
    bare = _milliseconds(lambda: encoder.encode_images(picture[None]), 2000)
    return _milliseconds(lambda: batcher.encode(picture), 2000) - bare


def _milliseconds(call: Callable[[], object], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


if __name__ == "__main__":
    main()
