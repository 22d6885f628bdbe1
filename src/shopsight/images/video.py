"""Videos: bytes to upright frames within limits, decoded by a process of their own.

Decoders of video are large programs in C that were not written for hostile files. They run in a
process of their own, whose memory and processor time the system limits, so that a file that crashes
or floods them costs its sender an error message and nobody else anything. Bytes go in and frames
come out through pipes: nothing is written to the disk.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import IO, Literal, NamedTuple

from PIL import Image

from shopsight.errors import DecodeError, MissingExtraError

UNDERSTOOD = "MP4, MOV, WebM, animated GIF or animated WebP"
"""The formats that are decoded, for messages."""

Kind = Literal["mov", "matroska", "gif", "webp"]
"""A container: ``mov`` is also MP4, ``matroska`` also WebM."""

HEADER = struct.Struct("<cdII")
"""Before each record that the decoding process sends: kind, time in seconds, two sizes.

``F``: a frame, width and height, followed by its RGB pixels. ``E``: an error, length of a JSON
object with ``message`` and ``reason``, which follows. ``Z``: the end.
"""

_WORKER = "shopsight.images.video_decoding"

# First atoms of QuickTime files that are older than the atom that names the format.
_QUICKTIME_ATOMS = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
_PICTURE_BRANDS = frozenset(
    (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
)


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What a video may cost, and how finely it is looked at.

    Attributes:
        max_bytes: Bytes of the file.
        max_duration_s: Seconds it lasts.
        max_pixels: Width times height of a frame.
        max_frames: Frames that are decoded, whether they are used or not.
        max_cpu_s: Seconds of processor time for decoding.
        max_memory: Bytes of address space of the decoding process.
        frames_per_s: Frames that are handed out per second of the video, at most.
        side: Pixels of a frame's longer side as it is handed out, at most.
    """

    max_bytes: int = 50_000_000
    max_duration_s: float = 60.0
    max_pixels: int = 9_000_000
    max_frames: int = 7_200
    max_cpu_s: float = 20.0
    max_memory: int = 2 * 1024**3
    frames_per_s: float = 6.0
    side: int = 640


class Frame(NamedTuple):
    """A frame of a video.

    Attributes:
        time_s: Seconds after the first frame.
        image: RGB, upright.
    """

    time_s: float
    image: Image.Image


def video_kind(data: bytes) -> Kind | None:
    """What kind of video some bytes are, from their beginning; ``None``: none that is decoded.

    GIF and WebP may also be pictures that do not move; they are videos of one frame then.
    """
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    atom = data[4:8]
    if (atom == b"ftyp" and data[8:12] not in _PICTURE_BRANDS) or atom in _QUICKTIME_ATOMS:
        return "mov"
    return None


def read_frames(data: bytes, limits: VideoLimits | None = None) -> Iterator[Frame]:
    """Decode a video, a few frames per second, one at a time.

    Args:
        data: A whole MP4, MOV, WebM, GIF or WebP file.
        limits: What it may cost.

    Yields:
        Frames in the order of their times, at least one.

    Raises:
        DecodeError: It is no such file, or damaged, or exceeds a limit; possibly after some frames.
            Reasons ``empty``, ``too_many_bytes``, ``not_a_video``, ``too_long``,
            ``too_many_pixels``, ``too_many_frames``, ``too_slow``, ``no_video``, ``no_frames``,
            ``truncated``, ``unsupported`` and ``corrupt``.
        MissingExtraError: The extra ``video`` is not installed; GIF and WebP do not need it.
    """
    limits = limits or VideoLimits()
    kind = _checked(data, limits)
    command = [sys.executable, "-P", "-m", _WORKER, kind, json.dumps(asdict(limits))]
    with subprocess.Popen(  # noqa: S603 - our own module; the file's bytes are no part of the command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            if process.stdin is None or process.stdout is None:
                raise DecodeError("the decoding process has no pipes", reason="corrupt")
            _send(process.stdin, data)
            yield from _frames(process.stdout, limits)
        finally:
            process.kill()


def _checked(data: bytes, limits: VideoLimits) -> Kind:
    if not data:
        raise DecodeError("the video is empty (0 bytes): send it again", reason="empty")
    if len(data) > limits.max_bytes:
        raise DecodeError(
            f"the video has {len(data):,} bytes, more than the {limits.max_bytes:,} allowed: make "
            "it shorter or smaller",
            reason="too_many_bytes",
        )
    kind = video_kind(data)
    if kind is None:
        raise DecodeError(
            f"the bytes are no video that can be read (they start with {data[:8].hex()}): give a "
            f"{UNDERSTOOD}",
            reason="not_a_video",
        )
    if kind in {"mov", "matroska"} and find_spec("av") is None:
        raise MissingExtraError("Searching with videos", "video")
    return kind


def _send(pipe: IO[bytes], data: bytes) -> None:
    try:
        pipe.write(data)
        pipe.close()
    except BrokenPipeError:
        pass  # it ended early: what it says, or that it says nothing, tells why


def _frames(pipe: IO[bytes], limits: VideoLimits) -> Iterator[Frame]:
    while True:
        header = pipe.read(HEADER.size)
        if len(header) < HEADER.size:
            raise _crashed()
        kind, time_s, width, height = HEADER.unpack(header)
        if kind == b"Z":
            return
        if kind == b"E":
            raise DecodeError(**json.loads(pipe.read(width)))
        if max(width, height) > limits.side:
            raise _crashed()
        pixels = pipe.read(width * height * 3)
        if len(pixels) < width * height * 3:
            raise _crashed()
        yield Frame(time_s, Image.frombytes("RGB", (width, height), pixels))


def _crashed() -> DecodeError:
    return DecodeError(
        "the video cannot be decoded: it is damaged, or needs more memory or time than allowed; "
        "save it again as MP4 with H.264, shorter or smaller",
        reason="corrupt",
    )
