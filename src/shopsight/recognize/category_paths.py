"""The shop's own tree of categories: paths as feeds write them, and probabilities along them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEPARATOR = " > "
"""Between the levels of a path, as Google Merchant has it and as answers are written."""

CategoryPath = tuple[str, ...]
"""Names of the levels, from the top; never empty."""

_ARROWS = re.compile(r"\s*[>»\u203a→]\s*")
_BARS = re.compile(r"\s*\|\s*|\s+/\s+")
_MOST_LEVELS = 12  # what is deeper is cut off: no shop has it, but a damaged feed may


class Level(NamedTuple):
    """A category and its probability, 0 to 1."""

    path: CategoryPath
    probability: float


class PathReader:
    """Reads category paths and spells each category in one way: as it was first seen.

    Levels are separated by ``>`` (or an arrow or guillemet), else by ``|`` or `` / ``. A bare ``/``
    separates only where the part before it begins several of the shop's categories, because it may
    as well belong to a name, as in ``T-Shirts/Tops``. Upper and lower case do not differ.

    Args:
        texts: All categories of the shop, as the feed has them; empty ones are no category.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        distinct = [text for text in dict.fromkeys(texts) if text.strip()]
        self._heads = _heads(distinct)
        self._known: dict[CategoryPath, CategoryPath] = {}
        for text in distinct:
            path = self._split(text)
            for depth in range(1, len(path) + 1):
                self._known.setdefault(_folded(path[:depth]), self._known_path(path[:depth]))

    def read(self, text: str) -> CategoryPath:
        """The path in a text; empty where there is none."""
        path = self._split(text)
        return self._known.get(_folded(path), path)

    def _known_path(self, path: CategoryPath) -> CategoryPath:
        above = self._known.get(_folded(path[:-1]), path[:-1])
        return (*above, path[-1])

    def _split(self, text: str) -> CategoryPath:
        text = " ".join(text.split())
        if _ARROWS.search(text):
            parts = _ARROWS.split(text)
        elif _BARS.search(text):
            parts = _BARS.split(text)
        elif "/" in text and _head(text) in self._heads:
            parts = text.split("/")
        else:
            parts = [text]
        return tuple(part.strip() for part in parts if part.strip())[:_MOST_LEVELS]


class CategoryTree:
    """Categories of products, and all those above them.

    A category that products are in is a class; one may be above another class.

    Args:
        classes: Paths of the classes, each once.
    """

    def __init__(self, classes: Sequence[CategoryPath]) -> None:
        self.classes = tuple(classes)
        self.number = {path: place for place, path in enumerate(self.classes)}
        nodes: dict[CategoryPath, int] = {}
        of_class, of_node = [], []
        self._children: dict[CategoryPath, set[CategoryPath]] = defaultdict(set)
        for place, path in enumerate(self.classes):
            for depth in range(1, len(path) + 1):
                of_class.append(place)
                of_node.append(nodes.setdefault(path[:depth], len(nodes)))
                self._children[path[: depth - 1]].add(path[:depth])
        self._nodes = nodes
        self._of_class = np.array(of_class, np.intp)
        self._of_node = np.array(of_node, np.intp)
        self.tops: NDArray[np.intp] = np.array([nodes[path[:1]] for path in self.classes], np.intp)
        """Number of the topmost category of each class: equal for equal ones."""

    def masses(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probability of every category: that of its class, if it is one, and of all below it.

        Args:
            probabilities: ``(classes,)``.
        """
        found: NDArray[np.float64] = np.bincount(
            self._of_node, probabilities[self._of_class], len(self._nodes)
        ).astype(np.float64)
        return found

    def likeliest(self, probabilities: NDArray[np.floating]) -> list[Level]:
        """The way down from the top into the likeliest category each time, with probabilities.

        It ends where the category itself is likelier than anything below it.

        Args:
            probabilities: ``(classes,)``; what they lack of 1 is that of none of them.
        """
        masses = self.masses(probabilities)
        found: list[Level] = []
        path: CategoryPath = ()
        while below := self._children.get(path):
            best = min(below, key=lambda child: (-masses[self._nodes[child]], child))
            mass = float(masses[self._nodes[best]])
            own = self.number.get(path)
            if own is not None and probabilities[own] >= mass:
                break
            found.append(Level(best, mass))
            path = best
        return found


def path_text(path: CategoryPath) -> str:
    """A path as people read it."""
    return SEPARATOR.join(path)


def within(answer: str, category: str) -> bool:
    """Whether a category, as text, is another one or below it."""
    return category == answer or category.startswith(answer + SEPARATOR)


def _folded(path: CategoryPath) -> CategoryPath:
    return tuple(part.casefold() for part in path)


def _head(text: str) -> str:
    return text.partition("/")[0].strip().casefold()


def _heads(texts: Iterable[str]) -> set[str]:
    """What stands before the bare slash of several categories, or is a first level elsewhere."""
    after: dict[str, set[str]] = defaultdict(set)
    begun: set[str] = set()
    for text in texts:
        if _ARROWS.search(text) or _BARS.search(text) or "/" not in text:
            begun.add(_BARS.split(_ARROWS.split(text.strip())[0])[0].casefold())
        else:
            after[_head(text)].add(text.casefold())
    return {head for head, given in after.items() if head and (len(given) > 1 or head in begun)}
