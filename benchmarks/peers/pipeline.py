"""What every compared pipeline does, and what they share: decoding, and products from pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsight.images.prepare import ImageLimits, load_pixels, read_local
from shopsight.images.preprocessing import Preprocessing

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]

BATCH = 32
LIMITS = ImageLimits()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a product.

    Attributes:
        path: Where it is.
        product_id: The product.
        label: What a classifier is to call it: the product, or its category.
    """

    path: Path
    product_id: str
    label: str


@dataclass(frozen=True, slots=True)
class Training:
    """How the training of a pipeline went.

    Attributes:
        seconds: Wall-clock time, decoding included.
        epochs: Passes over the pictures until it stopped.
        accuracy: Share of the pictures held back that got their label, 0 to 1.
    """

    seconds: float
    epochs: int
    accuracy: float


class Pipeline(Protocol):
    """A way to find products by photo, from picture files to product ids."""

    def fit(self, pictures: Sequence[Picture]) -> Training | None:
        """Learn from labelled pictures; ``None``: it is used as it comes."""
        ...

    def index(self, pictures: Sequence[Picture]) -> None:
        """Make these the pictures that queries are answered from, instead of those before."""
        ...

    def query(self, photo: Path, limit: int) -> list[str]:
        """Ids of the products nearest to a photo, best first, each once; at most ``limit``."""
        ...

    def close(self) -> None:
        """Release what is held; nothing is called afterwards."""
        ...


def decoded(path: Path, preprocessing: Preprocessing) -> Pixels:
    """Read, decode and scale a picture as Shopsight does: ``(size, size, 3)`` uint8 RGB."""
    return load_pixels(read_local(path, LIMITS), preprocessing, LIMITS)


def batches(
    paths: Sequence[Path], preprocessing: Preprocessing, threads: int
) -> Iterator[list[Pixels]]:
    """Decoded pictures in batches; the next batch is decoded while one is worked on.

    Args:
        paths: The files.
        preprocessing: Geometry of the pixels.
        threads: Pictures decoded at once.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:

        def start(first: int) -> Iterator[Pixels]:
            chosen = paths[first : first + BATCH]
            return pool.map(lambda path: decoded(path, preprocessing), chosen)

        ahead = start(0)
        for first in range(0, len(paths), BATCH):
            ready = list(ahead)
            ahead = start(first + BATCH)
            yield ready


def nearest_products(
    nearest: Callable[[int], Sequence[int]], owners: Sequence[str], limit: int
) -> list[str]:
    """Products of the nearest pictures, each once, best first.

    Args:
        nearest: From k to the rows of the k nearest pictures, nearest first.
        owners: Product of each row.
        limit: Products wanted.
    """
    count = min(4 * limit, len(owners))
    while True:
        products = list(dict.fromkeys(owners[row] for row in nearest(count)))
        if len(products) >= limit or count == len(owners):
            return products[:limit]
        count = min(4 * count, len(owners))
