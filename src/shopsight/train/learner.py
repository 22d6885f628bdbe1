"""What is learnt: a linear map to the embedding, and in mode ``full`` the trunk below it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from shopsight.train.features import half_precision
from shopsight.train.network import OnnxNetwork

TEMPERATURE = 0.1
"""Of the contrastive loss."""

SCALE = 16.0
"""Of cosines before the softmax over prototypes."""

PAIR_SHARE = 0.5
"""Weight of the contrastive loss beside that of the prototypes."""


class Batch(NamedTuple):
    """Pictures to compare with each other.

    Attributes:
        inputs: ``(n, features)`` float32, or ``(n, side, side, 3)`` uint8.
        labels: ``(n,)`` int64; pictures with equal labels belong together.
        named: ``(n,)`` bool, whether the label has a prototype.
    """

    inputs: NDArray[np.float32] | NDArray[np.uint8]
    labels: NDArray[np.int64]
    named: NDArray[np.bool_]


class Embedding(nn.Module):
    """The linear map from mean features to vectors, as a change of the one to start from.

    ``v = f W + b + ((f - mean) / deviation) D + d``, where only D and d learn. Weight decay on them
    pulls towards the start, not towards zero.

    Args:
        matrix: W, ``(features, dimension)``.
        bias: b, ``(dimension,)``.
        sample: Features to take mean and deviation from, ``(n, features)``.
    """

    def __init__(
        self, matrix: NDArray[np.float32], bias: NDArray[np.float32], sample: NDArray[np.float32]
    ) -> None:
        super().__init__()
        mean, deviation = sample.mean(axis=0), sample.std(axis=0)
        deviation = np.maximum(deviation, 0.1 * float(deviation.mean()) + 1e-6)
        constants = {"matrix": matrix, "bias": bias, "mean": mean, "deviation": deviation}
        for name, value in constants.items():
            self.register_buffer(name, torch.from_numpy(np.array(value, np.float32)))
        start = (sample @ matrix + bias).std()
        # Changes count in units of the start's own spread, so that rates suit any encoder.
        self.register_buffer("unit", torch.tensor(float(start) / np.sqrt(sample.shape[1])))
        self.change = nn.Parameter(torch.zeros(matrix.shape))
        self.shift = nn.Parameter(torch.zeros(len(bias)))

    def forward(self, features: Tensor) -> Tensor:
        """Unit vectors ``(n, dimension)`` of features ``(n, features)``."""
        matrix, bias = self.folded()
        return functional.normalize(features @ matrix + bias, dim=1)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Matrix ``(features, dimension)`` and bias ``(dimension,)`` that do the same."""
        change = self.unit * self.change / self.deviation[:, None]
        return self.matrix + change, self.bias + self.unit * self.shift - self.mean @ change


class Learner(nn.Module):
    """Embedding and prototypes, and the trunk if it learns.

    Args:
        embedding: The linear map.
        prototypes: ``(classes, dimension)``, unit rows to start from; may have no rows.
        trunk: The network; ``None``: batches hold features.
        dropout: Share of the features dropped while learning.
    """

    def __init__(
        self,
        embedding: Embedding,
        prototypes: NDArray[np.float32],
        *,
        trunk: OnnxNetwork | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.prototypes = nn.Parameter(torch.from_numpy(prototypes.copy()))
        self.trunk = trunk
        self._dropout = dropout
        self._half = half_precision()

    def features(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> Tensor:
        """What the linear map takes, ``(n, features)`` float32, of a batch's inputs."""
        given = torch.from_numpy(inputs)
        if self.trunk is None:
            return given
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            maps = self.trunk(given)
        return self.trunk.summary(maps)

    def loss(self, batch: Batch) -> Tensor:
        """Mean loss of a batch.

        Softmax over cosines with prototypes (Zhai, Wu, Classification is a Strong Baseline for Deep
        Metric Learning, BMVC 2019), and the supervised contrastive loss (Khosla et al., NeurIPS
        2020, eq. 2), which also serves pictures that are classes of their own.
        """
        features = functional.dropout(
            self.features(batch.inputs), self._dropout, training=self.training
        )
        vectors = self.embedding(features)
        labels, named = torch.from_numpy(batch.labels), torch.from_numpy(batch.named)
        total = vectors.new_zeros(())
        if bool(named.any()):
            cosines = vectors[named] @ functional.normalize(self.prototypes, dim=1).T
            total = functional.cross_entropy(SCALE * cosines, labels[named], label_smoothing=0.1)
        return total + PAIR_SHARE * contrastive(vectors, labels)


def contrastive(vectors: Tensor, labels: Tensor) -> Tensor:
    """Supervised contrastive loss of a batch.

    Args:
        vectors: ``(n, d)``, unit rows.
        labels: ``(n,)``.
    """
    itself = torch.eye(len(vectors), dtype=torch.bool)
    logits = (vectors @ vectors.T / TEMPERATURE).masked_fill(itself, -torch.inf)
    log_share = logits - logits.logsumexp(dim=1, keepdim=True)
    alike = (labels[:, None] == labels[None]) & ~itself
    count = alike.sum(dim=1)
    sums = log_share.masked_fill(~alike, 0.0).sum(dim=1)
    some = count > 0
    if not bool(some.any()):
        return vectors.sum() * 0.0
    return -(sums[some] / count[some]).mean()
