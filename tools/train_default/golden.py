"""Golden vectors of the default encoder, computed without ONNX: PyTorch and plain NumPy.

python golden.py MODEL.onnx tests/encoders/golden/lite.npz
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from colour import (
    BORDER_SPREAD,
    BORDER_STRENGTH,
    CHROMA_BINS,
    CHROMA_SPREAD,
    FLOOR,
    LIGHTNESS_BINS,
    LIGHTNESS_SPREAD,
    MIDDLE_SPREAD,
    POINTS,
    RGB_TO_XYZ,
    WHITE,
)
from numpy.typing import NDArray
from onnx import numpy_helper
from PIL import Image
from shape import square

from shopsight.train.network import BIAS, MATRIX, SOFTENING, OnnxNetwork

Array = NDArray[np.float64]

SAMPLE_SHOP = Path(__file__).parents[2] / "src" / "shopsight" / "sample_shop"
PICTURES = (
    "images/MUG001.jpg",
    "images/MUG001_2.jpg",
    "photos/MUG001_a.jpg",
    "photos/MUG002_a.jpg",
)
WITH_PIXELS = 2
"""Pictures, from the end, whose prepared pixels are kept too: they are the larger part."""


def roots(pixels: NDArray[np.uint8]) -> tuple[Array, Array]:
    """The square-rooted histogram ``(1000,)``, and each point's share of it ``(26, 26, 1000)``."""
    step = len(pixels) // POINTS
    small = pixels.reshape(POINTS, step, POINTS, step, 3).mean(axis=(1, 3)) / 255
    linear = np.where(small <= 0.04045, small / 12.92, ((small + 0.055) / 1.055) ** 2.4)
    xyz = linear @ RGB_TO_XYZ.T / WHITE
    bent = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(bent, -1, 0)
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    weights = _weights(lab)
    shares = weights[..., None]
    kinds = ((LIGHTNESS_BINS, LIGHTNESS_SPREAD),) + ((CHROMA_BINS, CHROMA_SPREAD),) * 2
    for channel, (bins, spread) in enumerate(kinds):
        near = np.exp(-0.5 * ((lab[..., channel, None] - bins) / spread) ** 2)
        near /= near.sum(axis=-1, keepdims=True)
        shares = (shares[..., :, None] * near[..., None, :]).reshape(POINTS, POINTS, -1)
    shares = shares + FLOOR / POINTS**2
    found = np.sqrt(shares.sum(axis=(0, 1)))
    return found, shares / found


def _weights(lab: Array) -> Array:
    rows, columns = np.mgrid[0:POINTS, 0:POINTS]
    edge = np.minimum(np.minimum(rows, columns), POINTS - 1 - np.maximum(rows, columns)) < 2
    border = lab[edge & ((rows + columns) % 2 == 0)]
    apart = (lab[:, :, None] - border) / BORDER_SPREAD
    density = np.exp(-0.5 * (apart**2).sum(axis=-1)).mean(axis=-1)
    axis = (np.arange(POINTS) + 0.5) / POINTS * 2 - 1
    middle = np.exp(-0.5 * (axis[:, None] ** 2 + axis**2) / MIDDLE_SPREAD**2)
    weights = np.exp(-BORDER_STRENGTH * density) * middle
    found: Array = weights / weights.sum()
    return found


def reference(model: onnx.ModelProto, pixels: NDArray[np.uint8]) -> tuple[Array, Array]:
    """Vectors ``(n, d)`` and cells ``(n, h, w, d)`` of prepared pictures."""
    constants = {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}
    with torch.no_grad():
        maps = OnnxNetwork(model)(torch.from_numpy(pixels)).permute(0, 2, 3, 1).double().numpy()
    side = maps.shape[1]
    means = maps.mean(axis=(1, 2))
    roots_of = np.sqrt(means + constants[SOFTENING])
    lengths = np.linalg.norm(means / roots_of, axis=1, keepdims=True)
    maps = maps / (roots_of * lengths)[:, None, None]
    learnt = (maps @ constants[MATRIX] + constants[BIAS]) / side**2
    tones = np.stack([_tones(picture, constants, side) for picture in pixels])
    parts = []
    for cells, name in ((learnt, "shape"), (tones, "color")):
        length = np.linalg.norm(cells.sum(axis=(1, 2)), axis=1)
        parts.append(cells / length[:, None, None, None] * constants[f"{name}.length"])
    cells = np.concatenate(parts, axis=-1)
    return cells.sum(axis=(1, 2)), cells


def _tones(
    pixels: NDArray[np.uint8], constants: dict[str, NDArray[np.float32]], side: int
) -> Array:
    _, shares = roots(pixels)
    points = shares @ constants["color.projection"]
    fine = np.repeat(np.repeat(points, side, axis=0), side, axis=1) / side**2
    cells = fine.reshape(side, POINTS, side, POINTS, -1).sum(axis=(1, 3))
    found: Array = cells + constants["color.bias"] / side**2
    return found


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("golden", type=Path)
    arguments = parser.parse_args()
    pixels = np.stack(
        [square(np.asarray(Image.open(SAMPLE_SHOP / name).convert("RGB"))) for name in PICTURES]
    )
    vectors, cells = reference(onnx.load(arguments.model), pixels)
    np.savez_compressed(
        arguments.golden,
        names=np.array(PICTURES),
        vectors=vectors.astype(np.float32),
        cells=cells[0].astype(np.float32),
        pixels=pixels[-WITH_PIXELS:],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
