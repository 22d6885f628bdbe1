"""Detectors with YOLOX's output layout (Ge et al., arXiv:2107.08430), by file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.errors import EncoderError
from shopsight.regions.base import Region
from shopsight.regions.canvas import laid_out
from shopsight.regions.choose import suppressed
from shopsight.regions.runtime import Detector

STRIDES = (8, 16, 32)
GREY = 114
"""Grey level beside the picture, as in YOLOX's own preparation."""

USUAL_SIDE = 640
"""Side of the input where the graph leaves it open."""

LEAST_CONFIDENCE = 0.25
MOST = 200
"""Boxes that are looked at, the most confident ones."""

_BOX_NUMBERS, _IMAGE_RANK, _OUTPUT_RANK = 5, 4, 3
_LARGEST_EXPONENT = 20.0


class YoloxFinder:
    """Finds things with a YOLOX model, of whatever classes.

    The graph has one input ``(1, 3, h, w)`` float32: BGR, 0 to 255, the picture scaled to fit at
    the top left, grey beside it. Its first output is ``(1, cells, 5 + classes)``, not decoded, as
    YOLOX's ``export_onnx.py`` writes it; see :func:`decoded`.

    Args:
        path: The ONNX file.
        threads: Threads for one call; 0: one per core.
        least: Confidence from which a thing is one, 0 to 1.

    Raises:
        EncoderError: The file is missing, damaged, or of another layout.
    """

    def __init__(self, path: Path, *, threads: int = 0, least: float = LEAST_CONFIDENCE) -> None:
        self._detector = Detector(path, threads=threads)
        self._least = least
        shapes = list(self._detector.inputs.values())
        if len(shapes) != 1 or len(shapes[0]) != _IMAGE_RANK or shapes[0][1] not in {3, None}:
            raise EncoderError(
                f"The detector {path} takes {_described(self._detector)}, where YOLOX takes one "
                "input (1, 3, height, width): export it with YOLOX's tools/export_onnx.py"
            )
        self._size = (shapes[0][3] or USUAL_SIDE, shapes[0][2] or USUAL_SIDE)
        if any(side % STRIDES[-1] for side in self._size):
            raise EncoderError(
                f"The detector {path} takes pictures of {self._size[0]} x {self._size[1]}: YOLOX's "
                f"sides are multiples of {STRIDES[-1]}"
            )

    @property
    def name(self) -> str:
        """Path of the file."""
        return str(self._detector.path)

    def find(self, image: Image.Image) -> tuple[Region, ...]:
        """The things on a picture; see :meth:`shopsight.regions.base.RegionFinder.find`."""
        canvas = laid_out(image, self._size, GREY)
        pixels = np.ascontiguousarray(
            canvas.pixels[None, :, :, ::-1].transpose(0, 3, 1, 2), np.float32
        )
        name = next(iter(self._detector.inputs))
        (raw,) = self._detector.run(self._detector.outputs[:1], {name: pixels})
        cells = sum((self._size[0] // s) * (self._size[1] // s) for s in STRIDES)
        if raw.ndim != _OUTPUT_RANK or raw.shape[1] != cells or raw.shape[2] <= _BOX_NUMBERS:
            raise EncoderError(
                f"The detector {self.name} answers with {'x'.join(map(str, raw.shape))} numbers, "
                f"where YOLOX answers with 1x{cells}x(5 + classes): export it with YOLOX's "
                "tools/export_onnx.py, without decoding"
            )
        corners, confidences = decoded(raw[0], self._size)
        chosen = np.argsort(-confidences, kind="stable")[:MOST]
        return suppressed(
            Region(canvas.box(*map(float, corners[k])), min(float(confidences[k]), 1.0))
            for k in chosen
            if confidences[k] >= self._least
        )

    def close(self) -> None:
        """Free the model. Closing twice is allowed."""
        self._detector.close()


def decoded(
    raw: NDArray[np.float32], size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes and confidences of YOLOX's numbers.

    Cells come row by row, level by level, for strides 8, 16 and 32. A cell's numbers are the middle
    of its box, from the cell's corner in strides; the logarithms of the box's sides in strides; the
    chance that there is an object; and those of the classes, of which the largest counts here.

    Args:
        raw: ``(cells, 5 + classes)`` float32.
        size: Width and height of the input in pixels.

    Returns:
        ``(cells, 4)`` corners in pixels, and ``(cells,)`` confidences: chance of an object times
        that of its class.
    """
    grids, strides = [], []
    for stride in STRIDES:
        columns, rows = size[0] // stride, size[1] // stride
        xs, ys = np.meshgrid(np.arange(columns), np.arange(rows))
        grids.append(np.stack([xs, ys], axis=-1).reshape(-1, 2))
        strides.append(np.full((rows * columns, 1), stride))
    scale = np.concatenate(strides).astype(np.float32)
    middles = (raw[:, :2] + np.concatenate(grids)) * scale
    halves = np.exp(np.minimum(raw[:, 2:4], _LARGEST_EXPONENT)) * scale / 2
    corners = np.concatenate([middles - halves, middles + halves], axis=1).astype(np.float32)
    confidences = raw[:, 4] * raw[:, _BOX_NUMBERS:].max(axis=1)
    return corners, confidences.astype(np.float32)


def _described(detector: Detector) -> str:
    return ", ".join(
        f"{name} ({', '.join('any' if s is None else str(s) for s in shape)})"
        for name, shape in detector.inputs.items()
    )
