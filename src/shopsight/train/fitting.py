"""The training loop: rates, averaging, validation, early stopping, checkpoints."""

from __future__ import annotations

import math
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from shopsight.errors import SettingsError, StorageError
from shopsight.train.learner import Batch, Learner
from shopsight.train.workers import Workers

_LONGEST_STEP = 5.0  # norm of the gradient


class Source(Protocol):
    """Draws batches."""

    def batches(self, count: int, pairs: int, seed: Sequence[int]) -> Iterator[Batch]:
        """Draw batches: the same for the same seed."""
        ...


class Monitor(Protocol):
    """Is told how training gets on."""

    def step(self, number: int, total: int, figures: dict[str, float]) -> None:
        """A step was done; ``number`` counts from 1."""
        ...

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """An epoch was done and measured; ``number`` counts from 1."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train.

    Attributes:
        epochs: At most; each draws every photo about once.
        steps: Per epoch.
        pairs: Per batch and process.
        rate: Peak learning rate of the linear map, in units of its spread.
        trunk_rate: Peak learning rate of the trunk.
        decay: Weight decay of the linear map, towards the start.
        average: Share of the averaged weights that a step keeps.
        patience: Epochs without a better validation figure before training stops.
        seconds: Time for training, after which it stops; the rates fall accordingly.
        seed: Of all chance.
        about: What must be equal for a checkpoint to fit.
    """

    epochs: int
    steps: int
    pairs: int
    rate: float
    trunk_rate: float
    decay: float
    average: float
    patience: int
    seconds: float
    seed: int
    about: str = ""


@dataclass(slots=True)
class State:
    """Where training has got to.

    Attributes:
        epoch: Epochs done.
        seconds: Time spent on them.
        best: Best validation figure so far.
        best_epoch: Its epoch; 0: the start.
        weights: Averaged weights of that epoch.
        history: Validation figures of all epochs.
    """

    epoch: int = 0
    seconds: float = 0.0
    best: float = -math.inf
    best_epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


class Fitting:
    """Trains a learner.

    Args:
        learner: What learns; ends with the averaged weights of its best epoch.
        source: Draws its batches.
        validate: Figures of the learner as it is; ``score`` decides which epoch is best.
        plan: How to train.
        checkpoint: File that a killed run goes on from.
        workers: The processes at work.
        monitor: Told how it gets on.
    """

    def __init__(
        self,
        learner: Learner,
        source: Source,
        validate: Callable[[Learner], dict[str, float]],
        *,
        plan: Plan,
        checkpoint: Path,
        workers: Workers,
        monitor: Monitor,
    ) -> None:
        self._learner, self._source, self._validate = learner, source, validate
        self._plan, self._checkpoint = plan, checkpoint
        self._workers, self._monitor = workers, monitor
        self._optimiser = torch.optim.AdamW(_groups(learner, plan), betas=(0.9, 0.98))
        self._average = _copy(learner)
        self._steps = 0
        self._state = State()

    def run(self, *, resume: bool) -> State:
        """Train until the epochs, the time or the patience are at an end.

        Args:
            resume: Whether to go on from a checkpoint, if there is one.

        Raises:
            SettingsError: The checkpoint is of a training with other settings or photos.
            StorageError: A checkpoint cannot be read or written.
        """
        torch.manual_seed(self._plan.seed + self._workers.rank)
        if resume and self._checkpoint.exists():
            self._load()
        else:
            self._measure()
        while not self._ended():
            self._epoch()
        self._learner.load_state_dict(self._state.weights)
        self._learner.eval()
        return self._state

    def _ended(self) -> bool:
        state, plan = self._state, self._plan
        late = self._workers.largest(state.seconds) >= plan.seconds
        tired = state.epoch - state.best_epoch >= plan.patience
        return state.epoch >= plan.epochs or late or tired

    def _epoch(self) -> None:
        state, plan = self._state, self._plan
        began, before = time.monotonic(), state.seconds
        self._learner.train()
        seed = (plan.seed, state.epoch + 1, self._workers.rank)
        for number, batch in enumerate(self._source.batches(plan.steps, plan.pairs, seed), 1):
            done = (state.epoch * plan.steps + number) / (plan.epochs * plan.steps)
            spent = before + time.monotonic() - began
            share = self._workers.largest(max(done, spent / plan.seconds))
            loss = self._step(batch, share)
            self._monitor.step(self._steps, plan.epochs * plan.steps, loss)
            if share >= 1:
                break
        state.epoch += 1
        state.seconds = before + time.monotonic() - began
        self._measure()
        self._save()

    def _step(self, batch: Batch, share: float) -> dict[str, float]:
        self._steps += 1
        warm = min(1.0, self._steps / max(1, min(100, self._plan.steps)))
        factor = warm * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
        for group in self._optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        loss = self._learner.loss(batch)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._workers.average_gradients(self._learner)
        nn.utils.clip_grad_norm_(self._learner.parameters(), _LONGEST_STEP)
        self._optimiser.step()
        keep = min(self._plan.average, self._steps / (self._steps + 10))
        for name, value in self._learner.state_dict().items():
            self._average[name].lerp_(value, 1 - keep)
        return {"loss": loss.item(), "rate": factor}

    def _measure(self) -> None:
        """Validate the averaged weights, and remember them if they are the best."""
        state = self._state
        live = _copy(self._learner)
        self._learner.load_state_dict(self._average)
        self._learner.eval()
        began = time.monotonic()
        figures = self._validate(self._learner) if self._workers.leads else {"score": -math.inf}
        figures["score"] = self._workers.largest(figures["score"])
        state.seconds += time.monotonic() - began
        state.history.append(figures)
        if figures["score"] > state.best:
            state.best, state.best_epoch = figures["score"], state.epoch
            state.weights = _copy(self._learner)
        self._learner.load_state_dict(live)
        self._monitor.epoch(state.epoch, figures)

    def _save(self) -> None:
        """Keep everything a killed run needs: written beside its place, then renamed."""
        if not self._workers.leads:
            return
        state = self._state
        held: dict[str, Any] = {
            "about": self._plan.about,
            "learner": self._learner.state_dict(),
            "average": self._average,
            "optimiser": self._optimiser.state_dict(),
            "steps": self._steps,
            "state": {name: getattr(state, name) for name in State.__slots__},
        }
        temporary = self._checkpoint.with_suffix(f".{os.getpid()}")
        try:
            self._checkpoint.parent.mkdir(parents=True, exist_ok=True)
            torch.save(held, temporary)
            temporary.replace(self._checkpoint)
        except (OSError, RuntimeError) as error:
            raise StorageError(f"{self._checkpoint} cannot be written: {error}") from error

    def _load(self) -> None:
        try:
            held = torch.load(self._checkpoint, weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise StorageError(
                f"{self._checkpoint} cannot be read: train without --resume ({error})"
            ) from error
        if held["about"] != self._plan.about:
            raise SettingsError(
                f"{self._checkpoint} is of a training with other options or photos: repeat those, "
                "or train without --resume"
            )
        self._learner.load_state_dict(held["learner"])
        self._optimiser.load_state_dict(held["optimiser"])
        self._average, self._steps = held["average"], held["steps"]
        self._state = State(**held["state"])


def _copy(learner: Learner) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in learner.state_dict().items()}


def _groups(learner: Learner, plan: Plan) -> list[dict[str, Any]]:
    embedding = [*learner.embedding.parameters()]
    groups: list[dict[str, Any]] = [
        {"params": embedding, "peak": plan.rate, "weight_decay": plan.decay},
        {"params": [learner.prototypes], "peak": plan.rate, "weight_decay": 0.0},
    ]
    if learner.trunk is not None:
        trunk = [p for p in learner.trunk.parameters() if p.requires_grad]
        groups.append({"params": trunk, "peak": plan.trunk_rate, "weight_decay": 1e-4})
    return groups
