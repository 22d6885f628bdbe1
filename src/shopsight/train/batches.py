"""Draws the batches of training."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from shopsight.train.learner import Batch
from shopsight.train.split import Checked
from shopsight.train.views import Random, random_view

Labels = NDArray[np.int64]


class Pairs:
    """Draws photos two by two: a photo with another of its label, or with a view of itself.

    Frequent labels are drawn as often as the root of their size.

    Args:
        labels: ``(n,)`` labels of the photos.
    """

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._members: dict[int, list[int]] = defaultdict(list)
        for number, label in enumerate(labels.tolist()):
            self._members[label].append(number)
        sizes = np.array([len(self._members[label]) for label in labels.tolist()])
        weights = sizes**-0.5
        self._weights = weights / weights.sum()

    def draw(self, pairs: int, rng: Random) -> Labels:
        """Numbers of ``2 * pairs`` photos; fewer if there are fewer."""
        count = min(pairs, len(self._labels))
        chosen = rng.choice(len(self._labels), count, replace=False, p=self._weights).tolist()
        numbers = []
        for number in chosen:
            members = self._members[int(self._labels[number])]
            numbers += [number, members[int(rng.integers(len(members)))]]
        return np.array(numbers, np.int64)


class CachedViews:
    """Batches of cached features, a random view of each picture.

    Args:
        features: ``(n, views, features)``.
        labels: ``(n,)``.
        named: ``(n,)``, whether the label has a prototype.
    """

    def __init__(
        self, features: NDArray[np.float16], labels: Labels, named: NDArray[np.bool_]
    ) -> None:
        self._features, self._labels, self._named = features, labels, named
        self._pairs = Pairs(labels)

    def batches(self, count: int, pairs: int, seed: Sequence[int]) -> Iterator[Batch]:
        """Draw batches: the same for the same seed."""
        for number in range(count):
            rng = np.random.default_rng([*seed, number])
            chosen = self._pairs.draw(pairs, rng)
            views = rng.integers(self._features.shape[1], size=len(chosen))
            # Two views of one picture must not be the same view.
            views[1::2] = np.where(
                (chosen[1::2] == chosen[::2]) & (views[1::2] == views[::2]),
                (views[1::2] + 1) % self._features.shape[1],
                views[1::2],
            )
            inputs = self._features[chosen, views].astype(np.float32)
            yield Batch(inputs, self._labels[chosen], self._named[chosen])


class FreshViews:
    """Batches of pictures, each in a view of its own, made beside the training.

    Args:
        photos: The pictures.
        labels: ``(n,)``.
        named: ``(n,)``, whether the label has a prototype.
        side: Of the views, in pixels.
        threads: Threads that make views.
    """

    def __init__(
        self,
        photos: Sequence[Checked],
        labels: Labels,
        named: NDArray[np.bool_],
        *,
        side: int,
        threads: int = 2,
    ) -> None:
        self._photos, self._labels, self._named = photos, labels, named
        self._side, self._threads = side, threads
        self._pairs = Pairs(labels)

    def batches(self, count: int, pairs: int, seed: Sequence[int]) -> Iterator[Batch]:
        """Draw batches: the same for the same seed."""
        with ThreadPoolExecutor(self._threads) as pool:

            def make() -> Iterator[Batch]:
                for number in range(count):
                    rng = np.random.default_rng([*seed, number])
                    chosen = self._pairs.draw(pairs, rng)
                    seeds = rng.integers(0, 2**63, len(chosen))
                    views = list(pool.map(self._view, chosen, seeds))
                    yield Batch(np.stack(views), self._labels[chosen], self._named[chosen])

            yield from ahead(make, 4)

    def _view(self, number: int, seed: int) -> NDArray[np.uint8]:
        path = self._photos[number].photo.path
        return random_view(path, self._side, np.random.default_rng(seed))


def ahead(make: Callable[[], Iterator[Batch]], depth: int) -> Iterator[Batch]:
    """Run an iterator on a thread of its own, a bounded number of items in advance.

    Args:
        make: Makes the iterator.
        depth: Items made in advance at most.
    """
    ready: queue.Queue[Batch | Exception | None] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: Batch | Exception | None) -> None:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def produce() -> None:
        try:
            for item in make():
                put(item)
                if stopped.is_set():
                    return
            put(None)
        except Exception as error:  # noqa: BLE001 - the consumer raises it
            put(error)

    thread = threading.Thread(target=produce, name="views", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
