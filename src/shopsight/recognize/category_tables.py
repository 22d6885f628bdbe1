"""Everything that is learnt of a shop's categories, ready to judge vectors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shopsight.errors import StorageError
from shopsight.recognize.category_blend import NEAREST, Blend, Cases, Learner, Look, fitted
from shopsight.recognize.category_gallery import Gallery, Near
from shopsight.recognize.category_paths import CategoryTree
from shopsight.recognize.category_presence import Presence, fit_presence
from shopsight.recognize.discriminant import Discriminant


@dataclass(frozen=True, slots=True)
class CategoryFit:
    """Numbers found out from the gallery; they may be kept while it changes little.

    Attributes:
        blend: How scores become probabilities.
        presence: Whether there is anything of the shop's kinds; ``None``: that is not known.
    """

    blend: Blend = field(default_factory=Blend)
    presence: Presence | None = None

    def to_json(self) -> str:
        """As text, for :meth:`from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises:
            StorageError: It is damaged.
        """
        try:
            given = json.loads(text)
            presence = given["presence"]
            return cls(
                Blend(**given["blend"]),
                None
                if presence is None
                else Presence(tuple(presence["weights"]), float(presence["offset"])),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"The fit of categories is damaged: {error}") from error


@dataclass(frozen=True, slots=True)
class Judged:
    """What tables say of a vector.

    Attributes:
        probabilities: ``(classes,)``; they add up to 1.
        presence: Probability that it is anything of the gallery's kinds.
        near: Its neighbours.
    """

    probabilities: NDArray[np.float64]
    presence: float
    near: Near


class CategoryTables:
    """Tables of one state of a gallery. Safe to use from several threads.

    Args:
        tree: The categories.
        gallery: Pictures of them.
        discriminant: Fitted to the gallery.
        fit: Numbers.
    """

    def __init__(
        self, tree: CategoryTree, gallery: Gallery, discriminant: Discriminant, fit: CategoryFit
    ) -> None:
        self.tree = tree
        self.fit = fit
        self._gallery = gallery
        self._discriminant = discriminant

    def judge(self, vector: NDArray[np.float32]) -> Judged:
        """What a vector ``(dimension,)`` shows, as the encoder made it."""
        scores = self._discriminant.scores(vector[None])
        near = [self._gallery.nearest(vector, NEAREST)]
        presence = self.fit.presence
        return Judged(
            self.fit.blend.probabilities(scores, near)[0],
            1.0 if presence is None else float(presence.probabilities(scores, near)[0]),
            near[0],
        )


def learn(
    tree: CategoryTree,
    gallery: Gallery,
    *,
    fit: CategoryFit | None = None,
    photos: Sequence[Look] | None = None,
) -> CategoryTables | None:
    """Read a gallery, and make tables of it.

    Args:
        tree: The categories; at least one.
        gallery: Pictures of them, read once; how many there are does not change the memory needed.
        fit: Numbers that were found out before; without them, they are found out from the pictures
            themselves, or from photos.
        photos: Photos made up from pictures of the gallery. They are less like pictures than
            pictures are, so confidence that is learnt from them is more modest.

    Returns:
        ``None``: the gallery is empty.
    """
    learner = Learner(gallery, len(tree.classes), keep=fit is None)
    if not learner.pictures:
        return None
    if fit is None:
        fit = _fit(tree, learner, photos)
    discriminant = learner.moments().discriminant(fit.blend.shrinkage)
    return CategoryTables(tree, gallery, discriminant, fit)


def _fit(tree: CategoryTree, learner: Learner, photos: Sequence[Look] | None) -> CategoryFit:
    cases = _cases(learner, learner.looks() if photos is None else photos, made_up=bool(photos))
    blend = fitted(learner, cases)
    scores = learner.scores(cases, blend.shrinkage)
    kinds = tree.tops if len(np.unique(tree.tops)) > 1 else np.arange(len(tree.classes))
    return CategoryFit(blend, fit_presence(cases, scores, kinds))


def _cases(learner: Learner, looks: Sequence[Look], *, made_up: bool) -> Cases:
    """Photos are of what the gallery has not got, as far as it has others of the class."""
    cases = learner.cases(looks)
    alone = [look for look in looks if learner.alone(look)]
    # A picture would find itself, but a photo made up from it looks different.
    return cases.and_(learner.known_cases(alone)) if made_up and alone else cases
