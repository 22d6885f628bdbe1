"""How many of the nearest products a search with a focus finds in a large index, and how fast.

    python benchmarks/focus.py [--rows 60000 150000] [--queries 100] [--json]

Vectors are synthetic and seeded, of 192 dimensions for shape and 64 for colour, as those of the
default encoder: clusters of shapes, fifty pictures each, and histograms of one to three colours out
of a palette, independent of the shape. Answers are compared with those of an exhaustive search.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import COLOR, SHAPE, EncoderSpec, Part
from shopsight.images.preprocessing import Preprocessing
from shopsight.index.base import Records
from shopsight.index.collection import Collection, open_collection
from shopsight.index.versions import IndexManifest
from shopsight.search.focus import Focus
from shopsight.search.weights import part_weights

Vectors = NDArray[np.float32]

SHAPE_DIMENSIONS, LEVELS = 192, 4
DIMENSION = SHAPE_DIMENSIONS + LEVELS**3
COLOR_SHARE = 0.25
PALETTE = 60
NEAREST = 10
CHUNK_ROWS = 10_000
SPEC = EncoderSpec(
    name="synthetic",
    dimension=DIMENSION,
    preprocessing=Preprocessing(size=32),
    fingerprint="synthetic",
    licence="none",
    source="benchmarks/focus.py",
    parts=(
        Part(name=SHAPE, start=0, stop=SHAPE_DIMENSIONS),
        Part(name=COLOR, start=SHAPE_DIMENSIONS, stop=DIMENSION),
    ),
)


class Pictures:
    """Vectors of made-up pictures.

    Args:
        rows: Number of vectors stored.
    """

    def __init__(self, rows: int) -> None:
        generator = np.random.default_rng(0)
        self._centres = generator.standard_normal((max(10, rows // 50), SHAPE_DIMENSIONS))
        self._palette = generator.uniform(0, LEVELS - 1, (PALETTE, 3))
        self._bins = np.stack(np.meshgrid(*[np.arange(LEVELS)] * 3), -1).reshape(-1, 3)

    def draw(self, count: int, seed: int) -> Vectors:
        """``(count, 256)`` float32 of unit length, a quarter of its square in the colours."""
        generator = np.random.default_rng(seed)
        shapes = self._centres[generator.integers(len(self._centres), size=count)]
        shapes = shapes + 0.7 * generator.standard_normal(shapes.shape)
        colors = np.zeros((count, LEVELS**3))
        for share in generator.dirichlet([1, 0.5, 0.3], count).T:
            color = self._palette[generator.integers(PALETTE, size=count)]
            color = color + 0.25 * generator.standard_normal(color.shape)
            distances = ((self._bins[None] - color[:, None]) ** 2).sum(axis=2)
            colors += share[:, None] * np.exp(-2 * distances)
        parts = [np.sqrt(1 - COLOR_SHARE) * _unit(shapes), np.sqrt(COLOR_SHARE * _shares(colors))]
        return np.concatenate(parts, axis=1).astype(np.float32)


def fill(collection: Collection, pictures: Pictures, rows: int) -> Vectors:
    """Store vectors, build the index, and return them for the comparison."""
    parts: list[Vectors] = []
    for start in range(0, rows, CHUNK_ROWS):
        parts.append(pictures.draw(min(CHUNK_ROWS, rows - start), start + 1))
        ids = [str(start + number) for number in range(len(parts[-1]))]
        collection.upsert(Records(ids, ids, parts[-1], [{}] * len(ids)))
    collection.store.optimize()
    return np.concatenate(parts)


def measure(rows: int, queries: int) -> Iterator[dict[str, object]]:
    """Figures for each focus."""
    manifest = IndexManifest(
        name="v0001", encoder="synthetic", fingerprint="synthetic", dimension=DIMENSION
    )
    pictures = Pictures(rows)
    with tempfile.TemporaryDirectory() as folder:
        uri = str(Path(folder) / "index")
        collection = open_collection(manifest, store="lance", uri=uri, fields={}, create=True)
        stored = fill(collection, pictures, rows)
        asked = pictures.draw(queries, rows + 1)
        collection.search(asked[0], NEAREST)  # reads what is kept in memory
        for focus in (Focus.BALANCED, Focus.SHAPE, Focus.COLOR):
            recalls, times = [], []
            for vector in asked:
                weights = part_weights(SPEC, vector, focus)
                scores = stored @ (vector if weights is None else vector * weights)
                nearest = set(np.argpartition(-scores, NEAREST)[:NEAREST].tolist())
                started = time.perf_counter()
                found = collection.search(vector, NEAREST, weights=weights)
                times.append((time.perf_counter() - started) * 1000)
                recalls.append(len(nearest.intersection(map(int, found.ids))) / NEAREST)
            yield {
                "rows": rows,
                "focus": focus.value,
                "recall@10": round(float(np.mean(recalls)), 3),
                "p50_ms": round(float(np.median(times)), 2),
                "p95_ms": round(float(np.percentile(times, 95)), 2),
            }
        collection.close()


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _shares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows / rows.sum(axis=1, keepdims=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[60_000, 150_000])
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    for rows in arguments.rows:
        for figures in measure(rows, arguments.queries):
            print(json.dumps(figures) if arguments.json else figures, flush=True)


if __name__ == "__main__":
    main()
