"""Several processes that train one model together, as ``torchrun`` starts them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed as dist
from torch import nn


@dataclass(frozen=True, slots=True)
class Workers:
    """The processes at work.

    Attributes:
        rank: Number of this one, from 0.
        count: How many there are.
    """

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def average_gradients(self, model: nn.Module) -> None:
        """Give every process the mean of all gradients."""
        if self.count == 1:
            return
        found = [p.grad for p in model.parameters() if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in found])
        dist.all_reduce(flat)
        flat /= self.count
        at = 0
        for gradient in found:
            gradient.copy_(flat[at : at + gradient.numel()].view_as(gradient))
            at += gradient.numel()

    def largest(self, value: float) -> float:
        """The largest of the processes' values, so that all of them decide alike."""
        if self.count == 1:
            return value
        held = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(held, op=dist.ReduceOp.MAX)
        return float(held)

    def wait(self) -> None:
        """Wait until every process has come this far."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def joined_workers() -> Iterator[Workers]:
    """The processes that ``torchrun`` has started; just this one without it."""
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield Workers()
        return
    dist.init_process_group("gloo")
    try:
        yield Workers(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
