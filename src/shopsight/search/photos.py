"""Reads a shopper's photo: finds what is on it, and encodes what is meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import EncoderSpec
from shopsight.images.boxes import WHOLE, Box
from shopsight.images.crops import square_cut, whole_square
from shopsight.images.prepare import ImageLimits, decode, load_pixels, to_pixels
from shopsight.regions.base import Region, RegionFinder
from shopsight.regions.choose import main_subject, objects, subject_share
from shopsight.search.cache import EmbeddingCache, embedding_key
from shopsight.search.clock import Clock
from shopsight.search.query import FoundObject

Pixels = NDArray[np.uint8]
Vector = NDArray[np.float32]

SUBJECT_GROWN = 0.1
"""Of a subject's sides: what is added around it, because boxes that were found cut things off."""

_FINER = 2.5
"""Decoded pictures have so many times the pixels of the encoder's side, for crops to be sharp."""


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """A photo, ready to be searched for.

    Attributes:
        vector: ``(dimension,)`` float32 of unit length.
        box: What of it the vector is of; the main subject if one was found.
        objects: What is on it, most confident first; none if they were not looked for.
    """

    vector: Vector
    box: Box
    objects: tuple[FoundObject, ...] = ()


class PhotoReader:
    """Reads photos. Safe to call from several threads.

    Args:
        limits: What a photo may cost.
        spec: Facts about the encoder.
        encode: Prepared pixels ``(size, size, 3)`` to a unit vector ``(dimension,)``.
        finder: Finds things on photos; ``None`` where that is switched off.
        embeddings: Remembers vectors of repeated photos.
    """

    def __init__(
        self,
        limits: ImageLimits,
        *,
        spec: Callable[[], EncoderSpec],
        encode: Callable[[Pixels], Vector],
        finder: Callable[[], RegionFinder | None],
        embeddings: EmbeddingCache,
    ) -> None:
        self._limits = limits
        self._spec = spec
        self._encode = encode
        self._finder = finder
        self._embeddings = embeddings

    def read(self, data: bytes, *, box: Box | None, regions: bool, clock: Clock) -> ReadPhoto:
        """Read a photo.

        Args:
            data: Its bytes.
            box: The part that is meant; ``None``: the main subject.
            regions: Whether the main subject and other objects are looked for.
            clock: Told what took how long.

        Raises:
            DecodeError: The photo cannot be used.
            EncoderError: A model failed.
        """
        finder = self._finder() if regions else None
        if finder is None and box is None:
            pixels = load_pixels(data, self._spec().preprocessing, self._limits)
            clock.lap("decode")
            vector = self._remembered(data, None, lambda: self._encode(pixels))
            clock.lap("encode")
            return ReadPhoto(vector, WHOLE)
        image = self.decoded(data, box)
        clock.lap("decode")
        found = () if finder is None else finder.find(image)
        clock.lap("regions")
        subject = main_subject(found)
        part = box or (subject.box if subject else None)
        vector = self._remembered(
            data,
            part,
            lambda: self._vector(image, box, subject),
            joined_with_whole=box is None and subject is not None,
        )
        clock.lap("encode")
        return ReadPhoto(vector, part or WHOLE, _listed(found, part))

    def looks(self, image: Image.Image, *, regions: bool) -> list[tuple[Box, float]]:
        """What :meth:`read` would encode of a decoded picture; see :func:`looks`."""
        finder = self._finder() if regions else None
        return looks(None, None if finder is None else main_subject(finder.find(image)))

    def decoded(self, data: bytes, box: Box | None = None) -> Image.Image:
        """The upright picture, large enough for a part of it to be sharp.

        Raises:
            DecodeError: The photo cannot be used.
        """
        finest = min(box.x2 - box.x1, box.y2 - box.y1) if box else 1.0
        side = self._spec().preprocessing.size * _FINER / max(finest, 0.1)
        return decode(data, self._limits, target_side=round(side))

    def pixels(self, image: Image.Image, box: Box) -> Pixels:
        """What the encoder is shown of a part of a picture, ``(size, size, 3)`` uint8."""
        preprocessing = self._spec().preprocessing
        if box == WHOLE:
            return to_pixels(image, preprocessing)
        return to_pixels(square_cut(image, box), whole_square(preprocessing))

    def encoded(self, image: Image.Image, box: Box) -> Vector:
        """Unit vector ``(dimension,)`` of a part of a picture, a little more around it."""
        return self._encode(self.pixels(image, box.grown(SUBJECT_GROWN)))

    def _remembered(
        self,
        data: bytes,
        box: Box | None,
        encode: Callable[[], Vector],
        *,
        joined_with_whole: bool = False,
    ) -> Vector:
        made_by = self._spec().fingerprint + (" and whole" if joined_with_whole else "")
        return self._embeddings.encoded(embedding_key(data, box, made_by), encode)

    def _vector(self, image: Image.Image, box: Box | None, subject: Region | None) -> Vector:
        parts = looks(box, subject)
        vectors = [self._encode(self.pixels(image, part)) for part, _ in parts]
        return joined(vectors, [share for _, share in parts])


def looks(box: Box | None, subject: Region | None) -> list[tuple[Box, float]]:
    """Which parts of a photo a query's vector is made of, and how much each counts.

    Args:
        box: The part that is meant, if that was said.
        subject: The main subject, if one was found.
    """
    if box is not None:
        return [(box, 1.0)]
    if subject is None:
        return [(WHOLE, 1.0)]
    share = subject_share(subject)
    return [(WHOLE, 1 - share), (subject.box.grown(SUBJECT_GROWN), share)]


def _listed(found: Sequence[Region], meant: Box | None) -> tuple[FoundObject, ...]:
    return tuple(
        FoundObject(one.box, one.confidence, searched=one.box == meant) for one in objects(found)
    )


def joined(vectors: list[Vector], shares: list[float]) -> Vector:
    """Weighted sum of unit vectors, of unit length again.

    Args:
        vectors: ``(dimension,)`` each; at least one.
        shares: How much each counts; negative: how much it counts against.
    """
    if len(vectors) == 1:
        return vectors[0]
    mean = np.asarray(shares, np.float32) @ np.stack(vectors)
    length = float(np.linalg.norm(mean))
    # Opposite vectors leave nothing; the first is as good an answer as any.
    return (mean / length).astype(np.float32) if length > np.finfo(np.float32).eps else vectors[0]


def joined_photos(photos: list[ReadPhoto]) -> ReadPhoto:
    """Several photos of one thing as one; its objects are those of the first."""
    if len(photos) == 1:
        return photos[0]
    vectors = [photo.vector for photo in photos]
    return replace(photos[0], vector=joined(vectors, [1.0] * len(vectors)))
