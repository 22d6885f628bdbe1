"""Batches for training: which pictures stand beside each other, and in what view."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sources import Labelled, Picture, Pixels, Products, foregrounds
from views import Random, catalogue_view, pasted_view, photo_view

Indices = NDArray[np.int64]
Draw = Callable[[Random], Pixels]


@dataclass(frozen=True)
class Batch:
    """Pictures to compare with each other.

    Attributes:
        source: Name of their set.
        pixels: ``(n, side, side, 3)`` uint8.
        identities: ``(n,)`` int64; equal for pictures of one product; -1: not known.
        labels: ``(n,)`` int64, their classes in the set.
        groups: ``(n,)`` int64, equal for products of one design.
    """

    source: str
    pixels: Pixels
    identities: Indices
    labels: Indices
    groups: Indices


class Recipe:
    """Draws batches from all sets.

    Args:
        products: Sets of products.
        labelled: Sets of labelled photos.
        side: Of the pictures.
        pairs: Products per batch; a batch has twice as many pictures.
        shares: How often each set is drawn, by its name.
        seed: Of all chance.
    """

    def __init__(
        self,
        products: list[Products],
        labelled: list[Labelled],
        *,
        side: int,
        pairs: int,
        shares: dict[str, float],
        seed: int,
    ) -> None:
        self._products = {found.name: found for found in products}
        self._labelled = {found.name: found for found in labelled}
        self._side, self._pairs, self._seed = side, pairs, seed
        self._names = [name for name in shares if name in self._products | self._labelled]
        weights = np.array([shares[name] for name in self._names])
        self._weights = weights / weights.sum()
        self._masks = {name: foregrounds(found.catalogue) for name, found in self._products.items()}
        self._grounds = self._photos(np.random.default_rng(seed))

    def _photos(self, rng: Random, count: int = 1500) -> list[Pixels]:
        """Photos to paste on."""
        pool = [p for found in self._labelled.values() for p in found.pictures]
        pool += [p for found in self._products.values() for some in found.photos for p in some]
        chosen = rng.permutation(len(pool))[:count]
        return [pool[number].pixels() for number in chosen]

    def batches(
        self, count: int, *, first: int = 0, threads: int = 2, ahead: int = 6
    ) -> Iterator[Batch]:
        """Draw batches beside the caller's work.

        Args:
            count: How many.
            first: Number of the first; batch k is the same however a run is cut up.
            threads: That make views.
            ahead: Batches made in advance.
        """
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(ahead)

        def produce() -> None:
            try:
                with ThreadPoolExecutor(threads) as pool:
                    for number in range(first, first + count):
                        ready.put(self._batch(np.random.default_rng((self._seed, number)), pool))
                ready.put(None)
            except BaseException as error:  # noqa: BLE001  # the consumer raises it
                ready.put(error)

        threading.Thread(target=produce, daemon=True).start()
        while (found := ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found

    def _batch(self, rng: Random, pool: ThreadPoolExecutor) -> Batch:
        name = self._names[rng.choice(len(self._names), p=self._weights)]
        if name in self._labelled:
            draws, identities, labels = self._of_labelled(self._labelled[name], rng)
        else:
            draws, identities, labels = self._of_products(self._products[name], rng)
        seeds = rng.integers(0, 2**63, len(draws))
        jobs = zip(draws, seeds, strict=True)
        views = list(pool.map(lambda job: job[0](np.random.default_rng(job[1])), jobs))
        return Batch(
            name,
            np.stack(views),
            np.array(identities),
            np.array(labels),
            self._groups(name, identities),
        )

    def _groups(self, name: str, identities: list[int]) -> Indices:
        """Numbers of designs: the first product of a design stands for it."""
        if name in self._labelled:
            return np.arange(len(identities))
        names = self._products[name].groups
        first: dict[str, int] = {}
        return np.array([first.setdefault(names[n] or f"product {n}", n) for n in identities])

    def _of_labelled(
        self, source: Labelled, rng: Random
    ) -> tuple[list[Draw], list[int], list[int]]:
        """Photos, every class about as often as the root of its size."""
        sizes = np.bincount([p.label for p in source.pictures], minlength=source.classes)
        weights = np.array([sizes[p.label] ** -0.5 for p in source.pictures])
        count = min(2 * self._pairs, len(weights))
        chosen = rng.choice(len(weights), count, replace=False, p=weights / weights.sum())
        pictures = [source.pictures[number] for number in chosen]
        return [self._photo(p) for p in pictures], [-1] * count, [p.label for p in pictures]

    def _of_products(
        self, source: Products, rng: Random
    ) -> tuple[list[Draw], list[int], list[int]]:
        """Two pictures of each product: a photo, and the catalogue's picture or another photo."""
        chosen = self._neighbours(source, rng)
        draws: list[Draw] = []
        for number in chosen:
            photos = source.photos[number]
            real = bool(photos) and rng.random() < 0.75
            one = photos[rng.integers(len(photos))] if real else None
            draws.append(self._photo(one) if one else self._pasted(source, number))
            if photos and rng.random() < 0.2:
                draws.append(self._photo(photos[rng.integers(len(photos))]))
            else:
                draws.append(self._shown(source.catalogue[number]))
        identities = [number for number in chosen for _ in range(2)]
        return draws, identities, [source.catalogue[number].label for number in identities]

    def _neighbours(self, source: Products, rng: Random) -> list[int]:
        """Products, some of them in pairs of one design or type: the hard comparisons."""
        count = min(self._pairs, len(source))
        chosen = rng.choice(len(source), count, replace=False).tolist()
        by_group: dict[str, list[int]] = {}
        for number, group in enumerate(source.groups):
            by_group.setdefault(group or f"type {source.catalogue[number].label}", []).append(
                number
            )
        kept: dict[int, None] = {}
        for number in chosen:
            kept[number] = None
            group = source.groups[number] or f"type {source.catalogue[number].label}"
            alike = by_group[group]
            if len(alike) > 1 and rng.random() < 0.2:
                kept[alike[rng.integers(len(alike))]] = None
        return list(kept)[:count]

    def _photo(self, picture: Picture) -> Draw:
        return lambda rng: photo_view(picture.pixels(), picture.box, self._side, rng)

    def _shown(self, picture: Picture) -> Draw:
        return lambda rng: catalogue_view(picture.pixels(), self._side, rng)

    def _pasted(self, source: Products, number: int) -> Draw:
        picture, mask = source.catalogue[number], self._masks[source.name][number]
        return lambda rng: pasted_view(picture.pixels(), mask, self._grounds, self._side, rng)
