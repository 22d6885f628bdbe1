"""Photos made up from the catalogue's pictures, to learn from how sure one can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.errors import ImageError
from shopsight.images.photo_views import SIDE, photo_view
from shopsight.search.confidence_cases import Picture, sampled

VIEWS = 160
"""Made-up photos: they take as long as so many searches."""

_BATCH = 16
_BACKGROUNDS = 4

Encode = Callable[[Sequence[Image.Image]], NDArray[np.float32]]


def made_up(
    pictures: Iterable[Picture], encode: Encode, *, count: int = VIEWS, seed: int = 0
) -> Iterator[tuple[Picture, NDArray[np.float32]]]:
    """A photo of each of some pictures, as a vector.

    Args:
        pictures: All pictures; read once, a sample of them is loaded.
        encode: Decoded photos to vectors ``(n, dimension)``, as searches make them.
        count: How many photos at most.
        seed: Of the sample and of the photos.

    Yields:
        The picture, and the vector ``(dimension,)`` of a photo of it. Pictures that cannot be
        loaded are passed over.
    """
    rng = np.random.default_rng(seed)
    sample = sampled(pictures, count, seed)
    for start in range(0, len(sample), _BATCH):
        loaded = [
            (picture, image)
            for picture in sample[start : start + _BATCH]
            if (image := _loaded(picture)) is not None
        ]
        views = []
        for picture, image in loaded:
            others = [_small(other) for some, other in loaded if some.group != picture.group]
            views.append(photo_view(image, others[:_BACKGROUNDS], rng))
        if views:
            vectors = encode(views)
            yield from ((one, row) for (one, _), row in zip(loaded, vectors, strict=True))


def _loaded(picture: Picture) -> Image.Image | None:
    try:
        return picture.load()
    except ImageError:
        return None


def _small(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((SIDE, SIDE))
    return small
