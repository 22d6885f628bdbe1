"""Measures an encoder on the validation photos, and fits the category head on the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shopsight.encoders.base import Encoder, Vectors
from shopsight.encoders.categories import CategoryHead
from shopsight.train.measure import Figure, Labels, bootstrap, ranking, voted, wilson
from shopsight.train.split import Checked, Split
from shopsight.train.views import plain_view, random_view

_PART = 64
_DECAY = 3e-5  # per photo, of the category head's weights
_TEMPERATURES = np.geomspace(0.2, 8, 60)


@dataclass(frozen=True, slots=True)
class Judged:
    """What an encoder achieves.

    Attributes:
        figures: By name: ``recall@1`` and ``mAP`` among the validation photos (those of the
            query's own group left out), ``catalogue recall@1`` from photo to catalogue picture,
            ``knn`` and ``classifier``, the accuracies of votes of near training photos and of the
            category head.
        head: The category head, if there are named labels.
    """

    figures: dict[str, Figure]
    head: CategoryHead | None


def judge(
    encoder: Encoder,
    data: Split,
    *,
    seed: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Judged:
    """Measure an encoder.

    Args:
        encoder: To be measured.
        data: Photos on both sides.
        seed: Of the second views, where pictures are classes of their own, and of resampling.
        progress: Told the number of pictures encoded.
    """
    held = data.validation
    vectors = encoded(encoder, held, progress=progress)
    if not held[0].photo.named:
        second = encoded(encoder, held, seed=seed, progress=progress)
        return Judged(_views_found(vectors, second, held), None)
    train = [one for one in data.train if one.photo.named]
    learnt = encoded(encoder, train, progress=lambda done: progress(len(held) + done))
    names = sorted({one.photo.label for one in train})
    unknown = len(names)
    order = {name: number for number, name in enumerate(names)}
    own = np.array([order.get(one.photo.label, unknown) for one in held], np.int64)
    others = np.array([order[one.photo.label] for one in train], np.int64)
    figures = _rankings(vectors, held)
    figures |= _to_catalogue(vectors, own, learnt, others, train=train, held=held)
    figures["knn"] = wilson(int((voted(vectors, learnt, others) == own).sum()), len(held))
    head = fit_head(learnt, others, names)
    sums = vectors @ head.weights + head.bias
    figures["classifier"] = wilson(int((sums.argmax(axis=1) == own).sum()), len(held))
    return Judged(figures, calibrated(head, sums[own < unknown], own[own < unknown]))


def encoded(
    encoder: Encoder,
    photos: Sequence[Checked],
    *,
    seed: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Vectors:
    """Vectors of photos, as they are, or with a seed in a random view."""
    prepared = encoder.spec.preprocessing

    def view(one: Checked) -> NDArray[np.uint8]:
        if seed is None:
            return plain_view(one.photo.path, prepared)
        rng = np.random.default_rng([seed, int(one.digest[:12], 16)])
        return random_view(one.photo.path, prepared.size, rng)

    found = np.empty((len(photos), encoder.spec.dimension), np.float32)
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(photos), _PART):
            part = photos[start : start + _PART]
            found[start : start + len(part)] = encoder.encode_images(
                np.stack(list(pool.map(view, part)))
            )
            progress(start + len(part))
    return found


def fit_head(vectors: Vectors, labels: Labels, names: Sequence[str]) -> CategoryHead:
    """Logistic regression over vectors, with weight decay.

    Args:
        vectors: ``(n, dimension)``, unit rows.
        labels: ``(n,)``, numbers of the names.
        names: The classes.
    """
    torch.manual_seed(0)
    given, wanted = torch.from_numpy(vectors), torch.from_numpy(labels)
    linear = nn.Linear(vectors.shape[1], len(names))
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    optimiser = torch.optim.LBFGS(
        linear.parameters(), max_iter=150, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = nn.functional.cross_entropy(linear(given), wanted)
        loss = loss + _DECAY * (linear.weight**2).sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        weights, bias = linear.weight.T.contiguous().numpy(), linear.bias.numpy()
    return CategoryHead(tuple(names), weights.copy(), bias.copy())


def calibrated(head: CategoryHead, sums: NDArray[np.float32], labels: Labels) -> CategoryHead:
    """The head with the temperature that makes the right labels most probable.

    Args:
        head: The head.
        sums: ``(n, classes)`` of photos it was not fitted on; with n = 0 nothing changes.
        labels: ``(n,)``, their classes.
    """
    if not len(labels):
        return head

    def loss(temperature: float) -> float:
        scaled = sums.astype(np.float64) / temperature
        top = scaled.max(axis=1)
        total = np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top
        return float(np.mean(total - scaled[np.arange(len(labels)), labels]))

    best = min(_TEMPERATURES.tolist(), key=loss)
    return CategoryHead(head.labels, head.weights, head.bias, best)


def _rankings(vectors: Vectors, held: Sequence[Checked]) -> dict[str, Figure]:
    """Figures of the validation photos among themselves."""
    names = [one.photo.label for one in held]
    groups = [one.photo.group for one in held]
    _, labels = np.unique(np.array(names), return_inverse=True)
    _, numbers = np.unique(np.array(groups), return_inverse=True)
    precision, first, possible = ranking(
        vectors, vectors, labels, labels, hidden=numbers, gallery_groups=numbers
    )
    kept = [group for group, some in zip(groups, possible, strict=True) if some]
    return {
        "recall@1": bootstrap(first[possible], kept),
        "mAP": bootstrap(precision[possible], kept),
    }


def _to_catalogue(
    vectors: Vectors,
    own: Labels,
    learnt: Vectors,
    others: Labels,
    *,
    train: Sequence[Checked],
    held: Sequence[Checked],
) -> dict[str, Figure]:
    """How often a photo's nearest catalogue picture is of its product."""
    shown = np.array([one.photo.catalogue for one in train])
    if not shown.any():
        return {}
    _, first, possible = ranking(vectors, learnt[shown], own, others[shown])
    groups = [one.photo.group for one, some in zip(held, possible, strict=True) if some]
    return {"catalogue recall@1": bootstrap(first[possible], groups)}


def _views_found(plain: Vectors, second: Vectors, held: Sequence[Checked]) -> dict[str, Figure]:
    """How well a random view of a picture finds the picture among all."""
    numbers = np.arange(len(plain))
    precision, first, _ = ranking(second, plain, numbers, numbers)
    groups = [one.photo.group for one in held]
    return {"recall@1": bootstrap(first, groups), "mAP": bootstrap(precision, groups)}
