"""Train the head on what ``features.py`` writes, also while it is writing. See README.md."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from network import Head, losses, targets
from torch import Tensor

TAP_NAMES = ("fine", "middle", "coarse")
"""Feature maps in a chunk, as ``features.py`` names them."""

LOOK_EVERY = 50
"""Steps after which new chunks are read."""


class Chunks:
    """Feature maps with their targets, read as they come.

    Args:
        folder: What ``features.py`` writes to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: set[str] = set()
        self.chunks: list[tuple[list[Tensor], tuple[Tensor, ...]]] = []

    def look(self) -> None:
        """Read what is new."""
        for path in sorted(self.folder.glob("*.npz")):
            if path.name in self.names:
                continue
            self.names.add(path.name)
            with np.load(path) as chunk:
                taps = [torch.from_numpy(chunk[n]).to(torch.bfloat16) for n in TAP_NAMES]
                ends = np.cumsum(chunk["counts"])[:-1]
                boxes, good = (np.split(chunk[n], ends) for n in ("boxes", "wanted"))
                height, width = (int(side) for side in chunk["size"])
            wanted = targets(boxes, good, (height, width))
            self.chunks.append((taps, wanted))

    def batch(self, count: int, rng: np.random.Generator) -> tuple[list[Tensor], Any]:
        """``count`` pictures of one chunk."""
        taps, wanted = self.chunks[rng.integers(len(self.chunks))]
        some = torch.from_numpy(rng.permutation(len(taps[0]))[:count])
        return [tap[some] for tap in taps], tuple(part[some] for part in wanted)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="weights, written every 200th step")
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--resume", type=Path, help="weights to go on from")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1e9, help="end after, whatever --steps")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    head = Head().to(memory_format=torch.channels_last)
    if args.resume:
        head.load_state_dict(torch.load(args.resume))
    fit(head, Chunks(args.features), args)


def fit(head: Head, chunks: Chunks, args: argparse.Namespace) -> None:
    """Learn, and write an average of the weights of late."""
    optimizer = torch.optim.AdamW(head.parameters(), lr=args.rate, weight_decay=0.02)
    rng = np.random.default_rng(args.seed)
    average = {name: value.clone() for name, value in head.state_dict().items()}
    started, means = time.monotonic(), np.zeros(2)
    for step in range(args.steps):
        if step % LOOK_EVERY == 0:
            chunks.look()
        done = max(step / args.steps, (time.monotonic() - started) / args.seconds)
        if done >= 1:
            break
        warm = min((step + 1) / 100, 1.0)
        optimizer.param_groups[0]["lr"] = (
            args.rate * warm * (0.5 + 0.5 * math.cos(math.pi * done) + 0.005)
        )
        taps, wanted = chunks.batch(args.batch, rng)
        taps = [tap.contiguous(memory_format=torch.channels_last) for tap in taps]
        with torch.autocast("cpu", torch.bfloat16):
            logits, sides = head(taps)
        heat, boxes = losses(logits, sides, wanted)
        optimizer.zero_grad()
        (heat + 2 * boxes).backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 10)
        optimizer.step()
        keep = min(0.99, step / (step + 10))
        for name, value in head.state_dict().items():
            average[name].lerp_(value, 1 - keep)
        now = np.array([heat.item(), boxes.item()])
        means += (0.02 if step else 1.0) * (now - means)
        if step % 200 == 199:
            spent = time.monotonic() - started
            print(
                f"{step + 1} heat {means[0]:.3f} boxes {means[1]:.3f} {spent:.0f} s, "
                f"{len(chunks.chunks)} chunks",
                flush=True,
            )
            torch.save(average, args.out)
    torch.save(average, args.out)


if __name__ == "__main__":
    main()
