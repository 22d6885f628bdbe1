"""The shape part: which directions of the head's features it keeps, and on what they are fitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import sources
from colour import HEAD_FEATURES, SIZE
from numpy.typing import NDArray
from PIL import Image

__all__ = ["HEAD_FEATURES", "SOFTENING", "directions", "drawn", "signed", "square"]

Array = NDArray[np.float32]

SOFTENING = 0.05
FLATTENING = 0.25
"""How far the principal components are brought to one size: 0 not at all, 1 wholly."""

PER_SET = 600
SEED = 7


def directions(rows: Array, count: int) -> tuple[Array, Array]:
    """Linear map to the principal components of unit rows, partly brought to one size.

    Args:
        rows: ``(n, d)`` float32.
        count: Components to keep.

    Returns:
        Matrix ``(d, count)`` and bias ``(count,)``, float32.
    """
    mean = rows.mean(axis=0, dtype=np.float64)
    sizes, found = np.linalg.eigh(np.cov((rows - mean).T))
    matrix = signed(found[:, ::-1][:, :count]) * sizes[::-1][:count] ** (-FLATTENING / 2)
    return matrix.astype(np.float32), (-mean @ matrix).astype(np.float32)


def signed(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns with the largest number positive: an eigenvector's sign is arbitrary."""
    largest = np.abs(vectors).argmax(axis=0)
    found: NDArray[np.float64] = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return found


def drawn(data: Path, renders: Path | None) -> Iterator[NDArray[np.uint8]]:
    """Prepared pictures ``(260, 260, 3)`` of all sets, drawn with a fixed seed."""
    sets = [sources.grocery(data), sources.luma(data), sources.myntra(data)]
    if renders:
        sets.append(sources.renders(renders))
    pools = [found.catalogue + [p for some in found.photos for p in some] for found in sets]
    pools.append(sources.clothing(data).pictures)
    rng = np.random.default_rng(SEED)
    for pool in pools:
        for number in rng.permutation(len(pool))[:PER_SET]:
            yield square(pool[number].pixels())


def square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle square of a picture, at the network's size."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    x, y = (width - side) / 2, (height - side) / 2
    picture = Image.fromarray(pixels)
    box = (x, y, x + side, y + side)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box))
