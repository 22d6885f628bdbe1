"""Pictures that are compared: the catalogue's and the photos', whole or cut to a box."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.catalog.product import Product
from shopsight.catalog.store import CatalogStore
from shopsight.encoders.base import Encoder
from shopsight.errors import DecodeError, FeedError, ImageError
from shopsight.images import boxes
from shopsight.images.boxes import Box
from shopsight.images.crops import square_cut, whole_square
from shopsight.images.prepare import ImageLimits, decode, load_pixels, read_local, to_pixels
from shopsight.images.preprocessing import Preprocessing
from shopsight.images.source import Location
from shopsight.photo_lists import LabelledPhoto

BATCH = 16
"""Pictures decoded before they are encoded: bounds the memory."""

_CUT_MARGIN = 2.5  # pixels decoded per pixel wanted, so that scaling hardly differs: as in prepare


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to encode.

    Attributes:
        name: Names it in messages: its path or link.
        load: Gives its bytes; raises ``ImageError``.
        box: The part that counts; ``None``: all of it.
    """

    name: str
    load: Callable[[], bytes]
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class CataloguePicture:
    """A picture of a product: position 0 is the main one."""

    product: Product
    position: int
    picture: Picture


@dataclass(frozen=True, slots=True)
class Embedded:
    """Pictures as several encoders see them.

    Attributes:
        vectors: Per encoder ``(n, dimension)`` float32, row i for picture i; zeros where it failed.
        failed: Number of a picture that could not be used -> the reason.
    """

    vectors: tuple[NDArray[np.float32], ...]
    failed: dict[int, str]


def file_picture(path: Path, limits: ImageLimits, box: Box | None = None) -> Picture:
    """A picture in a file of this machine."""
    return Picture(str(path), lambda: read_local(path, limits), box)


def photo_picture(photo: LabelledPhoto, limits: ImageLimits) -> Picture:
    """A photo of a list."""
    return file_picture(photo.photo, limits, photo.box)


def catalogue_pictures(
    catalog: CatalogStore, limits: ImageLimits, fetch: Callable[[str], bytes]
) -> list[CataloguePicture]:
    """All pictures of a shop's products that could be used when they were indexed.

    Args:
        catalog: The shop's.
        limits: For files.
        fetch: Gives the bytes of a picture on the web.

    Raises:
        FeedError: There is none.
        StorageError: The catalogue cannot be read.
    """
    found = []
    for batch in catalog.all_states():
        for product, state in batch:
            for position, image in sorted(state.images.items()):
                if image.error is None and image.content_hash is not None:
                    picture = _located(image.location, limits, fetch)
                    found.append(CataloguePicture(product, position, picture))
    if not found:
        raise FeedError("The catalogue has no pictures: run `shopsight index FEED` first.")
    return found


def _located(location: str, limits: ImageLimits, fetch: Callable[[str], bytes]) -> Picture:
    place = Location.parse(location)
    if place.path is not None:
        return file_picture(place.path, limits)
    return Picture(location, lambda: fetch(location))


def embed(
    encoders: Sequence[Encoder],
    pictures: Sequence[Picture],
    limits: ImageLimits,
    progress: Callable[[int], None] = lambda _: None,
) -> Embedded:
    """Encode pictures with several encoders; each picture is read once.

    Args:
        encoders: At least one.
        pictures: What to encode.
        limits: What decoding one may cost.
        progress: Told the number of pictures done.

    Raises:
        EncoderError: A model failed.
    """
    vectors = tuple(
        np.zeros((len(pictures), encoder.spec.dimension), np.float32) for encoder in encoders
    )
    failed: dict[int, str] = {}
    for start in range(0, len(pictures), BATCH):
        rows: list[int] = []
        pixels: list[list[NDArray[np.uint8]]] = [[] for _ in encoders]
        for row in range(start, min(start + BATCH, len(pictures))):
            try:
                data = pictures[row].load()
                prepared = [
                    prepare(data, pictures[row].box, encoder.spec.preprocessing, limits)
                    for encoder in encoders
                ]
            except ImageError as error:
                failed[row] = str(error)
                continue
            rows.append(row)
            for kept, one in zip(pixels, prepared, strict=True):
                kept.append(one)
        if rows:
            for encoder, made, kept in zip(encoders, vectors, pixels, strict=True):
                made[rows] = encoder.encode_images(np.stack(kept))
        progress(min(start + BATCH, len(pictures)))
    return Embedded(vectors, failed)


def prepare(
    data: bytes, box: Box | None, preprocessing: Preprocessing, limits: ImageLimits
) -> NDArray[np.uint8]:
    """A picture, or the part in a box, as an encoder takes it, and as searches cut boxes out.

    See :func:`shopsight.images.crops.square_cut`: nothing of the box is lost, and where it is not
    square, what is around it is seen too.

    Returns:
        ``(size, size, 3)`` uint8.

    Raises:
        DecodeError: It is not a usable picture.
    """
    if box is None:
        return load_pixels(data, preprocessing, limits)
    share = min(box.x2 - box.x1, box.y2 - box.y1)
    side = math.ceil(preprocessing.size * _CUT_MARGIN / share)
    image = decode(data, limits, target_side=side, background=preprocessing.background)
    return to_pixels(square_cut(image, boxes.Box(*box)), whole_square(preprocessing))


def cut_out(photo: LabelledPhoto, preprocessing: Preprocessing, limits: ImageLimits) -> bytes:
    """What is in a photo's box, as a PNG file that an encoder takes as :func:`prepare` has it.

    Args:
        photo: With a box.
        preprocessing: Of the encoder.
        limits: For the photo.

    Raises:
        ImageError: The photo cannot be used; the message names it.
    """
    try:
        pixels = prepare(read_local(photo.photo, limits), photo.box, preprocessing, limits)
    except DecodeError as error:
        raise DecodeError(f"{photo.photo}: {error}", reason=error.reason) from error
    image = Image.fromarray(pixels)
    if preprocessing.fit == "crop" and preprocessing.crop_ratio < 1:
        side = round(preprocessing.size / preprocessing.crop_ratio)  # what is cut away, added first
        place = (side - preprocessing.size) // 2
        wide = Image.new("RGB", (side, side), preprocessing.background)
        wide.paste(image, (place, place))
        image = wide
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
