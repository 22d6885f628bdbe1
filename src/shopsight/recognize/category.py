"""Which of the shop's categories a photo shows, level by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsight.encoders.categories import CategoryHead
from shopsight.recognize.answers import Alternative, Evidence, Recognition
from shopsight.recognize.category_gallery import Near
from shopsight.recognize.category_paths import CategoryTree, PathReader, path_text
from shopsight.recognize.category_tables import CategoryTables, Judged
from shopsight.search.query import Hit

CANDIDATES = 5
"""Categories that are named at most."""

THRESHOLD = 0.6
"""Least probability of an answer."""

HEAD_SHARE = 0.5
"""How much a trained head counts beside the catalogue: both have been wrong about as often."""

_COUNTED = 10  # nearest pictures that evidence tells of
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Classification(Recognition):
    """The category of what a photo shows; the answer may be one above it.

    Attributes:
        levels: From the top down to the likeliest category, each with the probability that it is
            this one or one below it.
        candidates: Categories that products are in, likeliest first.
        related: Products of the answer that look most like the photo; without an answer, of any
            category.
    """

    levels: tuple[Alternative, ...] = ()
    candidates: tuple[Alternative, ...] = ()
    related: tuple[Hit, ...] = ()


class HeadVote:
    """A trained category head, in terms of the shop's categories.

    Args:
        head: The head.
        tree: The categories.
        reader: Understands the head's labels. One that is no path of the shop is taken for the only
            category whose last level has its name.
    """

    def __init__(self, head: CategoryHead, tree: CategoryTree, reader: PathReader) -> None:
        self._head = head
        last: dict[str, list[int]] = {}
        for place, path in enumerate(tree.classes):
            last.setdefault(path[-1].casefold(), []).append(place)
        self._numbers = np.full(len(head.labels), -1)
        for place, label in enumerate(head.labels):
            path = reader.read(label)
            same = last.get(path[-1].casefold(), []) if path else []
            alike = same[0] if len(same) == 1 else -1
            self._numbers[place] = tree.number.get(path, alike)
        self._classes = len(tree.classes)

    def probabilities(self, vector: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities ``(classes,)``; what they lack of 1 is of labels the shop has not got."""
        found = self._head.probabilities(vector[None])[0].astype(np.float64)
        known = self._numbers >= 0
        shares: NDArray[np.float64] = np.bincount(
            self._numbers[known], found[known], self._classes
        ).astype(np.float64)
        return shares


class Classifier:
    """Says which category vectors show.

    Args:
        tables: What was learnt from the shop.
        threshold: Least probability of an answer, 0 to 1.
        head: A trained head, if the encoder has one.
    """

    def __init__(
        self,
        tables: CategoryTables,
        *,
        threshold: float = THRESHOLD,
        head: HeadVote | None = None,
    ) -> None:
        self.tree = tables.tree
        self._tables = tables
        self._threshold = threshold
        self._head = head

    def classify(self, vector: NDArray[np.float32]) -> Classification:
        """The category of a photo, from its vector ``(dimension,)`` as the encoder made it.

        The answer is the lowest category, on the way down to the likeliest one, that is probable
        enough.
        """
        judged = self._tables.judge(vector)
        said = None if self._head is None else self._head.probabilities(vector)
        probabilities = judged.probabilities
        if said is not None and said.sum() > 0:
            probabilities = (1 - HEAD_SHARE) * probabilities + HEAD_SHARE * said
            probabilities /= probabilities.sum()
        probabilities = probabilities * judged.presence
        levels = [
            Alternative(path_text(level.path), level.probability)
            for level in self.tree.likeliest(probabilities)
        ]
        candidates = self._candidates(probabilities)
        sure = [level for level in levels if level.confidence >= self._threshold]
        answer = sure[-1].answer if sure else None
        return Classification(
            answer=answer,
            confidence=sure[-1].confidence if sure else candidates[0].confidence,
            alternatives=tuple(one for one in candidates if one.answer != answer),
            evidence=tuple(self._evidence(judged, said)),
            levels=tuple(levels),
            candidates=candidates,
        )

    def _candidates(self, probabilities: NDArray[np.float64]) -> tuple[Alternative, ...]:
        best = np.argsort(-probabilities, kind="stable")[:CANDIDATES].tolist()
        return tuple(
            Alternative(path_text(self.tree.classes[place]), float(probabilities[place]))
            for place in best
        )

    def _evidence(self, judged: Judged, said: NDArray[np.float64] | None) -> list[Evidence]:
        found = _of_neighbours(judged.near, self.tree)
        if said is not None and said.any():
            best = int(said.argmax())
            name = path_text(self.tree.classes[best])
            found.insert(0, Evidence("head", f"trained: {name}", float(said[best]), answer=name))
        found.append(
            Evidence("presence", "how much it looks like anything of the shop", judged.presence)
        )
        return found


def _of_neighbours(near: Near, tree: CategoryTree) -> list[Evidence]:
    first: Sequence[int] = near.classes[:_COUNTED].tolist()
    counts = {number: first.count(number) for number in dict.fromkeys(first)}
    order = sorted(counts, key=lambda number: -counts[number])[:_TOLD]
    return [
        Evidence(
            "products",
            f"{counts[number]} of the {len(first)} nearest pictures: {path_text(path)}",
            counts[number] / len(first),
            answer=path_text(path),
        )
        for number in order
        for path in (tree.classes[number],)
    ]
