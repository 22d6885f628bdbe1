"""The process that decodes a video for :mod:`shopsight.images.video`, where its records are told.

Run as ``python -m shopsight.images.video_decoding KIND LIMITS_JSON < video > records``.
"""

from __future__ import annotations

import io
import json
import math
import sys
import time
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from shopsight.errors import DecodeError
from shopsight.images.sniff import webp_size
from shopsight.images.video import HEADER, UNDERSTOOD, VideoLimits

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_DECODERS = frozenset(
    ("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "h263", "mjpeg", "prores")
)
"""What cameras, telephones and browsers write. FFmpeg knows hundreds more, rarely looked after."""

_FAST = 24
"""Frames per second from which those that no other frame refers to are skipped undecoded."""

_SHORTEST_S, _USUAL_S = 0.011, 0.1
"""Animations with frames shorter than the first are shown with the second by all browsers."""

_GRACE_S = 2
"""Seconds of processor time from our limit, which explains itself, to the system's, which kills."""

_EARLY = 0.05
"""Share of the time between two frames that a frame may come before its time."""

_SIDEWAYS = 90
_SQUARE_PIXELS = (0.2, 5.0)


class Budget:
    """Counts what decoding has cost so far.

    Args:
        limits: What it may cost.
    """

    def __init__(self, limits: VideoLimits) -> None:
        self._limits = limits
        self._frames = 0

    def spend(self) -> None:
        """Look whether there is processor time left.

        Raises:
            DecodeError: There is not.
        """
        if time.process_time() > self._limits.max_cpu_s:
            raise DecodeError(
                f"the video takes more than {self._limits.max_cpu_s:g} seconds to decode: make it "
                "shorter or smaller",
                reason="too_slow",
            )

    def frame(self, time_s: float) -> None:
        """Count a frame at some time of the video.

        Raises:
            DecodeError: It is one too many, or too late.
        """
        self.spend()
        self.duration(time_s)
        self._frames += 1
        if self._frames > self._limits.max_frames:
            raise DecodeError(
                f"the video has more than the {self._limits.max_frames} frames allowed: make it "
                "shorter, or save it with fewer frames per second",
                reason="too_many_frames",
            )

    def duration(self, seconds: float) -> None:
        """Check how long the video lasts.

        Raises:
            DecodeError: Longer than allowed.
        """
        if seconds > self._limits.max_duration_s:
            raise DecodeError(
                f"the video lasts {seconds:.1f} seconds, more than the "
                f"{self._limits.max_duration_s:g} allowed: cut out the part that shows the product",
                reason="too_long",
            )

    def pixels(self, width: int, height: int) -> None:
        """Check the size of frames.

        Raises:
            DecodeError: Larger than allowed, or nothing.
        """
        if width * height > self._limits.max_pixels:
            raise DecodeError(
                f"the video has frames of {width} x {height} pixels, more than the "
                f"{self._limits.max_pixels:,} allowed: save it smaller, such as 1280 x 720",
                reason="too_many_pixels",
            )
        if width < 1 or height < 1:
            raise DecodeError("the video's frames have no size: save it again", reason="corrupt")


def animation(data: bytes, kind: str, limits: VideoLimits) -> Iterator[tuple[float, Image.Image]]:
    """Decode a GIF or WebP.

    Args:
        data: The file.
        kind: ``gif`` or ``webp``.
        limits: What it may cost.

    Yields:
        Times in seconds and RGB pictures.
    """
    budget = Budget(limits)
    if kind == "webp" and (size := webp_size(data)):
        budget.pixels(*size)
    opener: type[ImageFile] = GifImageFile if kind == "gif" else WebPImageFile
    try:
        opened = opener(io.BytesIO(data))
        budget.pixels(*opened.size)
        yield from _animated(opened, budget, limits.frames_per_s, limits.side)
    except DecodeError:
        raise
    except MemoryError:
        raise _no_memory() from None
    except Exception as error:  # decoders raise whatever damaged bytes lead them to
        raise DecodeError(
            f"the {kind.upper()} is damaged or cut short: save it again ({error})", reason="corrupt"
        ) from error


def _animated(
    opened: ImageFile, budget: Budget, rate: float, side: int
) -> Iterator[tuple[float, Image.Image]]:
    now, due = 0.0, 0.0
    for number in range(getattr(opened, "n_frames", 1)):
        opened.seek(number)
        opened.load()
        budget.frame(now)
        if now >= due:
            due = _next_due(now, rate)
            yield now, _scaled(_on_white(opened), side)
        lasts_s = float(opened.info.get("duration", 0)) / 1000
        now += lasts_s if lasts_s >= _SHORTEST_S else _USUAL_S


def _next_due(now: float, rate: float) -> float:
    """When the next frame is wanted: at the next tick, or a little before, as times are rounded."""
    return (math.floor(now * rate + _EARLY) + 1 - _EARLY) / rate


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")


def _scaled(image: Image.Image, side: int) -> Image.Image:
    image = image.copy()
    image.thumbnail((side, side), Image.Resampling.BILINEAR)
    return image


def film(data: bytes, kind: str, limits: VideoLimits) -> Iterator[tuple[float, Image.Image]]:
    """Decode an MP4, MOV or WebM.

    Args:
        data: The file.
        kind: ``mov`` or ``matroska``: no other demuxer is tried, some of which open other files.
        limits: What it may cost.

    Yields:
        Times in seconds and upright RGB pictures.
    """
    import av
    from av.error import FFmpegError

    options = {
        "max_pixels": str(limits.max_pixels),
        "protocol_whitelist": "pipe",
        "codec_whitelist": ",".join(sorted(_DECODERS)),  # opening a file tries its decoders, too
    }
    try:
        with av.open(
            io.BytesIO(data), "r", format=kind, options=options, metadata_errors="replace"
        ) as container:
            budget = Budget(limits)
            stream = _picture_stream(container, budget)
            stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
            yield from _filmed(container, stream, budget, limits)
    except DecodeError:
        raise
    except (FFmpegError, ValueError, OverflowError, MemoryError) as error:
        if isinstance(error, MemoryError):
            raise _no_memory() from error
        if "max_pixels" in str(error):
            raise DecodeError(
                f"the video's frames have more than the {limits.max_pixels:,} pixels allowed: save "
                "it smaller, such as 1280 x 720",
                reason="too_many_pixels",
            ) from error
        raise DecodeError(
            "the video is damaged or cut short: transfer it again, or save it again as MP4 "
            f"({getattr(error, 'strerror', None) or error})",
            reason="corrupt",
        ) from error


def _picture_stream(container: InputContainer, budget: Budget) -> VideoStream:
    """The stream that shows something, checked. The cover of a song is none."""
    from av.stream import Disposition

    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        raise DecodeError(
            "the file has no moving pictures, perhaps only sound: give a video", reason="no_video"
        )
    stream = streams[0]
    name = getattr(stream.codec_context, "name", "an unknown codec")  # none for unknown ones
    if name not in _DECODERS:
        raise DecodeError(
            f"the video is coded with {name}, which is not decoded here: save it as {UNDERSTOOD}, "
            "with H.264 where there is a choice",
            reason="unsupported",
        )
    budget.pixels(stream.width, stream.height)
    if container.duration:
        budget.duration(container.duration / 1_000_000)
    return stream


def _filmed(
    container: InputContainer, stream: VideoStream, budget: Budget, limits: VideoLimits
) -> Iterator[tuple[float, Image.Image]]:
    stream.thread_type = "AUTO"
    if float(stream.average_rate or 0) >= _FAST:
        stream.codec_context.skip_frame = "NONREF"
    first: float | None = None
    reached = due = 0.0
    for frame in _decoded(container, stream, budget):
        at: float | None = frame.time  # some containers leave times out
        first = at if first is None else first
        now = reached if at is None or first is None else max(0.0, at - first)
        budget.frame(now)
        reached = max(reached, now + float(frame.duration * (frame.time_base or 0)))
        if now >= due:
            due = _next_due(now, limits.frames_per_s)
            yield now, _upright(frame, limits.side, float(stream.sample_aspect_ratio or 1))
    if not due:
        raise DecodeError(
            "the video has no frame that can be decoded: save it again", reason="no_frames"
        )
    said = float((stream.duration or 0) * (stream.time_base or 0))
    if reached < said * 0.9 - 0.5:
        raise DecodeError(
            f"the video ends after {reached:.1f} of {said:.1f} seconds: it is cut short, transfer "
            "it again",
            reason="truncated",
        )


def _decoded(
    container: InputContainer, stream: VideoStream, budget: Budget
) -> Iterator[VideoFrame]:
    """Frames that are whole. Some that are not are left out, as players do, but not most."""
    from av.error import InvalidDataError

    good = bad = 0
    for packet in container.demux(stream):
        budget.spend()
        try:
            frames = packet.decode()
        except InvalidDataError:
            bad += 1
            continue
        for frame in frames:
            if frame.is_corrupt:
                bad += 1
            else:
                good += 1
                yield frame
    if bad > good:
        raise DecodeError(
            f"{bad} of the video's {good + bad} frames are damaged: transfer it again, or save it "
            "again as MP4",
            reason="corrupt",
        )


def _upright(frame: VideoFrame, side: int, aspect: float) -> Image.Image:
    """A frame scaled down to a side, with square pixels, turned as its rotation says."""
    lowest, highest = _SQUARE_PIXELS
    width = frame.width * (aspect if lowest < aspect < highest else 1)
    share = min(1.0, side / max(width, frame.height))
    size = max(1, min(side, round(width * share))), max(1, min(side, round(frame.height * share)))
    small = frame.reformat(*size, format="rgb24", interpolation="AREA")
    plane = small.planes[0]
    picture = Image.frombuffer("RGB", size, bytes(plane), "raw", "RGB", plane.line_size, 1)
    turns = round(frame.rotation / _SIDEWAYS) % 4
    if not turns:
        return picture
    turn = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return picture.transpose(turn[turns - 1])


def _no_memory() -> DecodeError:
    return DecodeError(
        "the video needs more memory than allowed to decode: save it smaller, such as 1280 x 720",
        reason="too_many_pixels",
    )


def _confine(limits: VideoLimits) -> None:
    """Let the system hold this process to the limits, where it can."""
    try:
        import resource
    except ImportError:  # not on every system; the checks between frames remain
        return
    seconds = math.ceil(limits.max_cpu_s) + _GRACE_S
    for kind, value in (
        (resource.RLIMIT_AS, limits.max_memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):  # lower already, or not known here
            continue


def main(kind: str, limits: VideoLimits, source: IO[bytes], sink: IO[bytes]) -> None:
    """Decode a video and write its records.

    Args:
        kind: What :func:`shopsight.images.video.video_kind` says.
        limits: What it may cost.
        source: Where its bytes are read from.
        sink: Where records are written to.
    """
    data = source.read()
    frames = animation if kind in {"gif", "webp"} else film
    try:
        for time_s, image in frames(data, kind, limits):
            sink.write(HEADER.pack(b"F", time_s, *image.size))
            sink.write(image.tobytes())
    except DecodeError as error:
        said = json.dumps({"message": str(error), "reason": error.reason}).encode()
        sink.write(HEADER.pack(b"E", 0.0, len(said), 0))
        sink.write(said)
    else:
        sink.write(HEADER.pack(b"Z", 0.0, 0, 0))
    sink.flush()


if __name__ == "__main__":
    _limits = VideoLimits(**json.loads(sys.argv[2]))
    _confine(_limits)
    main(sys.argv[1], _limits, sys.stdin.buffer, sys.stdout.buffer)
