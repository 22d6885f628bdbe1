"""Reads a shopper's photo: finds what is on it, and encodes what is meant."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.encoders.base import CellEncoder, Encoder, EncoderSpec, Vectors
from shopsight.encoders.places import Places, photo_places
from shopsight.images.boxes import MARGIN, WHOLE, Box
from shopsight.images.crops import square_around, square_cut, whole_square
from shopsight.images.prepare import ImageLimits, decode, load_pixels, to_pixels
from shopsight.regions.base import Region, RegionFinder
from shopsight.regions.choose import main_subject, objects, subject_share
from shopsight.search.cache import EmbeddingCache, embedding_key
from shopsight.search.clock import Clock
from shopsight.search.explaining.cells import (
    CellCache,
    PictureCells,
    joined_cells,
    picture_cells,
)
from shopsight.search.explaining.overlay import grey_thumbnail
from shopsight.search.explaining.sight import Sight, sight
from shopsight.search.query import FoundObject

Pixels = NDArray[np.uint8]
Vector = NDArray[np.float32]

_FINER = 2.5
"""Decoded pictures have so many times the pixels of the encoder's side, for crops to be sharp."""


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """A photo, ready to be searched for.

    Attributes:
        vector: ``(dimension,)`` float32 of unit length.
        box: What of it the vector is of; the main subject if one was found.
        objects: What is on it, most confident first; none if they were not looked for.
        places: What it looks like place by place, if that was wanted and the encoder tells it.
    """

    vector: Vector
    box: Box
    objects: tuple[FoundObject, ...] = ()
    places: Places | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SeenPicture:
    """A picture as searches see it, for explanations.

    Attributes:
        small: The upright picture in grey, scaled down, to paint on.
        cells: What each place of it adds to its vector.
    """

    small: Image.Image
    cells: PictureCells

    @property
    def nbytes(self) -> int:
        """Memory of pixels and arrays."""
        return self.small.width * self.small.height + self.cells.nbytes


class PhotoReader:
    """Reads photos. Safe to call from several threads.

    Args:
        limits: What a photo may cost.
        encoder: The encoder.
        encode: Prepared pixels ``(n, size, size, 3)`` to unit vectors ``(n, dimension)``.
        finder: Finds things on photos; ``None`` where that is switched off.
        embeddings: Remembers vectors of repeated photos.
        seen: Remembers pictures that explanations are about.
    """

    def __init__(
        self,
        limits: ImageLimits,
        *,
        encoder: Callable[[], Encoder],
        encode: Callable[[Pixels], Vectors],
        finder: Callable[[], RegionFinder | None],
        embeddings: EmbeddingCache,
        seen: CellCache[SeenPicture],
    ) -> None:
        self._limits = limits
        self._encoder = encoder
        self._encode = encode
        self._finder = finder
        self._embeddings = embeddings
        self._seen = seen

    def read(
        self,
        data: bytes,
        *,
        box: Box | None,
        regions: bool,
        clock: Clock,
        explained: bool = False,
        placed: bool = False,
    ) -> ReadPhoto:
        """Read a photo.

        Args:
            data: Its bytes.
            box: The part that is meant; ``None``: the main subject.
            regions: Whether the main subject and other objects are looked for.
            clock: Told what took how long.
            explained: Whether :meth:`seen` will be asked for the photo: with an encoder that has
                cells, these come from the pass that makes the vector.
            placed: Whether its places are wanted. They are not remembered, so the photo is encoded
                again.

        Raises:
            DecodeError: The photo cannot be used.
            EncoderError: A model failed.
        """
        finder = self._finder() if regions else None
        explained = explained and isinstance(self._encoder(), CellEncoder)
        if finder is None and box is None and not explained and not placed:
            pixels = load_pixels(data, self._spec.preprocessing, self._limits)
            clock.lap("decode")
            vector = self._remembered(data, None, lambda: self._encode(pixels[None])[0])
            clock.lap("encode")
            return ReadPhoto(vector, WHOLE)
        image = self.decoded(data, box)
        clock.lap("decode")
        found = () if finder is None else finder.find(image)
        clock.lap("regions")
        subject = main_subject(found)
        part = box or (subject.box if subject else None)
        if placed:
            ((vector, places),) = self.placed([image], [looks(box, subject)])
            clock.lap("encode")
            return ReadPhoto(vector, part or WHOLE, _listed(found, part), places)

        def vector_of() -> Vector:
            if explained:
                key = self._seen_key(data, box, regions=regions)
                return self._seen.get([key], lambda _: [self._look(image, box, subject)])[
                    0
                ].cells.vector
            parts = looks(box, subject)
            vectors = self._encode(np.stack([self.pixels(image, each) for each, _ in parts]))
            return joined(list(vectors), [share for _, share in parts])

        vector = self._remembered(
            data, part, vector_of, joined_with_whole=box is None and subject is not None
        )
        clock.lap("encode")
        return ReadPhoto(vector, part or WHOLE, _listed(found, part))

    def seen(self, data: bytes, *, box: Box | None, regions: bool) -> SeenPicture:
        """A picture as :meth:`read` sees it, with its cells.

        Raises:
            DecodeError: The picture cannot be used.
            EncoderError: A model failed.
        """

        def look(_: Sequence[int]) -> list[SeenPicture]:
            image = self.decoded(data, box)
            finder = self._finder() if regions and box is None else None
            subject = None if finder is None else main_subject(finder.find(image))
            return [self._look(image, box, subject)]

        return self._seen.get([self._seen_key(data, box, regions=regions)], look)[0]

    def placed(
        self, images: Sequence[Image.Image], parts: Sequence[Sequence[tuple[Box, float]]]
    ) -> list[tuple[Vector, Places | None]]:
        """Vectors of decoded pictures, and the places of what is meant on each.

        Args:
            images: The pictures, encoded together.
            parts: Of each what is looked at, see :func:`looks`; the last is what is meant.

        Returns:
            Of each its vector, and its places if the encoder tells them.

        Raises:
            EncoderError: The model failed.
        """
        encoder = self._encoder()
        pixels = np.stack(
            [
                self.pixels(image, box)
                for image, some in zip(images, parts, strict=True)
                for box, _ in some
            ]
        )
        cells = None
        if isinstance(encoder, CellEncoder):
            vectors, cells = encoder.encode_cells(pixels)
        else:
            vectors = self._encode(pixels)
        ends = np.cumsum([len(some) for some in parts]).tolist()
        return [
            (
                joined(list(vectors[end - len(some) : end]), [share for _, share in some]),
                None
                if cells is None
                else photo_places(encoder.spec, pixels[end - 1], cells[end - 1]),
            )
            for some, end in zip(parts, ends, strict=True)
        ]

    def looks(self, image: Image.Image, *, regions: bool) -> list[tuple[Box, float]]:
        """What :meth:`read` would encode of a decoded picture; see :func:`looks`."""
        finder = self._finder() if regions else None
        return looks(None, None if finder is None else main_subject(finder.find(image)))

    def things(self, image: Image.Image, *, regions: bool) -> list[Region]:
        """The things on a decoded picture that are worth showing: the main subject first."""
        finder = self._finder() if regions else None
        found = () if finder is None else finder.find(image)
        subject = main_subject(found)
        if subject is None:
            return []
        return [subject, *(one for one in objects(found) if one != subject)]

    def decoded(self, data: bytes, box: Box | None = None) -> Image.Image:
        """The upright picture, large enough for a part of it to be sharp.

        Raises:
            DecodeError: The photo cannot be used.
        """
        finest = min(box.x2 - box.x1, box.y2 - box.y1) if box else 1.0
        side = self._spec.preprocessing.size * _FINER / max(finest, 0.1)
        return decode(data, self._limits, target_side=round(side))

    def pixels(self, image: Image.Image, box: Box) -> Pixels:
        """What the encoder is shown of a part of a picture, ``(size, size, 3)`` uint8."""
        preprocessing = self._spec.preprocessing
        if box == WHOLE:
            return to_pixels(image, preprocessing)
        return to_pixels(square_cut(image, box), whole_square(preprocessing))

    def encoded(self, image: Image.Image, boxes: Sequence[Box]) -> Vectors:
        """Unit vectors ``(n, dimension)`` of parts of a picture, a little more around each."""
        grown = [box.grown(MARGIN) for box in boxes]
        return self._encode(np.stack([self.pixels(image, box) for box in grown]))

    @property
    def _spec(self) -> EncoderSpec:
        return self._encoder().spec

    def _look(self, image: Image.Image, box: Box | None, subject: Region | None) -> SeenPicture:
        parts = looks(box, subject)
        pixels = np.stack([self.pixels(image, part) for part, _ in parts])
        sights = [self._sight(image, part) for part, _ in parts]
        found = picture_cells(self._encoder(), pixels, sights)
        return SeenPicture(
            grey_thumbnail(image), joined_cells(found, [share for _, share in parts])
        )

    def _sight(self, image: Image.Image, box: Box) -> Sight:
        how = self._spec.preprocessing
        if box == WHOLE:
            return sight(how, image.size)
        return sight(whole_square(how), image.size, square_around(image.size, box))

    def _seen_key(self, data: bytes, box: Box | None, *, regions: bool) -> Hashable:
        return embedding_key(data, box, self._spec.fingerprint), regions and box is None

    def _remembered(
        self,
        data: bytes,
        box: Box | None,
        encode: Callable[[], Vector],
        *,
        joined_with_whole: bool = False,
    ) -> Vector:
        made_by = self._spec.fingerprint + (" and whole" if joined_with_whole else "")
        return self._embeddings.encoded(embedding_key(data, box, made_by), encode)


def looks(box: Box | None, subject: Region | None) -> list[tuple[Box, float]]:
    """Which parts of a photo a query's vector is made of, and how much each counts.

    Args:
        box: The part that is meant, if that was said.
        subject: The main subject, if one was found.
    """
    if box is not None:
        return [(box.grown(MARGIN), 1.0)]
    if subject is None:
        return [(WHOLE, 1.0)]
    share = subject_share(subject)
    return [(WHOLE, 1 - share), (subject.box.grown(MARGIN), share)]


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
