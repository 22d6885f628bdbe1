"""What is learnt: pictures of one product together, types by prototypes, at several lengths."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

TEMPERATURE = 0.07
PROTOTYPE_SCALE = 18.0
MEMORY_TEMPERATURE = 0.1
LENGTHS = (48, 96, 192)


def identity_loss(vectors: Tensor, identities: Tensor, groups: Tensor) -> Tensor:
    """Supervised contrastive loss (Khosla et al., NeurIPS 2020, eq. 2) over known identities.

    Products of one design in other colours are neither pulled together nor pushed apart: telling
    them apart is what the colour part is for, and pushing them apart costs finding the same style.

    Args:
        vectors: ``(n, d)`` float32, of any length.
        identities: ``(n,)`` int64.
        groups: ``(n,)`` int64, equal for products of one design.
    """
    unit = functional.normalize(vectors, dim=1)
    own = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    same = (identities[:, None] == identities[None]) & ~own
    ignored = own | ((groups[:, None] == groups[None]) & ~same)
    scores = (unit @ unit.T / TEMPERATURE).masked_fill(ignored, -torch.inf)
    shares = scores.log_softmax(dim=1).masked_fill(ignored, 0.0)
    return -((shares * same).sum(dim=1) / same.sum(dim=1).clamp(min=1)).mean()


def memory_loss(vectors: Tensor, before: Tensor) -> Tensor:
    """How far the neighbours of each picture have moved from where the network saw them before.

    Divergence of the neighbours' shares under the two sets of vectors (similarity distillation:
    Tung and Mori, ICCV 2019; Passalis and Tefas, ECCV 2018).

    Args:
        vectors: ``(n, d)`` float32.
        before: ``(n, e)`` float32, of the network at the start.
    """
    own = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    shares = []
    for rows in (vectors, before):
        unit = functional.normalize(rows, dim=1)
        scores = (unit @ unit.T / MEMORY_TEMPERATURE).masked_fill(own, -1e4)
        shares.append(scores.log_softmax(dim=1))
    return functional.kl_div(shares[0], shares[1], reduction="batchmean", log_target=True)


class Prototypes(nn.Module):
    """One learnt direction per class; a picture should be nearest to that of its own.

    Normalised softmax (Zhai and Wu, BMVC 2019) with smoothed labels, at each of the lengths.

    Args:
        classes: Classes of each set, by its name.
    """

    def __init__(self, classes: dict[str, int]) -> None:
        super().__init__()
        width = LENGTHS[-1]
        self.weights = nn.ParameterDict(
            {
                name: nn.Parameter(torch.randn(count, width) * 0.05)
                for name, count in classes.items()
            }
        )

    def forward(self, name: str, vectors: Tensor, labels: Tensor) -> Tensor:
        """Loss of ``(n, d)`` vectors of set ``name`` with ``(n,)`` labels."""
        directions = functional.normalize(self.weights[name][:, : vectors.shape[1]], dim=1)
        scores = functional.normalize(vectors, dim=1) @ directions.T * PROTOTYPE_SCALE
        return functional.cross_entropy(scores, labels, label_smoothing=0.1)


def at_lengths(vectors: Tensor) -> list[Tensor]:
    """The vectors and their beginnings (Matryoshka; Kusupati et al., NeurIPS 2022, eq. 1)."""
    return [vectors[:, :length] for length in LENGTHS]
