from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shopsight.encoders.base import COLOR, SHAPE, Encoder, EncoderSpec, Part
from shopsight.encoders.files import LIMITS
from shopsight.encoders.onnx import OnnxEncoder, load_lite
from shopsight.errors import EncoderError
from shopsight.images.prepare import decode, to_pixels
from shopsight.images.preprocessing import Preprocessing
from shopsight.index import nearness
from shopsight.index.base import Metric, Neighbors
from shopsight.index.nearness import unit_rows
from shopsight.index.standardize import Standardizer
from shopsight.index.weighted import rescored, weighted
from shopsight.sample_shop import ROOT
from shopsight.search.explaining.cells import PictureCells
from shopsight.search.explaining.contributions import (
    PAIRS,
    Contributions,
    explain,
    explain_cells,
)
from shopsight.search.explaining.scoring import Scoring
from shopsight.search.explaining.sight import Sight, sight
from shopsight.search.focus import Focus
from shopsight.search.weights import part_weights
from shopsight.testing.fakes import ThumbnailEncoder, TwoPartEncoder

DIMENSIONS, COLORS = 16, 4
SPEC = EncoderSpec(
    name="any",
    dimension=DIMENSIONS,
    preprocessing=Preprocessing(size=32, fit="stretch"),
    fingerprint="1",
    licence="Apache-2.0",
    source="here",
    parts=(
        Part(name=SHAPE, start=0, stop=DIMENSIONS - COLORS),
        Part(name=COLOR, start=DIMENSIONS - COLORS, stop=DIMENSIONS),
    ),
)
SIGHT = sight(SPEC.preprocessing, (32, 32))
PLACES = 5
seeds = st.integers(0, 2**32 - 1)
metrics = st.sampled_from(Metric)
focuses = st.sampled_from(Focus)


def pictures(seed: int, count: int) -> list[PictureCells]:
    """Pictures whose cells add up to unit vectors with a fixed share of colour."""
    cells = np.random.default_rng(seed).normal(size=(count, PLACES, PLACES, DIMENSIONS))
    for part, share in zip(SPEC.all_parts, (0.8, 0.2), strict=True):
        inside = cells[..., part.start : part.stop]
        lengths = np.linalg.norm(inside.sum(axis=(1, 2)), axis=1)
        inside *= np.sqrt(share) / lengths[:, None, None, None]
    return [
        PictureCells(each.sum(axis=(0, 1)), each, SIGHT, exact=True)
        for each in cells.astype(np.float32)
    ]


def scores(
    vector: NDArray[np.float32], vectors: NDArray[np.float32], scoring: Scoring
) -> NDArray[np.float32]:
    """What a search gives vectors: what a collection does, with the index's own functions."""
    metric, scaling = scoring.metric, scoring.scaling
    query = scaling.apply(vector) if scaling else vector
    rows = scaling.apply(vectors) if scaling else vectors
    rows = unit_rows(rows) if metric is Metric.COSINE else rows
    if scoring.weights is None:
        return nearness.scores(metric, rows, query)
    searched = weighted(query, scoring.weights)
    names = [str(number) for number in range(len(rows))]
    found = Neighbors(names, names, nearness.scores(metric, rows, searched))
    return rescored(found, query, searched, metric).scores


def scoring_of(
    vector: NDArray[np.float32],
    vectors: NDArray[np.float32],
    metric: Metric,
    focus: Focus,
    *,
    standardized: bool,
) -> Scoring:
    """How an index of vectors compares a query with them."""
    scaling = Standardizer.fit([vectors]) if standardized else None
    return Scoring(metric, scaling, part_weights(SPEC, vector, focus))


def total(side: Contributions) -> float:
    """What is said to be the score."""
    return side.base + float(side.cells.sum())


@pytest.fixture(scope="module")
def lite() -> Iterator[OnnxEncoder]:
    """The packaged encoder."""
    encoder = load_lite(threads=1)
    yield encoder
    encoder.close()


@given(seeds, metrics, focuses, st.booleans())
def test_contributions_add_up_to_the_searchs_score(
    seed: int,
    metric: Metric,
    focus: Focus,
    standardized: bool,
) -> None:
    """Base and cells of either picture, and the parts, make the score that the index computes."""
    query, *products = pictures(seed, 6)
    vectors = np.stack([one.vector for one in products])
    scoring = scoring_of(query.vector, vectors, metric, focus, standardized=standardized)
    expected = scores(query.vector, vectors, scoring)
    tolerance = 1e-4 * max(1, float(np.abs(expected).max()))
    for product, score in zip(products, expected, strict=True):
        found = explain_cells(SPEC, query, product, scoring)
        assert found.score == pytest.approx(score, abs=tolerance)
        assert total(found.query) == pytest.approx(score, abs=tolerance)
        assert total(found.product) == pytest.approx(score, abs=tolerance)
        assert sum(found.parts.values()) == pytest.approx(score, abs=tolerance)
        assert set(found.parts) == {SHAPE, COLOR}


@given(seeds, metrics, focuses, st.booleans())
def test_the_lead_starts_from_the_rivals(
    seed: int,
    metric: Metric,
    focus: Focus,
    standardized: bool,
) -> None:
    """With rivals, cells and base make the score too, and the cosine's base is their mean score."""
    query, product, *rivals = pictures(seed, 6)
    vectors = np.stack([one.vector for one in (product, *rivals)])
    scoring = scoring_of(query.vector, vectors, metric, focus, standardized=standardized)
    score, *others = scores(query.vector, vectors, scoring).tolist()
    found = explain_cells(SPEC, query, product, scoring, rivals=vectors[1:])
    tolerance = 1e-4 * max(1.0, abs(score))
    assert total(found.query) == pytest.approx(score, abs=tolerance)
    if metric is Metric.COSINE and not standardized:
        assert found.query.base == pytest.approx(np.mean(others), abs=1e-4)


@given(seeds, focuses)
def test_cosines_have_no_base(seed: int, focus: Focus) -> None:
    """Without rivals, the cells alone make the cosine, whatever the search looks at."""
    query, product = pictures(seed, 2)
    scoring = Scoring(weights=part_weights(SPEC, query.vector, focus))
    found = explain_cells(SPEC, query, product, scoring)
    assert found.query.base == pytest.approx(0, abs=1e-6)
    assert found.product.base == pytest.approx(0, abs=1e-6)


def test_cells_that_do_not_add_up_are_not_covered_up() -> None:
    """The base does not swallow the error of an encoder whose exact cells are wrong."""
    query, product = pictures(1, 2)
    wrong = PictureCells(query.vector, query.cells * np.float32(0.5), SIGHT, exact=True)
    found = explain_cells(SPEC, wrong, product, Scoring())
    half = float((query.vector @ product.vector) / 2)
    assert total(found.query) == pytest.approx(half, abs=1e-5)
    assert abs(half) > 0.01


def test_a_given_score_is_met() -> None:
    """The score of an index in another precision is met, the difference said in the base."""
    query, product = pictures(1, 2)
    plain = explain_cells(SPEC, query, product, Scoring())
    found = explain_cells(SPEC, query, product, Scoring(), score=plain.score + 0.001)
    assert found.score == plain.score + 0.001
    assert total(found.query) == pytest.approx(found.score, abs=1e-6)
    assert total(found.product) == pytest.approx(found.score, abs=1e-6)
    assert sum(found.parts.values()) == pytest.approx(found.score, abs=1e-6)
    np.testing.assert_array_equal(found.query.cells, plain.query.cells)


def test_no_score_is_more_than_perfect() -> None:
    """Where parts differ in length, the score is capped as the search caps it, and still met."""
    (query,) = pictures(3, 1)
    colorful = query.vector * np.where(np.arange(DIMENSIONS) < DIMENSIONS - COLORS, 1, 3)
    same = PictureCells(colorful.astype(np.float32), query.cells, SIGHT, exact=False)
    scoring = Scoring(weights=part_weights(SPEC, query.vector, Focus.COLOR))
    found = explain_cells(SPEC, query, same, scoring)
    assert found.score == scores(query.vector, same.vector[None], scoring)[0] == 1
    assert total(found.query) == pytest.approx(1, abs=1e-5)
    assert total(found.product) == pytest.approx(1, abs=1e-5)
    assert sum(found.parts.values()) == pytest.approx(1, abs=1e-5)


@given(seeds)
def test_pairs_are_apart_and_add_what_they_say(seed: int) -> None:
    """Pairs come best first, on different, not neighbouring places, with the products of cells."""
    query, product = pictures(seed, 2)
    pairs = explain_cells(SPEC, query, product, Scoring()).pairs
    assert 0 < len(pairs) <= PAIRS
    assert [pair.contribution for pair in pairs] == sorted(
        (pair.contribution for pair in pairs), reverse=True
    )
    for side in ("query", "product"):
        corners = [
            (round(box.x1 * PLACES), round(box.y1 * PLACES))
            for box in (getattr(pair, side) for pair in pairs)
        ]
        for number, (x, y) in enumerate(corners):
            assert all(max(abs(x - u), abs(y - v)) > 1 for u, v in corners[:number])
    best = pairs[0]
    row, column = round(best.query.y1 * PLACES), round(best.query.x1 * PLACES)
    other = round(best.product.y1 * PLACES), round(best.product.x1 * PLACES)
    expected = float(query.cells[row, column] @ product.cells[other])
    assert best.contribution == pytest.approx(expected, rel=1e-4)


def test_unlike_pictures_have_no_pairs() -> None:
    """Where no place speaks for the product, no pair is named."""
    vector = pictures(1, 1)[0].vector
    even = np.broadcast_to(vector / PLACES**2, (PLACES, PLACES, DIMENSIONS))
    query = PictureCells(vector, even, SIGHT, exact=True)
    product = PictureCells(-vector, -even, SIGHT, exact=True)
    assert explain_cells(SPEC, query, query, Scoring()).pairs
    assert explain_cells(SPEC, query, product, Scoring()).pairs == ()


def test_pairs_show_no_background_of_the_square() -> None:
    """Cells over the filled-up edges of a square are no places of the picture."""
    encoder = ThumbnailEncoder()
    wide = sight(encoder.spec.preprocessing, (200, 100))
    pixels = np.full((32, 32, 3), 255, np.uint8)
    pixels[8:24] = (200, 30, 30)
    pairs = explain(encoder, pixels, pixels, (wide, wide)).pairs
    assert pairs
    for pair in pairs:
        for box in (pair.query, pair.product):
            assert 0 <= box.y1 < box.y2 <= 1


def sample(
    encoder: Encoder, *names: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], tuple[Sight, Sight]]:
    """A photo and a picture of the sample shop, as the encoder takes them."""
    preprocessing = encoder.spec.preprocessing
    images = [decode((ROOT / name).read_bytes(), LIMITS) for name in names]
    photo, picture = (to_pixels(image, preprocessing) for image in images)
    first, second = (sight(preprocessing, image.size) for image in images)
    return photo, picture, (first, second)


PHOTOS = ["MUG004", "CHA038", "LAM026", "CAP098"]
"""Products, each on a photo of its own."""


def lost(
    encoder: Encoder, photo: NDArray[np.uint8], picture: NDArray[np.uint8], places: NDArray[np.intp]
) -> float:
    """What the cosine loses when places of a photo, numbered row by row of a 9 x 9 grid, go."""
    greyed = photo.copy()
    edges = np.linspace(0, len(photo), 10).round().astype(int)
    for row, column in zip(*np.divmod(places, 9), strict=True):
        greyed[edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = 128
    before, after, product = encoder.encode_images(np.stack([photo, greyed, picture]))
    return float((before - after) @ product)


def test_contributions_are_faithful(lite: OnnxEncoder) -> None:
    """Greying the places said to add most costs more of the score than those said to add least."""
    most, least = [], []
    for name in PHOTOS:
        photo, picture, sights = sample(lite, f"photos/{name}_a.jpg", f"images/{name}.jpg")
        found = explain(lite, photo, picture, sights)
        order = np.argsort(found.query.cells, axis=None)
        most.append(lost(lite, photo, picture, order[-20:]))
        least.append(lost(lite, photo, picture, order[:20]))
    assert np.mean(most) > np.mean(least) + 0.03
    assert sum(np.greater(most, least)) >= len(PHOTOS) - 1


def test_sample_photos_add_up(lite: OnnxEncoder) -> None:
    """The packaged encoder's cells add up to the cosine of its vectors."""
    for name in PHOTOS:
        photo, picture, sights = sample(lite, f"photos/{name}_a.jpg", f"images/{name}.jpg")
        found = explain(lite, photo, picture, sights)
        first, second = lite.encode_images(np.stack([photo, picture]))
        assert found.exact
        assert float(found.query.cells.sum()) == pytest.approx(float(first @ second), abs=1e-3)
        assert float(found.product.cells.sum()) == pytest.approx(float(first @ second), abs=1e-3)
        assert found.query.cells.dtype == np.float32
        assert found.query.boxes.shape == (*found.query.cells.shape, 4)


def test_encoders_without_cells_are_explained_too() -> None:
    """Hiding places gives contributions that make the score with their base, and says so."""
    encoder = TwoPartEncoder()
    photo, picture, sights = sample(encoder, "photos/MUG004_a.jpg", "images/MUG004.jpg")
    found = explain(encoder, photo, picture, sights)
    first, second = encoder.encode_images(np.stack([photo, picture]))
    assert not found.exact
    assert found.score == pytest.approx(float(first @ second), abs=1e-5)
    assert total(found.query) == pytest.approx(found.score, abs=1e-5)
    assert total(found.product) == pytest.approx(found.score, abs=1e-5)
    assert sum(found.parts.values()) == pytest.approx(found.score, abs=1e-5)


def test_wrong_pixels_are_refused() -> None:
    """Pixels of another size raise the encoder's error, which tells the right size."""
    wrong = np.zeros((16, 16, 3), np.uint8)
    encoder = ThumbnailEncoder()
    with pytest.raises(EncoderError, match="32, 32, 3"):
        explain(encoder, wrong, wrong, (SIGHT, SIGHT))
