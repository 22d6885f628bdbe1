"""Small copies of pictures for pages, and the folder that keeps them."""

from __future__ import annotations

import io
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from shopsight.images.decoding import ImageLimits
from shopsight.images.prepare import decode_sized

log = logging.getLogger(__name__)

WIDTHS = (160, 320, 640, 1024)
"""Widths that thumbnails come in, in pixels: few, so that caches hold most of what is asked for."""

_TALLEST = 2  # times the width: a receipt or a banner stays a thumbnail
_QUALITY = 80
_REDUCING_GAP = 3.0
_KEPT_AFTER_SWEEP = 0.9
_WEBP_HEADER = 8  # bytes before those that its size counts


def thumbnail_size(size: tuple[int, int], width: int) -> tuple[int, int]:
    """Width and height of a thumbnail: at most ``width`` wide and twice that high.

    Args:
        size: Of the picture, in pixels. No thumbnail is larger.
        width: One of :data:`WIDTHS`.
    """
    scale = min(1.0, width / size[0], width * _TALLEST / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def thumbnail(data: bytes, width: int, limits: ImageLimits) -> bytes:
    """A picture as a small WebP file: upright, in sRGB, on white, without metadata.

    Args:
        data: The picture's file.
        width: One of :data:`WIDTHS`.
        limits: What decoding may cost.

    Raises:
        DecodeError: As :func:`shopsight.images.prepare.decode`.
    """
    upright = decode_sized(data, limits, target_side=width)
    small = upright.image.resize(
        thumbnail_size(upright.size, width),
        Image.Resampling.LANCZOS,
        reducing_gap=_REDUCING_GAP,
    )
    target = io.BytesIO()
    small.save(target, "WEBP", quality=_QUALITY)
    return target.getvalue()


class ThumbnailCache:
    """A folder of thumbnails that never grows beyond a bound; those not used for longest go first.

    Several processes may share the folder; then the bound may be exceeded by a tenth for each.
    A folder that cannot be written costs speed only. Safe to use from several threads.

    Args:
        folder: Made when something is kept.
        max_bytes: Bound; 0: nothing is kept.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._room: int | None = None  # bytes that may be written before the folder is looked at

    def get(self, digest: str, width: int) -> bytes | None:
        """The thumbnail, if it is kept.

        Args:
            digest: SHA-256 of the picture, in hex.
            width: One of :data:`WIDTHS`.
        """
        path = self._path(digest, width)
        try:
            data = path.read_bytes()
            if not _is_whole(data):  # a power cut may leave a file that was named but not written
                return None
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, digest: str, width: int, data: bytes) -> None:
        """Keep a thumbnail."""
        if len(data) > self._max_bytes * (1 - _KEPT_AFTER_SWEEP):
            return
        try:
            with self._lock:
                if self._room is None or self._room < len(data):
                    self._room = self._sweep()
                self._room -= len(data)
            self._write(self._path(digest, width), data)
        except OSError as error:
            log.warning("Thumbnails cannot be kept in %s: %s", self._folder, error)

    def _path(self, digest: str, width: int) -> Path:
        return self._folder / digest[:2] / f"{digest}-{width}.webp"

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            part = Path(file.name)
            try:
                file.write(data)
                file.close()
                part.replace(path)
            except OSError:
                part.unlink(missing_ok=True)
                raise

    def _sweep(self) -> int:
        """Delete what was not used for longest, if there is too much; say how much room is left."""
        found = sorted(self._files())
        taken = sum(size for _, size, _ in found)
        if taken > self._max_bytes * _KEPT_AFTER_SWEEP:
            for _, size, path in found:
                path.unlink(missing_ok=True)
                taken -= size
                if taken <= self._max_bytes * _KEPT_AFTER_SWEEP:
                    break
        return self._max_bytes - taken

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """When each file was last used, its size, and its path."""
        for path in self._folder.glob("*/*"):
            try:
                facts = path.stat()
            except OSError:
                continue  # another process was faster
            yield facts.st_mtime_ns, facts.st_size, path


def _is_whole(data: bytes) -> bool:
    size = int.from_bytes(data[4:_WEBP_HEADER], "little") + _WEBP_HEADER
    return data[:4] == b"RIFF" and size == len(data)
