"""Photos of what a shop sells, and of what it does not, made up from its own pictures.

Photos of what it sells are views of its pictures (:mod:`shopsight.images.photo_views`), searched
with the picture itself in the index: pictures of one product often show its front and its back, so
to leave the picture out would be to ask for a back with a front.

Photos of what it does not sell are the same ones, with the product on them taken out of the answer
together with its item group and up to half of all other groups, those most like it first. Nobody
knows how near the nearest product is to a thing that a shop does not have, so the number of groups
taken out is spread evenly over the orders of magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsight.errors import ImageError
from shopsight.images.photo_views import SIDE, photo_view
from shopsight.search.confidence import LEAST_SCORES, Floats, figures

DEPTH = 400
"""Products that should be in each ranking: as many as can be taken out, and then some."""

_OTHERS = 32  # pictures kept for backgrounds and clutter
_BATCH = 16
_FARTHEST = 0.5  # share of the groups that are taken out at most

Vectors = NDArray[np.float32]


class Ranking(NamedTuple):
    """Products that were found for a vector, best first.

    Attributes:
        products: Their ids.
        groups: Of each its ``item_group_id``, or its own id where it has none.
        scores: ``(n,)``, falling.
    """

    products: Sequence[str]
    groups: Sequence[str]
    scores: NDArray[np.float32]


class Picture(NamedTuple):
    """A picture of the catalogue.

    Attributes:
        product_id: What it shows.
        group: That product's ``item_group_id``, or its own id.
        load: Reads it, mode RGB. May raise an ``ImageError``: the picture is then left out.
    """

    product_id: str
    group: str
    load: Callable[[], Image.Image]


class Labelled(NamedTuple):
    """A shopper's photo, and what is on it.

    Attributes:
        product_ids: The right products, all of them in the index; empty for something else.
        load: Reads it, as that of a picture.
    """

    product_ids: frozenset[str]
    load: Callable[[], Image.Image]


Seen = Callable[[Picture, NDArray[np.float32]], None]
"""Told of each made-up photo: the picture it was made of, and its vector ``(dimension,)``."""


@dataclass(frozen=True, slots=True)
class Searches:
    """How pictures are searched: just as shoppers' photos are by default.

    Attributes:
        encode: Pictures of mode RGB to ``(n, dimension)`` float32: as photos are encoded, main
            subject and all.
        find: A vector to at least :data:`DEPTH` products, or all, with the balanced focus.
    """

    encode: Callable[[Sequence[Image.Image]], Vectors]
    find: Callable[[NDArray[np.float32]], Ranking]


@dataclass(frozen=True, slots=True)
class Case:
    """A photo as if its product were in the shop, or as if it were not.

    Attributes:
        figures: ``(3,)``, of its ranking.
        scores: ``(n,)``, of its ranking, falling.
        right: Where in the ranking the first right product is; ``None``: nowhere.
        present: Whether its product is in the shop.
        real: Whether it is what a shopper sent, and nothing about it is made up.
        name: Cases of one name are about the same thing.
    """

    figures: Floats
    scores: Floats
    right: int | None
    present: bool
    real: bool
    name: str


class Simulator:
    """Makes cases.

    Args:
        searches: How pictures are searched.
        seed: Of all chance.
        done: Told after each photo.
        seen: Told of each photo that was made up.
    """

    def __init__(
        self,
        searches: Searches,
        seed: int,
        done: Callable[[], None],
        seen: Seen = lambda _picture, _vector: None,
    ) -> None:
        self._seen = seen
        self._searches = searches
        self._seed = seed
        self._done = done
        self.cases: list[Case] = []

    def add_views(self, sample: Sequence[Picture], count: int) -> int:
        """Make up photos of pictures in turn; return how many pictures could be used.

        Args:
            sample: Pictures.
            count: Photos of them.
        """
        others = self._others(sample)
        kinds: dict[int, list[str]] = {}
        for start in range(0, count, _BATCH):
            views, plain = {}, {}
            for number in range(start, min(start + _BATCH, count)):
                which = number % len(sample)
                image = _loaded(sample[which])
                self._done()
                if image is None:
                    continue
                group = sample[which].group
                rng = np.random.default_rng((self._seed, number))
                views[number] = photo_view(image, [o for g, o in others if g != group], rng)
                if which not in kinds:
                    plain[which] = image
            if not views:
                continue
            vectors = self._searches.encode([*views.values(), *plain.values()])
            for which, vector in zip(plain, vectors[len(views) :], strict=True):
                kinds[which] = _kinds(self._searches.find(vector))
            for number, vector in zip(views, vectors, strict=False):
                picture = sample[number % len(sample)]
                self._seen(picture, vector)
                ranking = self._searches.find(vector)
                self._add(ranking, frozenset([picture.product_id]), picture.group, real=False)
                self._add_without(ranking, picture.group, kinds[number % len(sample)], number)
        return len(kinds)

    def add_photos(self, photos: Sequence[Labelled]) -> tuple[int, int]:
        """Use labelled photos; return how many show products of the shop, and how many do not."""
        counts = [0, 0]
        for number, photo in enumerate(photos):
            image = _loaded(photo)
            self._done()
            if image is None:
                continue
            ranking = self._searches.find(self._searches.encode([image])[0])
            if not len(ranking.products):
                continue
            counts[0 if photo.product_ids else 1] += 1
            place = _place(ranking, photo.product_ids)
            group = ranking.groups[place] if place is not None else f"photo {number}"
            self._add(ranking, photo.product_ids, group, real=True)
            if place is not None:
                self._add_without(ranking, group, _kinds(ranking), -1 - number)
        return counts[0], counts[1]

    def _others(self, sample: Sequence[Picture]) -> list[tuple[str, Image.Image]]:
        """Small pictures with their groups."""
        found = []
        for picture in sample[:_OTHERS]:
            image = _loaded(picture)
            if image is not None:
                image.thumbnail((SIDE, SIDE))
                found.append((picture.group, image))
        return found

    def _add(self, ranking: Ranking, right: frozenset[str], group: str, *, real: bool) -> None:
        if not len(ranking.products):
            return
        scores = np.asarray(ranking.scores, np.float64)
        place = _place(ranking, right)
        found = figures(scores, ranking.groups)
        self.cases.append(Case(found, scores, place, bool(right), real, group))

    def _add_without(self, ranking: Ranking, group: str, kinds: Sequence[str], number: int) -> None:
        """The same photo in a shop without the group, and without things like it.

        Args:
            ranking: Of the photo.
            group: Of the product on it.
            kinds: All groups, those most like it first.
            number: Of the photo, for its chance.
        """
        rng = np.random.default_rng((self._seed, 1, number % 2**32))
        gone = taken_out(group, kinds, rng)
        kept = [place for place, name in enumerate(ranking.groups) if name not in gone]
        if len(kept) < LEAST_SCORES:  # a small shop, or a large one whose ranking ends here
            kept = [place for place, name in enumerate(ranking.groups) if name != group]
        if kept:
            scores = np.asarray(ranking.scores, np.float64)[kept]
            found = figures(scores, [ranking.groups[place] for place in kept])
            self.cases.append(Case(found, scores, None, present=False, real=False, name=group))


def taken_out(group: str, kinds: Iterable[str], rng: np.random.Generator) -> set[str]:
    """The groups that a shop lacks that does not sell a thing: its own, and some most like it.

    Args:
        group: Of the thing.
        kinds: All groups, those most like it first.
        rng: Decides how many: few as often as many, at most :data:`_FARTHEST` of them.
    """
    near = [name for name in kinds if name != group]
    most = max(1.0, _FARTHEST * len(near))
    return {group, *near[: math.floor(math.exp(rng.uniform(0, math.log(most)))) - 1]}


def sampled(pictures: Iterable[Picture], count: int, seed: int) -> list[Picture]:
    """At most ``count`` of the pictures, all equally likely: Vitter's algorithm R (1985)."""
    rng = np.random.default_rng(seed)
    kept: list[Picture] = []
    for number, picture in enumerate(pictures):
        if number < count:
            kept.append(picture)
        elif (place := int(rng.integers(number + 1))) < count:
            kept[place] = picture
    return kept


def _loaded(picture: Picture | Labelled) -> Image.Image | None:
    try:
        return picture.load()
    except ImageError:
        return None


def _kinds(ranking: Ranking) -> list[str]:
    return list(dict.fromkeys(ranking.groups))


def _place(ranking: Ranking, right: frozenset[str]) -> int | None:
    return next((n for n, product in enumerate(ranking.products) if product in right), None)
