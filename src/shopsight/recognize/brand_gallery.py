"""What the logos of a shop's brands look like, learnt in closed form from a few examples."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import Encoder, Vectors
from shopsight.errors import StorageError
from shopsight.images.boxes import Box
from shopsight.images.crops import square_cut, whole_square
from shopsight.images.prepare import to_pixels
from shopsight.recognize.brand_views import crop_views, logo_views
from shopsight.recognize.brand_windows import Boxes, look

RIDGE = 0.03
"""Weight of the squared coefficients, beside squared errors that are 1 per brand at most."""

BACKGROUND = 5.0
"""How much all that is no logo counts, beside one brand: there is more of it on photos."""

GROWN = 0.1
"""Of a box's sides: what is added around it for one of the views."""

MOST_INSIDE = 3
"""Windows of an example photo that are taken for the logo: those that overlap it most."""

MOST_BESIDE = 20
"""Windows of an example photo that are taken for background."""

_INSIDE_IOU = 0.5
_BESIDE_IOU, _BESIDE_COVERED = 0.1, 0.3
_GROUND_VIEWS = 8

MADE_BY = "brand-looks-1"
"""Changes whenever looks are made in another way: those that are kept are then made again."""


class Looks(NamedTuple):
    """Vectors of one example.

    Attributes:
        shown: ``(n, dimension)`` float32: the logo.
        beside: ``(m, dimension)`` float32: what is around it; may be empty.
    """

    shown: Vectors
    beside: Vectors

    def packed(self) -> bytes:
        """As bytes, in half precision."""
        file = io.BytesIO()
        np.savez(file, shown=self.shown.astype(np.float16), beside=self.beside.astype(np.float16))
        return file.getvalue()

    @classmethod
    def unpacked(cls, data: bytes) -> Self:
        """Looks from :meth:`packed`.

        Raises:
            StorageError: The bytes are damaged.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return cls(arrays["shown"].astype(np.float32), arrays["beside"].astype(np.float32))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise StorageError(
                "The vectors of a logo are damaged: add the logo again, or restore a backup"
            ) from error


def looks_of_logo(encoder: Encoder, logo: Image.Image, seed: int = 0) -> Looks:
    """Vectors of a logo without its ground, from made-up views of it.

    Args:
        encoder: Of the shop.
        logo: Mode RGBA, as :func:`.brand_views.logo_of` returns it.
        seed: Of the chance in the views.
    """
    preprocessing = encoder.spec.preprocessing
    rng = np.random.default_rng(seed)
    views = logo_views(logo, rng, side=preprocessing.size)
    nothing = Image.new("RGBA", (1, 1))
    grounds = logo_views(nothing, rng, side=preprocessing.size, count=_GROUND_VIEWS)
    square = whole_square(preprocessing)
    vectors = encoder.encode_images(np.stack([to_pixels(one, square) for one in views + grounds]))
    return Looks(vectors[: len(views)], vectors[len(views) :])


def looks_of_box(encoder: Encoder, image: Image.Image, box: Box, seed: int = 0) -> Looks:
    """Vectors of a logo on a photo: of its box alone, and of windows of the photo.

    Args:
        encoder: Of the shop.
        image: The photo, upright, mode RGB.
        box: Where the logo is.
        seed: Of the choice of what is beside it.
    """
    preprocessing = encoder.spec.preprocessing
    width, height = image.size
    left, top = int(box.x1 * width), int(box.y1 * height)
    right, bottom = max(round(box.x2 * width), left + 1), max(round(box.y2 * height), top + 1)
    close = image.crop((left, top, right, bottom))
    squeezed = preprocessing.model_copy(update={"fit": "stretch"})
    pixels = [to_pixels(view, squeezed) for view in crop_views(close)]
    around = square_cut(image, box.grown(GROWN))
    pixels.append(to_pixels(around, whole_square(preprocessing)))
    crops = encoder.encode_images(np.stack(pixels))
    seen = look(encoder, image)
    overlap, covered = overlaps(seen.boxes, box)
    order = np.argsort(-overlap, kind="stable")[:MOST_INSIDE]
    inside = order[overlap[order] > _INSIDE_IOU]
    (beside,) = np.nonzero((overlap < _BESIDE_IOU) & (covered < _BESIDE_COVERED))
    chosen = np.random.default_rng(seed).permutation(beside)[:MOST_BESIDE]
    return Looks(np.concatenate([crops, seen.vectors[inside]]), seen.vectors[chosen])


def overlaps(boxes: Boxes, box: Box) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """IoU of boxes ``(n, 4)`` with one, and the share of each of them that it covers."""
    wide = np.minimum(boxes[:, 2], box.x2) - np.maximum(boxes[:, 0], box.x1)
    high = np.minimum(boxes[:, 3], box.y2) - np.maximum(boxes[:, 1], box.y1)
    shared = wide.clip(0) * high.clip(0)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return shared / (areas + box.area - shared), shared / areas


class Gallery(NamedTuple):
    """Tells brands apart by their logos: scores that are linear in the vector.

    Attributes:
        brands: Keys of the brands that have examples.
        weights: ``(dimension, brands)`` float32.
        offsets: ``(brands,)`` float32.
    """

    brands: tuple[str, ...]
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]

    def scores(self, vectors: Vectors) -> NDArray[np.float32]:
        """How much each vector looks like each brand's logo: ``(n, brands)``, about 0 to 1."""
        found: NDArray[np.float32] = vectors @ self.weights + self.offsets
        return found


def gallery_of(examples: Mapping[str, Sequence[Looks]], background: Vectors) -> Gallery | None:
    """Learn to tell brands apart, and from all that is no logo.

    Ridge regression on indicators of the brands, in closed form; every brand counts alike, however
    many examples it has.

    Args:
        examples: By key of the brand; those without any are left out.
        background: ``(n, dimension)``: pictures of other things, such as the shop's products; may
            be empty.

    Returns:
        ``None`` if there is no example at all.
    """
    known = {key: looks for key, looks in sorted(examples.items()) if looks}
    if not known:
        return None
    shown = [np.concatenate([one.shown for one in looks]) for looks in known.values()]
    beside = [one.beside for looks in known.values() for one in looks]
    other = np.concatenate([background, *beside])
    vectors = np.concatenate([*shown, other]).astype(np.float64)
    vectors = np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1)
    classes = np.repeat(np.arange(len(shown) + 1), [*(len(one) for one in shown), len(other)])
    counts = np.bincount(classes, minlength=len(shown) + 1)
    shares = np.append(np.ones(len(shown)), BACKGROUND) / np.maximum(counts, 1)
    weighted = vectors * shares[classes][:, None]
    wanted = np.eye(len(shown) + 1)[classes][:, :-1]
    spread = weighted.T @ vectors + RIDGE * np.eye(vectors.shape[1])
    solved = np.linalg.solve(spread, weighted.T @ wanted).astype(np.float32)
    return Gallery(tuple(known), solved[:-1], solved[-1])
