"""Bytes to pixels: decodes pictures from anywhere within limits, and scales them for an encoder."""

from __future__ import annotations

import io
import math
import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pi_heif import HeifImageFile
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from shopsight.errors import DecodeError, FetchError
from shopsight.images.colors import Color, flatten, to_eight_bits, to_srgb
from shopsight.images.preprocessing import Preprocessing
from shopsight.images.sniff import UNDERSTOOD, sniff, webp_size

WHITE: Color = (255, 255, 255)

# Classes, not ``Image.open``: only these run, and nothing depends on Pillow's process-wide registry
# and bomb limit.
_OPENERS: dict[str, type[ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "AVIF": AvifImageFile,
    "HEIF": HeifImageFile,
    "GIF": GifImageFile,
    "TIFF": TiffImageFile,
}
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_MAX_JPEG_SCANS = (
    100  # real ones have about ten; each costs a pass over all pixels, however few bytes it has
)
_REDUCED_MARGIN = (
    2  # the filter sees at least twice the pixels it needs, so that it alone decides the result
)
_REDUCING_GAP = 3.0
_CUT_SHORT = ("truncated", "end of file", "end of data", "unexpected eof", "incomplete")


@dataclass(frozen=True)
class ImageLimits:
    """What a picture may cost.

    Attributes:
        max_bytes: Bytes of the encoded file.
        max_pixels: Width times height, as the file's header gives them.
        min_side: Pixels of the shorter side, at least.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000
    min_side: int = 16


def decode(
    data: bytes,
    limits: ImageLimits,
    *,
    target_side: int | None = None,
    background: Color = WHITE,
) -> Image.Image:
    """Decode a picture to upright sRGB.

    EXIF orientation and colour profile are applied, transparency is laid on the background, and of
    an animation the first frame is taken. Size limits are checked before memory is taken.

    Args:
        data: A whole JPEG, PNG, WebP, AVIF, HEIC, GIF or TIFF file.
        limits: What it may cost.
        target_side: If given, a large picture may come back smaller, its shorter side at least this
            many pixels: JPEGs are then decoded at 1/2, 1/4 or 1/8 of their size, which is much
            faster.
        background: Shows through transparent pixels.

    Returns:
        A Pillow image of mode RGB.

    Raises:
        DecodeError: Reason ``empty``, ``html``, ``svg``, ``not_an_image``, ``unsupported``,
            ``too_many_bytes``, ``too_many_pixels``, ``too_small``, ``truncated`` or ``corrupt``.
    """
    if len(data) > limits.max_bytes:
        raise DecodeError(
            f"the file has {len(data)} bytes, more than the {limits.max_bytes} allowed: "
            "make it smaller or raise the setting image_max_bytes",
            reason="too_many_bytes",
        )
    kind = sniff(data)
    try:
        return _decode_as(kind, data, limits, target_side, background)
    except DecodeError:
        raise
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        raise _translated(kind, error) from error


def to_pixels(image: Image.Image, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Scale a picture to the square an encoder takes.

    Args:
        image: Upright picture of mode RGB, as :func:`decode` returns it.
        preprocessing: Geometry of the square.

    Returns:
        ``(size, size, 3)`` uint8 RGB.
    """
    size = preprocessing.size
    resample = _FILTERS[preprocessing.interpolation]
    width, height = image.size
    if preprocessing.fit == "pad":
        scale = size / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        scaled = image.resize(inner, resample, reducing_gap=_REDUCING_GAP)
        pixels = np.empty((size, size, 3), dtype=np.uint8)
        pixels[:] = preprocessing.background
        left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
        pixels[top : top + inner[1], left : left + inner[0]] = np.asarray(scaled)
        return pixels
    box = None
    if preprocessing.fit == "crop":
        kept = min(width, height) * preprocessing.crop_ratio
        box = (
            (width - kept) / 2,
            (height - kept) / 2,
            (width + kept) / 2,
            (height + kept) / 2,
        )
    return np.array(image.resize((size, size), resample, box=box, reducing_gap=_REDUCING_GAP))


def load_pixels(
    data: bytes, preprocessing: Preprocessing, limits: ImageLimits
) -> NDArray[np.uint8]:
    """Decode a picture and scale it for an encoder, both in one go, which is faster.

    Args:
        data: As for :func:`decode`.
        preprocessing: Geometry of the encoder's input; transparent parts show its background.
        limits: What the picture may cost.

    Returns:
        ``(size, size, 3)`` uint8 RGB.

    Raises:
        DecodeError: As :func:`decode`.
    """
    kept = preprocessing.crop_ratio if preprocessing.fit == "crop" else 1.0
    needed = math.ceil(preprocessing.size / kept)
    image = decode(
        data,
        limits,
        target_side=needed * _REDUCED_MARGIN,
        background=preprocessing.background,
    )
    return to_pixels(image, preprocessing)


def read_local(path: Path, limits: ImageLimits) -> bytes:
    """Read a picture's file, if it is an ordinary file within the limit.

    Args:
        path: The file. Whether it may be read at all is for the caller to decide.
        limits: Its size limit applies.

    Returns:
        The file's bytes.

    Raises:
        FetchError: Reason ``not_found``, ``forbidden``, ``not_a_file``, ``too_many_bytes`` or
            ``unreadable``.
    """
    try:
        # Not blocking: opening a named pipe would wait for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123  # a descriptor, which Path cannot open
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise FetchError(
                    f"{path} is a {_file_kind(facts.st_mode)}, not a file", reason="not_a_file"
                )
            data = file.read(limits.max_bytes + 1) if facts.st_size <= limits.max_bytes else None
    except OSError as error:
        raise unreadable(path, error) from error
    if data is None or len(data) > limits.max_bytes:
        raise FetchError(
            f"{path} has {facts.st_size} bytes, more than the {limits.max_bytes} allowed: "
            "make it smaller or raise the setting image_max_bytes",
            reason="too_many_bytes",
        )
    return data


def unreadable(path: Path, error: OSError | ValueError) -> FetchError:
    """What an operating system error about a picture's file means for people.

    Args:
        path: The file.
        error: What was raised; a ``ValueError`` for a path that no file can have.

    Returns:
        An error to raise, of reason ``not_found``, ``forbidden`` or ``unreadable``.
    """
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FetchError(
            f"{path} does not exist: correct the link or add the file", reason="not_found"
        )
    if isinstance(error, PermissionError):
        return FetchError(
            f"{path} may not be read by this user: change its permissions", reason="forbidden"
        )
    why = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return FetchError(f"{path} cannot be read: {why}", reason="unreadable")


def _file_kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "device or socket"


def _decode_as(
    kind: str, data: bytes, limits: ImageLimits, target_side: int | None, background: Color
) -> Image.Image:
    if kind == "WEBP" and (size := webp_size(data)):
        _check_size(size, limits)  # here, as Pillow takes memory for all pixels on opening a WebP
    if kind == "JPEG" and data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise DecodeError(
            "the JPEG has more scans than any real one: save it again", reason="corrupt"
        )
    opened = _OPENERS[kind](io.BytesIO(data))
    _check_size(opened.size, limits)
    if target_side and isinstance(opened, JpegImageFile):
        opened.draft(None, (target_side, target_side))
    opened.load()
    _check_pixels(opened.size, limits)  # again: a damaged HEIC can turn out larger than it said
    image = to_eight_bits(opened)
    if target_side and (factor := min(image.size) // target_side) > 1:
        image = image.reduce(factor)
    orientation = _orientation(opened)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    image = to_srgb(flatten(image, background), opened.info.get("icc_profile"))
    return image.copy() if image is opened else image  # a copy lets go of the file and its decoder


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    _check_pixels(size, limits)
    width, height = size
    if min(size) < limits.min_side:
        raise DecodeError(
            f"the picture has {width} x {height} pixels, and the shorter side needs at least "
            f"{limits.min_side}: give a larger one or lower the setting image_min_side",
            reason="too_small",
        )


def _check_pixels(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise DecodeError(
            f"the picture has {width} x {height} pixels, more than the {limits.max_pixels} "
            "allowed: make it smaller or raise the setting image_max_pixels",
            reason="too_many_pixels",
        )


def _orientation(image: ImageFile) -> int:
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001  # damaged EXIF data is common and does not spoil the pixels
        return 1
    return found if isinstance(found, int) else 1


def _translated(kind: str, error: Exception) -> DecodeError:
    """What a decoder's exception means, as far as it can be told."""
    said = str(error).lower()
    if isinstance(error, MemoryError):
        return DecodeError(
            f"there is not enough memory to decode the {kind}: make the picture smaller",
            reason="too_many_pixels",
        )
    if isinstance(error, EOFError | struct.error) or any(word in said for word in _CUT_SHORT):
        return DecodeError(
            f"the {kind} is cut short: transfer it again ({error})", reason="truncated"
        )
    if isinstance(error, NotImplementedError) or "unsupported" in said or "cannot handle" in said:
        return DecodeError(
            f"this kind of {kind} cannot be decoded ({error}): give a {UNDERSTOOD}",
            reason="unsupported",
        )
    return DecodeError(f"the {kind} is damaged: save it again ({error})", reason="corrupt")
