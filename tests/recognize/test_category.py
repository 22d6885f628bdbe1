from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shopsight.encoders.categories import CategoryHead
from shopsight.errors import StorageError
from shopsight.recognize.category import Classifier, HeadVote
from shopsight.recognize.category_blend import Blend, Look
from shopsight.recognize.category_gallery import MemoryGallery
from shopsight.recognize.category_paths import CategoryTree, PathReader
from shopsight.recognize.category_tables import CategoryFit, CategoryTables, learn
from shopsight.recognize.discriminant import Moments

DIMENSION = 24
PATHS = [("Kitchen", "Bowls"), ("Kitchen", "Mugs"), ("Garden", "Pots"), ("Garden", "Tools", "Saws")]


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows of length 1."""
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


class World:
    """Classes around points: bowls and mugs are near each other, all else is far apart."""

    def __init__(self, *, each: int = 30, noise: float = 0.25) -> None:
        self.random = np.random.default_rng(7)
        middles = self.random.normal(size=(4, DIMENSION))
        middles[1] = middles[0] + 0.5 * self.random.normal(size=DIMENSION)
        self.middles, self.noise = unit(middles), noise
        self.tree = CategoryTree(PATHS)
        self.classes = np.repeat(np.arange(4), each)
        self.gallery = MemoryGallery(
            self.drawn(self.classes), self.classes, [f"g{n // 2}" for n in range(4 * each)]
        )

    def drawn(self, classes: NDArray[np.intp]) -> NDArray[np.float32]:
        """A vector of each class."""
        return unit(
            self.middles[classes] + self.noise * self.random.normal(size=(len(classes), DIMENSION))
        )

    def tables(self) -> CategoryTables:
        """What is learnt from the gallery."""
        found = learn(self.tree, self.gallery)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def world() -> World:
    """A gallery of four classes."""
    return World()


@pytest.fixture(scope="module")
def tables(world: World) -> CategoryTables:
    """Tables of it."""
    return world.tables()


def test_probabilities_come_true(world: World, tables: CategoryTables) -> None:
    """On things not learnt from, right answers are as frequent as their probabilities say."""
    asked = np.tile(np.arange(4), 150)
    judged = [tables.judge(vector) for vector in world.drawn(asked)]
    chances = np.array([one.probabilities for one in judged])
    right = chances.argmax(axis=1) == asked
    assert right.mean() > 0.85
    assert abs(chances.max(axis=1).mean() - right.mean()) < 0.06
    assert np.allclose(chances.sum(axis=1), 1)


def test_unsure_of_the_leaf_is_sure_of_the_parent(world: World, tables: CategoryTables) -> None:
    """Between two leaves of one parent, the answer is the parent, and both leaves are named."""
    between = unit((world.middles[0] + world.middles[1]).astype(np.float64))
    found = Classifier(tables, threshold=0.9).classify(between)
    assert found.answer == "Kitchen"
    assert found.confidence >= 0.9
    assert {one.answer for one in found.alternatives[:2]} == {"Kitchen > Bowls", "Kitchen > Mugs"}
    assert found.levels[0].answer == "Kitchen"
    assert found.levels[1].confidence < 0.9


def test_a_photo_with_nothing_in_it(world: World, tables: CategoryTables) -> None:
    """What is like nothing of the shop gets no answer, and less confidence than what is."""
    classifier = Classifier(tables)
    nothing = unit(-world.middles.sum(axis=0).astype(np.float64))
    found = classifier.classify(nothing)
    assert found.answer is None
    assert found.confidence < 0.3
    assert found.alternatives[0].confidence == found.confidence
    seen = [one for one in found.evidence if one.kind == "presence"]
    assert seen[0].confidence < 0.3
    assert classifier.classify(world.middles[2]).answer == "Garden > Pots"


def test_variants_do_not_vouch_for_each_other() -> None:
    """A class whose pictures are all of one item group gives no false certainty about itself."""
    random = np.random.default_rng(3)
    # Every class is one design in ten pictures that are all but equal: nothing tells how another
    # design of the class would look, so nothing can be learnt of how far one may trust.
    classes = np.repeat(np.arange(4), 10)
    middles = unit(random.normal(size=(4, DIMENSION)))
    vectors = unit(middles[classes] + 0.01 * random.normal(size=(40, DIMENSION)))
    groups = [f"design {number}" for number in classes]
    found = learn(CategoryTree(PATHS), MemoryGallery(vectors, classes, groups))
    assert found is not None
    assert found.fit.blend == Blend()
    assert found.fit.presence is None


def test_one_category_only(world: World) -> None:
    """With one category, what is far from all its pictures is still not in it."""
    vectors = world.drawn(np.zeros(40, np.intp))
    gallery = MemoryGallery(vectors, np.zeros(40, np.intp), [f"{n}" for n in range(40)])
    tables = learn(CategoryTree([("Kitchen", "Bowls")]), gallery)
    assert tables is not None
    classifier = Classifier(tables)
    assert classifier.classify(world.middles[0]).answer == "Kitchen > Bowls"
    assert classifier.classify(world.middles[3]).answer is None


def test_an_empty_gallery_teaches_nothing() -> None:
    """Without a picture there are no tables, rather than tables of nothing."""
    empty = MemoryGallery(np.zeros((0, DIMENSION), np.float32), np.zeros(0, np.intp), [])
    assert learn(CategoryTree(PATHS), empty) is None


def test_a_class_without_pictures_is_never_an_answer(world: World) -> None:
    """A category none of whose products has a picture has no probability, and harms nothing."""
    tree = CategoryTree([*PATHS, ("Garden", "Empty")])
    tables = learn(tree, world.gallery)
    assert tables is not None
    judged = tables.judge(world.middles[2])
    assert judged.probabilities[4] == 0
    assert judged.probabilities.argmax() == 2


def test_made_up_photos_make_confidence_modest(world: World) -> None:
    """Photos less like pictures than pictures are give probabilities that hold for such photos."""
    blurred = np.repeat(np.arange(4), 30)
    noisy = World(noise=0.6)
    photos = [
        Look(vector, int(number), f"g{place // 2}")
        for place, (vector, number) in enumerate(zip(noisy.drawn(blurred), blurred, strict=True))
    ]
    modest = learn(world.tree, world.gallery, photos=photos)
    assert modest is not None
    asked = noisy.drawn(blurred)
    sure, right = [], []
    for tables in (world.tables(), modest):
        chances = np.array([tables.judge(vector).probabilities for vector in asked])
        sure.append(chances.max(axis=1).mean())
        right.append((chances.argmax(axis=1) == blurred).mean())
    assert sure[1] < sure[0]
    assert abs(sure[1] - right[1]) < abs(sure[0] - right[0])


def test_moments_say_all_that_the_vectors_do(world: World) -> None:
    """Adding in parts, and taking a part away, gives what the rest alone gives."""
    vectors = world.drawn(world.classes)
    whole, part, rest = (Moments(DIMENSION, 4) for _ in range(3))
    whole.add(vectors, world.classes)
    part.add(vectors[::3], world.classes[::3])
    kept = np.arange(len(vectors)) % 3 > 0
    rest.add(vectors[kept], world.classes[kept])
    left = whole.without(part).discriminant(0.2).scores(vectors)
    assert np.allclose(left, rest.discriminant(0.2).scores(vectors), rtol=1e-3, atol=1e-3)


def test_a_trained_head_is_mixed_in(world: World, tables: CategoryTables) -> None:
    """The head's labels are found by path or by an unambiguous last level; its say is evidence."""
    labels = ("kitchen > mugs", "Saws", "Unknown")
    weights = np.zeros((DIMENSION, 3), np.float32)
    head = CategoryHead(labels, weights, np.array([8.0, 0, 0], np.float32))
    reader = PathReader([" > ".join(path) for path in PATHS])
    vote = HeadVote(head, world.tree, reader)
    said = vote.probabilities(world.middles[0])
    assert said[1] > 0.99
    assert said[3] > 0
    assert said.sum() < 1
    found = Classifier(tables, head=vote).classify(world.middles[0])
    alone = Classifier(tables).classify(world.middles[0])
    assert found.evidence[0].kind == "head"
    assert found.evidence[0].answer == "Kitchen > Mugs"
    mugs = {one.answer: one.confidence for one in found.candidates}["Kitchen > Mugs"]
    before = {one.answer: one.confidence for one in alone.candidates}["Kitchen > Mugs"]
    assert mugs > before


def test_a_head_label_under_two_parents_is_left_out(world: World) -> None:
    """A label that several categories end with says nothing, rather than something wrong."""
    tree = CategoryTree([("Men", "Shoes"), ("Women", "Shoes")])
    head = CategoryHead(("Shoes",), np.zeros((DIMENSION, 1), np.float32), np.zeros(1, np.float32))
    vote = HeadVote(head, tree, PathReader(["Men > Shoes", "Women > Shoes"]))
    assert vote.probabilities(world.middles[0]).sum() == 0


def test_fits_are_kept_as_text(tables: CategoryTables) -> None:
    """Numbers survive being written; damage is an error of ours."""
    assert CategoryFit.from_json(tables.fit.to_json()) == tables.fit
    assert CategoryFit.from_json(CategoryFit().to_json()) == CategoryFit()
    for text in ("", "{}", '{"blend": {"no": 1}, "presence": null}'):
        with pytest.raises(StorageError, match="damaged"):
            CategoryFit.from_json(text)
