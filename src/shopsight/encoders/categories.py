"""Category heads: from an encoder's vectors to labels, without a training library."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.base import Vectors
from shopsight.errors import EncoderError

HEAD = "categories.npz"
"""Name of the file in an encoder folder."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class CategoryHead:
    """A linear classifier over vectors, with calibrated probabilities.

    Attributes:
        labels: Names of the classes.
        weights: ``(dimension, classes)`` float32.
        bias: ``(classes,)`` float32.
        temperature: Divides the sums before the softmax (Guo et al., On Calibration of Modern
            Neural Networks, ICML 2017); more than 0.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float = 1.0

    def probabilities(self, vectors: Vectors) -> NDArray[np.float32]:
        """Probabilities of the classes.

        Args:
            vectors: ``(n, dimension)`` float32, as the encoder makes them; n may be 0.

        Returns:
            ``(n, classes)`` float32, rows add up to 1.

        Raises:
            EncoderError: The vectors have another dimension.
        """
        if vectors.ndim != 2 or vectors.shape[1] != len(self.weights):  # noqa: PLR2004 - rows
            raise EncoderError(
                f"This category head takes vectors of dimension {len(self.weights)}, not an array "
                f"of shape {vectors.shape}: use it with the encoder of its folder"
            )
        sums = (vectors @ self.weights + self.bias) / self.temperature
        powers = np.exp(sums - sums.max(axis=1, keepdims=True))
        found: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
        return found

    def predict(self, vectors: Vectors, k: int = 1) -> list[list[tuple[str, float]]]:
        """The k most probable labels of each vector with their probabilities, best first."""
        found = self.probabilities(vectors)
        best = np.argsort(-found, axis=1, kind="stable")[:, :k]
        return [
            [(self.labels[c], float(row[c])) for c in order]
            for row, order in zip(found, best, strict=True)
        ]

    def to_bytes(self) -> bytes:
        """The file's content: a NumPy archive without pickled objects."""
        buffer = io.BytesIO()
        facts = {"format": _FORMAT, "labels": self.labels, "temperature": self.temperature}
        text = np.frombuffer(json.dumps(facts, ensure_ascii=False).encode(), np.uint8)
        np.savez(buffer, facts=text, weights=self.weights, bias=self.bias)
        return buffer.getvalue()


def load_categories(folder: Path) -> CategoryHead | None:
    """The category head of an encoder folder; ``None`` if it has none.

    Args:
        folder: The encoder folder.

    Raises:
        EncoderError: The file is damaged.
    """
    path = folder / HEAD
    if not path.exists():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as found:
            facts = json.loads(found["facts"].tobytes())
            head = CategoryHead(
                tuple(map(str, facts["labels"])),
                np.asarray(found["weights"], np.float32),
                np.asarray(found["bias"], np.float32),
                float(facts["temperature"]),
            )
    except Exception as error:  # NumPy and zipfile raise whatever the damage suggests
        raise EncoderError(f"{path} is damaged: train the encoder again ({error})") from error
    if head.weights.shape != (len(head.weights), len(head.labels)) or head.bias.shape != (
        len(head.labels),
    ):
        raise EncoderError(f"{path} is damaged: its arrays do not fit; train the encoder again")
    return head
