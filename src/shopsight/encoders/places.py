"""What a picture looks like at each of its places, small enough to be kept for a whole catalogue.

A picture's vector says what is on it altogether. To tell the same thing from a similar one, photo
and picture are compared place by place (:mod:`shopsight.recognize.verification`). A place is one of
the cells of an encoder that has them: its look, without colour, and its mean colour.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import SHAPE, CellEncoder, Encoder, EncoderSpec, Pixels, Vectors

Floats = NDArray[np.float32]

LENGTH = 128
"""Numbers kept of a place's look, at most: the first ones, which say most where they are sorted."""

BACKGROUND = 18
"""Levels of 255 by which pixels of the background differ from the middle colour of the border."""

LEAST_SHARE = 0.2
"""Share of a place that must not be background for the place to be kept."""

_EVERY = 4
"""Pixels are taken in every fourth row and column: enough for means, and much faster."""

_EDITION = 1
_HEAD = struct.Struct("<BHH")
_LEVELS, _FINE = 127, 65_535
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Places of a picture.

    Attributes:
        looks: ``(n, k)`` float32, of unit length.
        colors: ``(n, 3)`` float32, mean linear red, green and blue, 0 to 1.
        weights: ``(n,)`` float32, how much of each shows the thing; of sum 1. n is at least 1.
    """

    looks: Floats
    colors: Floats
    weights: Floats

    def to_bytes(self) -> bytes:
        """In little memory: looks in 8 bits, colours and weights in 16."""
        largest = np.maximum(np.abs(self.looks).max(axis=1, keepdims=True), _TINY)
        return b"".join(
            (
                _HEAD.pack(_EDITION, *self.looks.shape),
                np.round(self.looks / largest * _LEVELS).astype("<i1").tobytes(),
                np.round(self.colors * _FINE).astype("<u2").tobytes(),
                np.round(self.weights * _FINE).astype("<u2").tobytes(),
            )
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """What :meth:`to_bytes` wrote; ``None`` if it is damaged or of another edition."""
        if len(data) < _HEAD.size:
            return None
        edition, count, length = _HEAD.unpack_from(data)
        ends = np.cumsum([_HEAD.size, count * length, count * 6, count * 2]).tolist()
        if edition != _EDITION or not count or not length or len(data) != ends[-1]:
            return None
        looks = np.frombuffer(data[ends[0] : ends[1]], "<i1").astype(np.float32)
        colors = np.frombuffer(data[ends[1] : ends[2]], "<u2").astype(np.float32)
        weights = np.frombuffer(data[ends[2] :], "<u2").astype(np.float32)
        return cls(
            unit(looks.reshape(count, length)),
            colors.reshape(count, 3) / np.float32(_FINE),
            weights / max(weights.sum(), np.float32(1)),
        )


def unit(rows: Floats) -> Floats:
    """Rows at unit length; those of length 0 stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    scaled: Floats = (rows / np.maximum(lengths, _TINY)).astype(np.float32)
    return scaled


def photo_places(spec: EncoderSpec, pixels: NDArray[np.uint8], cells: Floats) -> Places:
    """All places of a photo, which count alike.

    Args:
        spec: Of the encoder.
        pixels: ``(size, size, 3)`` uint8, as the encoder saw them.
        cells: ``(h, w, dimension)`` float32, its cells of them.
    """
    everything = np.ones_like(_thinned(pixels, cells)[..., :1], np.float32)
    return _places(spec, pixels, cells, everything, np.arange(cells.shape[0] * cells.shape[1]))


def picture_places(spec: EncoderSpec, pixels: NDArray[np.uint8], cells: Floats) -> Places:
    """The places of a catalogue picture that show more than background, or else all.

    The arguments are those of :func:`photo_places`.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(border, axis=0)
    off = np.abs(_thinned(pixels, cells) - ground.astype(np.float32)).max(axis=2)
    thing = (off > BACKGROUND).astype(np.float32)[..., None]
    shares = _sums(thing, cells.shape[:2]) / _sums(np.ones_like(thing), cells.shape[:2])
    kept = np.flatnonzero(shares[:, 0] >= LEAST_SHARE)
    if not len(kept):
        return photo_places(spec, pixels, cells)
    return _places(spec, pixels, cells, thing, kept)


def encoded_with_places(encoder: Encoder, pixels: Pixels) -> tuple[Vectors, list[Places | None]]:
    """Vectors and places of catalogue pictures, in one pass.

    Args:
        encoder: One without cells gives no places.
        pixels: ``(n, size, size, 3)`` uint8, prepared.

    Raises:
        EncoderError: Wrong pixels, or the model failed.
    """
    if not isinstance(encoder, CellEncoder):
        return encoder.encode_images(pixels), [None] * len(pixels)
    vectors, cells = encoder.encode_cells(pixels)
    spec = encoder.spec
    return vectors, [picture_places(spec, *one) for one in zip(pixels, cells, strict=True)]


def _places(
    spec: EncoderSpec,
    pixels: NDArray[np.uint8],
    cells: Floats,
    mask: Floats,
    kept: NDArray[np.intp],
) -> Places:
    """The kept places; colours are means of the pixels in the mask ``(height, width, 1)``."""
    shape = next(part for part in spec.all_parts if part.name == SHAPE)
    looks = cells[..., shape.start : min(shape.stop, shape.start + LENGTH)]
    areas = _sums(mask, cells.shape[:2])[kept]
    light = _linear(_thinned(pixels, cells))
    colors = _sums(light * mask, cells.shape[:2])[kept] / areas
    weights = areas[:, 0] / areas.sum()
    return Places(unit(looks.reshape(-1, looks.shape[-1])[kept]), colors, weights)


def _thinned(pixels: NDArray[np.uint8], cells: Floats) -> NDArray[np.uint8]:
    """Some of the pixels, at least one in each cell."""
    step = max(1, min(_EVERY, *(np.array(pixels.shape[:2]) // cells.shape[:2]).tolist()))
    return pixels[::step, ::step]


def _sums(values: Floats, grid: tuple[int, ...]) -> Floats:
    """Sums ``(h * w, c)`` of values ``(height, width, c)`` in the cells of a grid."""
    down, across = (
        np.linspace(0, side, count + 1).round().astype(int)[:-1]
        for side, count in zip(values.shape[:2], grid, strict=True)
    )
    found: Floats = np.add.reduceat(np.add.reduceat(values, down, axis=0), across, axis=1)
    return found.reshape(-1, values.shape[2])


def _linear(pixels: NDArray[np.uint8]) -> Floats:
    """Levels of sRGB as amounts of light, 0 to 1 (IEC 61966-2-1)."""
    levels = np.arange(256) / 255
    dark = levels <= 0.04045  # noqa: PLR2004  # where the curve of the standard begins
    table = np.where(dark, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    light: Floats = table.astype(np.float32)[pixels]
    return light
