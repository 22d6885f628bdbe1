"""Train the trunk and the learnt part of the default encoder. See README.md for the commands."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import sources
import torch
from batches import Batch, Recipe
from losses import LENGTHS, Prototypes, at_lengths, identity_loss, memory_loss
from numpy.typing import NDArray
from shape import HEAD_FEATURES, SOFTENING, directions, drawn
from torch import Tensor, nn

from shopsight.train.network import OnnxNetwork, softened

SHARES = {
    "renders": 0.27,
    "grocery": 0.14,
    "luma": 0.13,
    "myntra": 0.16,
    "clothing": 0.17,
    "drawings": 0.13,
}
IDENTITY_WEIGHT, LABEL_WEIGHT, MEMORY_WEIGHT = 1.0, 0.5, 6.0
FROZEN_CONVOLUTIONS = 10
WARM_UP = 60
AVERAGING = 0.995


class Model(nn.Module):
    """The trunk, the linear map to the learnt part, and the prototypes of all sets."""

    def __init__(self, start: Path, classes: dict[str, int]) -> None:
        super().__init__()
        self.trunk = OnnxNetwork(onnx.load(start), frozen=FROZEN_CONVOLUTIONS)
        self.head = nn.Linear(HEAD_FEATURES, LENGTHS[-1])
        self.prototypes = Prototypes(classes)
        self.register_buffer("centre", torch.zeros(HEAD_FEATURES))
        self._before = (OnnxNetwork(onnx.load(start)).requires_grad_(False),)

    def forward(self, pixels: Tensor) -> Tensor:
        """Unit rows ``(n, 1280)`` float32 of the head's features."""
        return _rows(self.trunk, pixels)

    def loss(self, batch: Batch) -> Tensor:
        """Mean loss of a batch over all lengths."""
        pixels = torch.from_numpy(batch.pixels)
        rows = self(pixels)
        vectors: Tensor = self.head(rows)
        identities, labels = torch.from_numpy(batch.identities), torch.from_numpy(batch.labels)
        groups = torch.from_numpy(batch.groups)
        known = bool((identities >= 0).all())
        labelled = batch.source in self.prototypes.weights
        total = vectors.new_zeros(())
        for part in at_lengths(vectors):
            if known:
                total = total + IDENTITY_WEIGHT * identity_loss(part, identities, groups)
            if labelled:
                weight = LABEL_WEIGHT if known else 1.0
                total = total + weight * self.prototypes(batch.source, part, labels)
        kept = memory_loss(rows - self.centre, self.before(pixels) - self.centre)
        return total / len(LENGTHS) + MEMORY_WEIGHT * kept

    @torch.no_grad()
    def before(self, pixels: Tensor) -> Tensor:
        """Unit rows ``(n, 1280)`` float32 of the network as published."""
        return _rows(self._before[0], pixels)

    @torch.no_grad()
    def lay_directions(self, pictures: Iterable[NDArray[np.uint8]]) -> None:
        """Set the linear map to principal components of pictures' features, and the centre."""
        rows, before = [], []
        for pixels in pictures:
            given = torch.from_numpy(pixels[None])
            rows.append(self(given).numpy()[0])
            before.append(self.before(given)[0])
        self.centre.copy_(torch.stack(before).mean(dim=0))
        matrix, bias = directions(np.stack(rows), LENGTHS[-1])
        self.head.weight.copy_(torch.from_numpy(matrix.T.copy()))
        self.head.bias.copy_(torch.from_numpy(bias))


def _rows(trunk: OnnxNetwork, pixels: Tensor) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps = trunk(pixels)
    return softened(maps[:, -HEAD_FEATURES:].float().mean(dim=(2, 3)), SOFTENING)


def groups(model: Model, rate: float) -> list[dict[str, Any]]:
    """Parameters with their learning rates: new ones learn faster."""
    trunk = [p for p in model.trunk.parameters() if p.requires_grad]
    return [
        {"params": trunk, "peak": rate, "weight_decay": 0.0},
        {"params": list(model.head.parameters()), "peak": 3 * rate, "weight_decay": 1e-4},
        {"params": list(model.prototypes.parameters()), "peak": 30 * rate, "weight_decay": 1e-4},
    ]


def go_on(model: Model, weights: dict[str, Tensor], share: float) -> None:
    """Move the trunk ``share`` of the way to weights of an earlier stage."""
    state = model.state_dict()
    trunk = {name: value for name, value in weights.items() if name.startswith("trunk.")}
    model.load_state_dict(
        state | {name: state[name] + share * (value - state[name]) for name, value in trunk.items()}
    )


def rate_at(step: int, steps: int, *, decay: bool) -> float:
    """Share of the peak rate: a linear warm-up, then a cosine to zero, or constant."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * step / steps)) if decay else 1.0


def train(arguments: argparse.Namespace, model: Model, recipe: Recipe) -> None:
    """Run all steps; a checkpoint every hundred, from which a killed run goes on."""
    optimiser = torch.optim.AdamW(
        groups(model, arguments.rate), lr=arguments.rate, betas=(0.9, 0.98)
    )
    average = {k: v.detach().clone() for k, v in model.state_dict().items()}
    checkpoint, first = arguments.out.with_suffix(".part"), 0
    if checkpoint.exists():
        kept = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(kept["model"])
        optimiser.load_state_dict(kept["optimiser"])
        average, first = kept["average"], kept["step"]
    started = time.monotonic()
    recent: dict[str, float] = {}
    batches = recipe.batches(arguments.steps - first, first=first)
    for step, batch in enumerate(batches, first):
        share = rate_at(step, arguments.steps, decay=arguments.decay)
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * share
        loss = model.loss(batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        keep = min(AVERAGING, (step - first + 1) / (step - first + 10))
        for name, value in model.state_dict().items():
            average[name].lerp_(value, 1 - keep)
        before = recent.get(batch.source, loss.item())
        recent[batch.source] = 0.9 * before + 0.1 * loss.item()
        if (step + 1) % 20 == 0:
            speed = (step + 1 - first) * len(batch.pixels) / (time.monotonic() - started)
            losses = " ".join(f"{name} {value:.3f}" for name, value in sorted(recent.items()))
            print(
                f"step {step + 1}/{arguments.steps} {losses} ({speed:.0f} pictures/s)", flush=True
            )
        if (step + 1) % 100 == 0:
            state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save({**state, "average": average, "step": step + 1}, checkpoint)
    torch.save({"model": model.state_dict(), "average": average}, arguments.out)
    checkpoint.unlink(missing_ok=True)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="file of the weights")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--renders", type=Path, help="folder of renderings")
    parser.add_argument("--start", type=Path, required=True, help="ONNX file to start from")
    parser.add_argument("--resume-from", type=Path, help="weights of an earlier stage")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--decay", action="store_true", help="lower the rate to zero by the end")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    data: Path = arguments.data
    products = [sources.grocery(data), sources.luma(data), sources.myntra(data)]
    products.append(sources.drawings())
    if arguments.renders:
        products.append(sources.renders(arguments.renders))
    labelled = [sources.clothing(data)]
    recipe = Recipe(
        products,
        labelled,
        side=arguments.side,
        pairs=arguments.pairs,
        shares=SHARES,
        seed=arguments.seed,
    )
    classes = {found.name: found.types for found in products if found.types}
    classes |= {found.name: found.classes for found in labelled}
    classes.setdefault("renders", 64)
    print(json.dumps({**{k: str(v) for k, v in vars(arguments).items()}, "classes": classes}))
    model = Model(arguments.start, classes)
    if arguments.resume_from:
        go_on(model, torch.load(arguments.resume_from, weights_only=True)["average"], 0.5)
    model.lay_directions(drawn(arguments.data, arguments.renders))
    train(arguments, model, recipe)
    return 0


if __name__ == "__main__":
    sys.exit(main())
