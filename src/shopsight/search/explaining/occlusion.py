"""What places add to a picture's vector, found by hiding them, for encoders without cells.

After Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import Encoder, Vectors

GRID = 7
"""Places per side. More would cost more passes and hide too little each."""


def hidden(pixels: NDArray[np.uint8], grid: int = GRID) -> NDArray[np.uint8]:
    """Copies of a picture, each with one place painted over in the colour of the background.

    That colour is the median along the border, so that hiding background changes little, and hiding
    a thing does not put another one there.

    Args:
        pixels: ``(size, size, 3)`` uint8.
        grid: Places per side, at most ``size``.

    Returns:
        ``(grid * grid, size, size, 3)`` uint8, places row by row.
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    background = np.median(border, axis=0).round().astype(np.uint8)
    edges = np.linspace(0, len(pixels), grid + 1).round().astype(int)
    copies = np.repeat(pixels[None], grid * grid, axis=0)
    for place, copy in enumerate(copies):
        row, column = divmod(place, grid)
        copy[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = background
    return copies


def occlusion_cells(
    encoder: Encoder, pixels: NDArray[np.uint8], grid: int = GRID
) -> tuple[Vectors, NDArray[np.float32]]:
    """A picture's vector, and how hiding each place changes it.

    Args:
        encoder: Any.
        pixels: ``(size, size, 3)`` uint8, prepared for it.
        grid: Places per side.

    Returns:
        The vector ``(dimension,)``, and ``(grid, grid, dimension)`` float32: the vector less that
        of the picture with the place hidden. The dot product of such a cell with a product's vector
        is what the cosine loses with the place. All in one batch of ``grid ** 2 + 1`` pictures.

    Raises:
        EncoderError: Wrong pixels, or the model failed.
    """
    vectors = encoder.encode_images(np.concatenate([pixels[None], hidden(pixels, grid)]))
    lost = vectors[0] - vectors[1:]
    return vectors[0], lost.reshape(grid, grid, vectors.shape[1])
