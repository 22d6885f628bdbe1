"""From picture files straight to vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import Encoder, Vectors
from shopsight.errors import DecodeError
from shopsight.images.prepare import ImageLimits, load_pixels, read_local
from shopsight.images.preprocessing import Preprocessing

FILES_PER_BATCH = 16
"""Pictures decoded before they are encoded: bounds the memory, whatever the number of files."""

LIMITS = ImageLimits(max_bytes=20_000_000, max_pixels=50_000_000, min_side=16)
"""What one picture may cost: as the settings have it unless changed."""


@runtime_checkable
class FileEncoder(Encoder, Protocol):
    """An encoder that also reads picture files."""

    def encode_files(self, paths: Sequence[Path | str]) -> Vectors:
        """Embed picture files; see :meth:`EncodesFiles.encode_files`."""
        ...


class EncodesFiles:
    """Gives an encoder :meth:`encode_files`. Derive an encoder's class from this."""

    def encode_files(self: Encoder, paths: Sequence[Path | str]) -> Vectors:
        """Embed picture files of any kind that Shopsight reads.

        Args:
            paths: Files; may be empty.

        Returns:
            ``(n, dimension)`` float32, rows of unit length, row i for file i.

        Raises:
            FetchError: A file is missing or cannot be read; the message names it.
            DecodeError: A file is not a usable picture; the message names it.
            EncoderError: The model failed.
        """
        preprocessing = self.spec.preprocessing
        vectors = np.empty((len(paths), self.spec.dimension), np.float32)
        for start in range(0, len(paths), FILES_PER_BATCH):
            batch = paths[start : start + FILES_PER_BATCH]
            pixels = np.stack([_read(Path(path), preprocessing) for path in batch])
            vectors[start : start + len(batch)] = self.encode_images(pixels)
        return vectors


def _read(path: Path, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    data = read_local(path, LIMITS)
    try:
        return load_pixels(data, preprocessing, LIMITS)
    except DecodeError as error:
        raise DecodeError(f"{path}: {error}", reason=error.reason) from error
