"""An encoder that knows words, for tests of what joins words and pictures in one space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from shopsight.encoders.base import Vectors
from shopsight.testing.fakes import SIZE, TwoPartEncoder
from shopsight.testing.shops import COLORS, SHAPES


class SpeakingEncoder(TwoPartEncoder):
    """The two-part encoder, which also draws what a text names and encodes the drawing.

    It knows the shapes and colours of ``ShapesShop``; of what is not named it takes the first.
    """

    def __init__(self, *, threads: int = 0) -> None:
        super().__init__(threads=threads)
        self._spec = self._spec.model_copy(
            update={
                "name": "speaking",
                "fingerprint": "speaking-1",
                "modalities": frozenset({"image", "text"}),
            }
        )

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts: ``(n, 128)`` float32 unit rows.

        Raises:
            EncoderError: The encoder is closed.
        """
        drawn = np.array([_drawn(text) for text in texts], np.uint8)
        return self.encode_images(drawn.reshape(len(texts), SIZE, SIZE, 3))


def _drawn(text: str) -> Image.Image:
    words = text.lower().split()
    shape = next((name for name in SHAPES if name in words), SHAPES[0])
    color = next((name for name in COLORS if name in words), next(iter(COLORS)))
    half, thin = SIZE * 7 // 24, SIZE * 7 // 96
    wide, high = {"circle": (half, half), "bar": (half, thin), "pole": (thin, half)}[shape]
    middle = SIZE // 2
    box = (middle - wide, middle - high, middle + wide, middle + high)
    image = Image.new("RGB", (SIZE, SIZE), "white")
    pencil = ImageDraw.Draw(image)
    (pencil.ellipse if shape == "circle" else pencil.rectangle)(box, COLORS[color])
    return image
