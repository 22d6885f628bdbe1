"""The linear map from the network's features to the embedding, fitted without labels.

Features of a network trained on ImageNet share a few strong directions that say little about
products. Here the last block's features are decorrelated and partly whitened, the head's features
are centred, both are brought to the same mean length, put side by side, and reduced to their
principal components.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pyarrow.parquet as pq
from network import BLOCK_FEATURES, FEATURES, HEAD_FEATURES, SIZE, Array, Projection
from numpy.typing import NDArray
from PIL import Image, ImageOps

DIMENSION = 384
SHRINKAGE = 1.0
"""How far whitening stops short, in mean variances of a feature: 0 whitens fully."""

SEED = 0


@dataclass(frozen=True)
class PictureSet:
    """Where pictures for the fit come from.

    Attributes:
        name: Short name, in the model's metadata.
        licence: Of the pictures.
        table: CSV or Parquet file below the data folder.
        column: Column with the picture's path, relative to the table, or its bytes.
        count: Pictures drawn from it.
    """

    name: str
    licence: str
    table: str
    column: str
    count: int


PICTURE_SETS = (
    PictureSet("GroceryStoreDataset, train", "MIT", "grocery/photos_train.csv", "photo", 1300),
    PictureSet("clothing-dataset", "CC0-1.0", "clothing/photos.csv", "photo", 1300),
    PictureSet("Myntra catalogue", "MIT", "myntra/products.parquet", "image", 800),
)


def prepare(picture: Image.Image) -> NDArray[np.uint8]:
    """Upright RGB, the largest square in the middle, scaled: the reference geometry."""
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    width, height = upright.size
    side = min(upright.size)
    box = (
        (width - side) / 2,
        (height - side) / 2,
        (width + side) / 2,
        (height + side) / 2,
    )
    return np.asarray(upright.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=box))


def pictures(data: Path, sets: Sequence[PictureSet] = PICTURE_SETS) -> Iterator[NDArray[np.uint8]]:
    """Prepared pictures of all sets, drawn with a fixed seed, in a fixed order."""
    rng = np.random.default_rng(SEED)
    for group in sets:
        sources = _sources(data / group.table, group.column)
        chosen = sorted(rng.permutation(len(sources))[: group.count])
        for number in chosen:
            source = sources[number]
            with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
                yield prepare(picture)


def _sources(table: Path, column: str) -> list[bytes] | list[Path]:
    if table.suffix == ".parquet":
        values: list[bytes] = pq.read_table(table, columns=[column]).column(column).to_pylist()
        return values
    with table.open(newline="", encoding="utf-8") as file:
        return [table.parent / row[column] for row in csv.DictReader(file)]


def pooled_features(model: bytes, prepared: Iterator[NDArray[np.uint8]]) -> Array:
    """Mean features ``(n, FEATURES)`` of pictures, by the model of ``network.features_model``."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    rows = [session.run(["pooled"], {"pixels": pixels[None]})[0][0] for pixels in prepared]
    return np.stack(rows)


def plain() -> Projection:
    """The last block's mean features as they are: what the network gives without any fit."""
    matrix = np.zeros((BLOCK_FEATURES, FEATURES), np.float32)
    matrix[:, :BLOCK_FEATURES] = np.eye(BLOCK_FEATURES)
    return Projection(matrix, np.zeros(BLOCK_FEATURES, np.float32))


def raw() -> Projection:
    """The head's mean features as they are: what ImageNet features usually means."""
    matrix = np.zeros((HEAD_FEATURES, FEATURES), np.float32)
    matrix[:, BLOCK_FEATURES:] = np.eye(HEAD_FEATURES)
    return Projection(matrix, np.zeros(HEAD_FEATURES, np.float32))


def fit(features: Array) -> Projection:
    """Fit the projection on mean features ``(n, FEATURES)`` of many pictures."""
    rows = features.astype(np.float64)
    mean = rows.mean(axis=0)
    block = rows[:, :BLOCK_FEATURES] - mean[:BLOCK_FEATURES]
    variances, directions = np.linalg.eigh(np.cov(block.T))
    spread = SHRINKAGE * variances.mean()
    whiten = (directions / np.sqrt(variances + spread)).T
    joint = np.zeros((FEATURES, FEATURES))
    joint[:BLOCK_FEATURES, :BLOCK_FEATURES] = whiten / _length(block @ whiten.T)
    head = rows[:, BLOCK_FEATURES:] - mean[BLOCK_FEATURES:]
    joint[BLOCK_FEATURES:, BLOCK_FEATURES:] = np.eye(HEAD_FEATURES) / _length(head)
    scores = (rows - mean) @ joint.T
    _, components = np.linalg.eigh(np.cov(scores.T))
    main = components[:, ::-1][:, :DIMENSION].T
    # An eigenvector's sign is arbitrary: fix it, so that a new fit gives the same vectors.
    main *= np.sign(main[np.arange(len(main)), np.abs(main).argmax(axis=1)])[:, None]
    matrix = main @ joint
    return Projection(matrix.astype(np.float32), (-matrix @ mean).astype(np.float32))


def _length(rows: NDArray[np.float64]) -> float:
    return float(np.sqrt((rows**2).sum(axis=1).mean()))
