"""The shape part: which directions of the head's features it keeps, and on what they are fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import sources
from colour import HEAD_FEATURES, SIZE
from numpy.typing import NDArray
from PIL import Image
from views import pasted_view

__all__ = [
    "HEAD_FEATURES",
    "SOFTENING",
    "designs",
    "directions",
    "drawn",
    "sightings",
    "signed",
    "square",
]

Array = NDArray[np.float32]

SOFTENING = 0.05
PER_SET = 300
SEED = 7
DRAWN_PAIRS, PHOTOS_OF_EACH, GROUNDS = 220, 4, 300
STRENGTH = 0.5
"""Power of the whitening within families: 0 not at all, 1 wholly (Mahalanobis)."""

RIDGE = 3.0
"""Added to the variances within families, in units of their mean: protects rare directions."""


def directions(rows: Array, kinds: Sequence[list[Array]], count: int) -> tuple[Array, Array]:
    """Linear map that plays down what differs between pictures of one product.

    The rows are whitened by the covariance within families (Hatch et al., "Within-class covariance
    normalization", Interspeech 2006), to a power of a half and with a ridge, then reduced to
    principal components.

    Args:
        rows: ``(n, d)`` float32 of all kinds of pictures.
        kinds: Lists of families, which count equally; a family is the rows ``(m, d)`` of pictures
            of one thing.
        count: Components to keep.

    Returns:
        Matrix ``(d, count)`` and bias ``(count,)``, float32.
    """
    mean = rows.mean(axis=0, dtype=np.float64)
    sizes, found = np.linalg.eigh(sum(within(families) for families in kinds) / len(kinds))
    shrunk = (np.maximum(sizes, 0) / sizes.mean() + RIDGE) ** -STRENGTH
    white = (found * shrunk) @ found.T
    _, main = np.linalg.eigh(np.cov(((rows - mean) @ white).T))
    matrix = white @ signed(main[:, ::-1][:, :count])
    return matrix.astype(np.float32), (-mean @ matrix).astype(np.float32)


def within(families: list[Array]) -> NDArray[np.float64]:
    """Mean covariance ``(d, d)`` of rows about the mean of their family."""
    apart = [
        (some - some.mean(axis=0)).astype(np.float64) * (len(some) / (len(some) - 1)) ** 0.5
        for some in families
    ]
    joined = np.concatenate(apart)
    found: NDArray[np.float64] = joined.T @ joined / len(joined)
    return found


def signed(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns with the largest number positive: an eigenvector's sign is arbitrary."""
    largest = np.abs(vectors).argmax(axis=0)
    found: NDArray[np.float64] = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
    return found


def drawn(data: Path, fonts: Path, clipart: Path) -> Iterator[NDArray[np.uint8]]:
    """Prepared pictures ``(260, 260, 3)`` of all sets, drawn with a fixed seed."""
    sets = [sources.grocery(data), sources.luma(data), sources.myntra(data)]
    sets += [sources.drawings(fonts), sources.clipart(clipart)]
    pools = [found.catalogue + [p for some in found.photos for p in some] for found in sets]
    pools.append(sources.clothing(data).pictures)
    rng = np.random.default_rng(SEED)
    for pool in pools:
        for number in rng.permutation(len(pool))[:PER_SET]:
            yield square(pool[number].pixels())


def sightings(data: Path, clipart: Path) -> Iterator[list[NDArray[np.uint8]]]:
    """Families of prepared pictures: one product as the catalogue and as photos show it.

    Groceries with photos from shops; drawings, each also pasted on a photo of something else.
    """
    rng = np.random.default_rng(SEED)
    clothes, groceries = sources.clothing(data).pictures, sources.grocery(data)
    grounds = [clothes[n].pixels() for n in rng.permutation(len(clothes))[:GROUNDS]]
    drawings = sources.clipart(clipart).catalogue
    for number in rng.permutation(len(drawings))[:DRAWN_PAIRS]:
        pixels = drawings[number].pixels()
        view = pasted_view(pixels, sources.foreground(pixels), grounds, SIZE, rng)
        yield [square(pixels), view]
    for picture, photos in zip(groceries.catalogue, groceries.photos, strict=True):
        chosen = rng.permutation(len(photos))[:PHOTOS_OF_EACH]
        yield [square(p.pixels()) for p in (picture, *(photos[n] for n in chosen))]


def designs(data: Path) -> Iterator[list[NDArray[np.uint8]]]:
    """Families of prepared pictures: one design in its colours, for half of Luma's designs."""
    families: dict[str, list[NDArray[np.uint8]]] = {}
    luma = sources.luma(data)
    for picture, design in zip(luma.catalogue, luma.groups, strict=True):
        if not sources.held_out_design(design):
            families.setdefault(design, []).append(square(picture.pixels()))
    yield from (found for found in families.values() if len(found) > 1)


def square(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle square of a picture, at the network's size."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    x, y = (width - side) / 2, (height - side) / 2
    picture = Image.fromarray(pixels)
    box = (x, y, x + side, y + side)
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box))
