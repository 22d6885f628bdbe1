"""Golden vectors: what PyTorch computes for a few pictures of the sample shop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from network import Projection
from PIL import Image
from projection import prepare
from source import Source, reference

SAMPLE_SHOP = Path(__file__).parents[2] / "src" / "shopsight" / "sample_shop"
PICTURES = (
    "images/MUG001.jpg",
    "images/MUG001_2.jpg",
    "photos/MUG001_a.jpg",
    "photos/MUG002_a.jpg",
)
WITH_PIXELS = 2
"""Pictures, from the end, whose prepared pixels are kept too: they are the larger part."""


def write_golden(path: Path, source: Source, projection: Projection) -> None:
    """Write names, vectors, cells of the first picture, and prepared pixels of the last ones."""
    prepared = []
    for name in PICTURES:
        with Image.open(SAMPLE_SHOP / name) as picture:
            prepared.append(prepare(picture))
    pixels = np.stack(prepared)
    vectors, cells = reference(source, projection, pixels)
    np.savez_compressed(
        path,
        names=np.array(PICTURES),
        vectors=vectors,
        cells=cells[0],
        pixels=pixels[-WITH_PIXELS:],
    )
    print(f"{path}: {path.stat().st_size:,} bytes")
