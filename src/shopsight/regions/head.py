"""The packaged finder: a small network of our own; see ``models/README.md``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from shopsight.errors import EncoderError
from shopsight.regions.base import Region
from shopsight.regions.canvas import canvas_size, laid_out
from shopsight.regions.choose import suppressed
from shopsight.regions.runtime import Detector

MODEL = Path(__file__).with_name("models") / "regions.onnx"
PIXELS, SCORES, BOXES = "pixels", "scores", "boxes"
"""Names of the graph's input and outputs: ``(n, h, w, 3)`` uint8 RGB in; ``(n, h / 8, w / 8)``, 0
where a neighbour scores higher, and ``(n, 4, h / 8, w / 8)``, corners in pixels, out."""

AREA, LONGEST = 58_000, 512
"""Pixels of the canvas, and of its longer side, at most: square pictures come out at 224 x 224. On
larger ones little more is found: see ``docs/regions.md``."""

GREY = 127
LEAST_CONFIDENCE = 0.25


class HeadFinder:
    """Finds things with the network that comes with Shopsight.

    Args:
        path: The ONNX file.
        threads: Threads for one call; 0: one per core.
        least: Confidence from which a thing is one, 0 to 1.

    Raises:
        EncoderError: The file is missing, damaged, or another graph.
    """

    name = "default"

    def __init__(
        self, path: Path = MODEL, *, threads: int = 0, least: float = LEAST_CONFIDENCE
    ) -> None:
        self._detector = Detector(path, threads=threads)
        self._least = least
        if PIXELS not in self._detector.inputs or not {SCORES, BOXES} <= set(
            self._detector.outputs
        ):
            raise EncoderError(f"{path} is not the network of regions: install the package again")

    def find(self, image: Image.Image) -> tuple[Region, ...]:
        """The things on a picture; see :meth:`shopsight.regions.base.RegionFinder.find`."""
        size = canvas_size(*image.size, AREA, LONGEST)
        canvas = laid_out(image, size, GREY)
        scores, boxes = self._detector.run((SCORES, BOXES), {PIXELS: canvas.pixels[None]})
        rows, columns = np.nonzero(scores[0] >= self._least)
        corners = boxes[0][:, rows, columns].T
        return suppressed(
            Region(canvas.box(*map(float, box)), float(score))
            for box, score in zip(corners, scores[0][rows, columns], strict=True)
        )

    def close(self) -> None:
        """Free the model. Closing twice is allowed."""
        self._detector.close()
