"""Opens picture files of every format within limits."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pi_heif import HeifImageFile
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from shopsight.errors import DecodeError
from shopsight.images.colors import to_eight_bits
from shopsight.images.sniff import UNDERSTOOD, sniff, webp_size

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
# Real ones have about ten; each costs a pass over all pixels, however few bytes it has.
_MAX_JPEG_SCANS = 100
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


@dataclass(frozen=True)
class Stored:
    """A picture as its file holds it: perhaps turned, transparent, or in other colours.

    Attributes:
        image: As :func:`to_eight_bits` returns it.
        extent: Width and height of the whole picture in pixels of ``image``: a fraction less than
            its size if it was reduced and its sides could not be divided evenly.
        full_size: Width and height before it was reduced.
        orientation: EXIF orientation, 1 to 8.
        profile: ICC profile.
    """

    image: Image.Image
    extent: tuple[float, float]
    full_size: tuple[int, int]
    orientation: int
    profile: bytes | None


@contextmanager
def translation(data: bytes, limits: ImageLimits) -> Iterator[str]:
    """Check a file's size, tell its format, and turn decoders' exceptions into ours.

    Args:
        data: The file.
        limits: What it may cost.

    Yields:
        Its format, as :func:`shopsight.images.sniff.sniff` names it.

    Raises:
        DecodeError: The file is too large or none of the formats, or what runs inside failed.
    """
    if len(data) > limits.max_bytes:
        raise DecodeError(
            f"the file has {len(data)} bytes, more than the {limits.max_bytes} allowed: "
            "make it smaller or raise the setting image_max_bytes",
            reason="too_many_bytes",
        )
    kind = sniff(data)
    try:
        yield kind
    except DecodeError:
        raise
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        raise _translated(kind, error) from error


def load(kind: str, data: bytes, limits: ImageLimits, target_side: int | None) -> Stored:
    """Decode a file. To be called inside :func:`translation`, as decoders raise anything.

    Args:
        kind: Format, from :func:`translation`.
        data: The file.
        limits: Checked before memory for pixels is taken.
        target_side: Pixels that the shorter side must keep if the picture is reduced.
    """
    if kind == "WEBP" and (size := webp_size(data)):
        _check_size(size, limits)  # here, as Pillow takes memory for all pixels on opening a WebP
    if kind == "JPEG" and data.count(b"\xff\xda") > _MAX_JPEG_SCANS:
        raise DecodeError(
            "the JPEG has more scans than any real one: save it again", reason="corrupt"
        )
    opened = _OPENERS[kind](io.BytesIO(data))
    _check_size(opened.size, limits)
    full_size = opened.size
    extent: tuple[float, float] | None = None
    if target_side and isinstance(opened, JpegImageFile):
        drafted = opened.draft(None, (target_side, target_side))
        extent = drafted[1][2:] if drafted else None
    opened.load()
    if extent is None:
        full_size = opened.size
    _check_pixels(opened.size, limits)  # again: a damaged HEIC can turn out larger than it said
    return Stored(
        to_eight_bits(opened),
        extent or opened.size,
        full_size,
        _orientation(opened),
        opened.info.get("icc_profile"),
    )


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
    if isinstance(error, Image.DecompressionBombError):
        return DecodeError(
            f"the {kind} has too many pixels ({error}): make it smaller", reason="too_many_pixels"
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
