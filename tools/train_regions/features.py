"""Make pictures, and write what the trunk sees in them: it does not learn, so once is enough.

Chunks are files of their own, so that several of these may run beside ``fit.py``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import composites
import cv2
import graph
import numpy as np
import onnx
import onnxruntime as ort
import pictures

SIZES = ((256, 256), (224, 288), (224, 288), (288, 224))
"""Heights and widths of pictures, the same for a chunk."""

COMPOSITE_SHARE, CLOTHES_SHARE, ROWS_SHARE = 0.52, 0.1, 0.5
"""Composites and photos of clothes among all pictures, the rest being renders; and those with
several products among the renders."""

CHUNK, RUN = 32, 4

TAP_NAMES = ("fine", "middle", "coarse")
"""What feature maps are called in a chunk, those of stride 8 first."""


def example(
    found: pictures.Materials,
    rows: list[pictures.Photo],
    size: tuple[int, int],
    rng: np.random.Generator,
) -> composites.Example:
    """A composite, a photo of clothes, or a render."""
    chance = rng.random()
    if chance < COMPOSITE_SHARE:
        return composites.composite(found, size, rng)
    if chance < COMPOSITE_SHARE + CLOTHES_SHARE:
        return composites.framed(found.clothes[rng.integers(len(found.clothes))], size, rng)
    photos = rows if rng.random() < ROWS_SHARE else found.photos
    return composites.framed(photos[rng.integers(len(photos))], size, rng)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="folder for the chunks")
    parser.add_argument("--start", type=Path, required=True, help="ONNX file of tools/export_lite")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--renders", type=Path, nargs="+", required=True)
    parser.add_argument("--chunks", type=int, default=300, help="of 32 pictures each")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    found = pictures.load(args.data, args.renders)
    rows = [photo for photo in found.photos if photo.wanted.sum() > 1]
    cv2.setNumThreads(1)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(graph.trunk(onnx.load(args.start)).SerializeToString(), options)
    args.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    for number in range(args.chunks):
        rng = np.random.default_rng([args.seed, number])
        size = SIZES[rng.integers(len(SIZES))]
        members = [example(found, rows, size, rng) for _ in range(CHUNK)]
        parts = [
            session.run(list(graph.TAPS), {graph.PIXELS: np.stack([m.pixels for m in some])})
            for some in (members[k : k + RUN] for k in range(0, CHUNK, RUN))
        ]
        taps = [np.concatenate(part).astype(np.float16) for part in zip(*parts, strict=True)]
        path = args.out / f"{args.seed}-{number:05d}.npz"
        with path.with_suffix(".part").open("wb") as file:
            np.savez(
                file,
                **dict(zip(TAP_NAMES, taps, strict=True)),
                size=size,
                counts=[len(m.boxes) for m in members],
                boxes=np.concatenate([m.boxes for m in members]),
                wanted=np.concatenate([m.wanted for m in members]),
            )
        path.with_suffix(".part").rename(path)
        if number % 20 == 19:
            print(f"{number + 1} chunks {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
