"""Shorter vectors of the same encoder: less memory and faster search for a little less recall."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import (
    CellEncoder,
    Encoder,
    EncoderSpec,
    Part,
    Pixels,
    TextEncoder,
    Vectors,
)
from shopsight.encoders.files import EncodesFiles, FileEncoder
from shopsight.errors import SettingsError

SEPARATOR = "@"
"""Between the name of an encoder and the number of dimensions: ``lite@128``."""


def split_name(name: str) -> tuple[str, int | None]:
    """Name and number of dimensions of ``NAME@DIMENSIONS``; ``None`` without such a number."""
    base, separator, dimensions = name.rpartition(SEPARATOR)
    if separator and base and dimensions.isascii() and dimensions.isdecimal():
        return base, int(dimensions)
    return name, None


def shortened(encoder: FileEncoder, dimension: int) -> FileEncoder:
    """An encoder that keeps the first dimensions of each part of another's vectors.

    Meant for vectors whose beginnings were trained to stand alone (Matryoshka; Kusupati et al.,
    NeurIPS 2022), as those of ``lite`` are. Each part keeps its share of the length.

    Args:
        encoder: What makes the vectors.
        dimension: Numbers to keep.

    Returns:
        An encoder that can do what ``encoder`` can. Its fingerprint is its own.

    Raises:
        SettingsError: Its vectors are not longer than that, or too few would be left for a part.
    """
    spec = encoder.spec
    if not len(spec.all_parts) <= dimension < spec.dimension:
        raise SettingsError(
            f"Vectors of the encoder {spec.name!r} have {spec.dimension} numbers and cannot be "
            f"shortened to {dimension}: give a number from {len(spec.all_parts)} to "
            f"{spec.dimension - 1}, or leave '{SEPARATOR}{dimension}' out"
        )
    kind = _Shortened
    if isinstance(encoder, CellEncoder):
        kind = _ShortenedWithCells
    elif isinstance(encoder, TextEncoder):
        kind = _ShortenedWithText
    return kind(encoder, dimension)


def _cuts(parts: tuple[Part, ...], whole: int, dimension: int) -> Iterator[tuple[Part, int, int]]:
    """Each part with where it starts and stops in the shortened vector, at least one number."""
    start = 0
    for number, part in enumerate(parts, 1):
        following = len(parts) - number
        stop = min(max(round(part.stop * dimension / whole), start + 1), dimension - following)
        yield part, start, stop
        start = stop


class _Shortened(EncodesFiles):
    def __init__(self, encoder: Encoder, dimension: int) -> None:
        self._encoder = encoder
        whole = encoder.spec
        self._cuts = list(_cuts(whole.all_parts, whole.dimension, dimension))
        digest = hashlib.sha256(f"{whole.fingerprint}{SEPARATOR}{dimension}".encode())
        parts = tuple(
            Part(name=part.name, start=start, stop=stop) for part, start, stop in self._cuts
        )
        self._spec = EncoderSpec(
            **whole.model_dump(exclude={"name", "dimension", "fingerprint", "parts"}),
            name=f"{whole.name}{SEPARATOR}{dimension}",
            dimension=dimension,
            fingerprint=digest.hexdigest(),
            parts=parts if whole.parts else (),
        )

    @property
    def spec(self) -> EncoderSpec:
        """Facts about this encoder."""
        return self._spec

    def encode_images(self, pixels: Pixels) -> Vectors:
        """Embed prepared pictures; see :meth:`shopsight.encoders.base.Encoder.encode_images`."""
        whole = self._encoder.encode_images(pixels)
        return self._kept(whole, self._scales(whole))

    def close(self) -> None:
        """Free the model. Further calls are errors."""
        self._encoder.close()

    def _scales(self, whole: Vectors) -> Vectors:
        """How much longer each part gets, ``(n, parts)``, to have the length it had."""
        scales = np.ones((len(whole), len(self._cuts)), np.float32)
        for column, (part, start, stop) in enumerate(self._cuts):
            before = np.linalg.norm(whole[:, part.start : part.stop], axis=1)
            after = np.linalg.norm(whole[:, part.start : part.start + stop - start], axis=1)
            np.divide(before, after, out=scales[:, column], where=after > 0)
        return scales

    def _kept(self, rows: NDArray[np.float32], scales: Vectors) -> NDArray[np.float32]:
        """The beginnings of the parts, scaled: ``(n, ..., dimension)``."""
        middle = (1,) * (rows.ndim - 2)
        return np.concatenate(
            [
                rows[..., part.start : part.start + stop - start]
                * scales[:, column].reshape(-1, *middle, 1)
                for column, (part, start, stop) in enumerate(self._cuts)
            ],
            axis=-1,
        )


class _ShortenedWithCells(_Shortened):
    _encoder: CellEncoder

    def encode_cells(self, pixels: Pixels) -> tuple[Vectors, NDArray[np.float32]]:
        """Embed pictures and cells; see :class:`shopsight.encoders.base.CellEncoder`."""
        whole, cells = self._encoder.encode_cells(pixels)
        scales = self._scales(whole)
        return self._kept(whole, scales), self._kept(cells, scales)


class _ShortenedWithText(_Shortened):
    _encoder: TextEncoder

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts; see :meth:`shopsight.encoders.base.TextEncoder.encode_texts`."""
        whole = self._encoder.encode_texts(texts)
        return self._kept(whole, self._scales(whole))
