from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.index.base import FieldType, Metric, Records, StoreSchema
from shopsight.index.collection import Collection
from shopsight.index.exact import ExactStore
from shopsight.index.filters import Filter, check, parse
from shopsight.index.versions import IndexManifest
from shopsight.search.candidates import Candidate
from shopsight.search.retrieval import (
    TEXT_SHARE,
    Look,
    Retriever,
    Words,
    reciprocal_rank_fusion,
)

FIELDS = {"color": FieldType.STRING}
SHOP: Mapping[str, tuple[list[int], str, str]] = {
    "a": ([0], "cup", "red"),
    "b": ([20, 80], "red mug", "red"),
    "c": ([40], "mug handmade", "blue"),
    "d": ([60], "red red plate", "blue"),
    "e": ([100], "mug mug red", "red"),
    "f": ([170], "rare bowl", "green"),
}
"""By product: directions of its pictures in degrees, its words, its colour."""

EVERYTHING = len(SHOP)
LOOK = Look(np.array([1, 0], np.float32))
TOLERANCE = 1e-5


@pytest.fixture(params=list(Metric), ids=str)
def collection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Collection]:
    """The shop in an index."""
    schema = StoreSchema(dimension=2, metric=request.param, fields=FIELDS)
    store = ExactStore.open(str(tmp_path), "v0001", schema, create=True)
    rows = [(key, n, at) for key, (angles, _, _) in SHOP.items() for n, at in enumerate(angles)]
    turns = np.radians([at for _, _, at in rows])
    store.upsert(
        Records(
            ids=[f"{key}#{number}" for key, number, _ in rows],
            product_ids=[key for key, _, _ in rows],
            vectors=np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32),
            attributes=[{"color": SHOP[key][2]} for key, _, _ in rows],
            texts=[SHOP[key][1] for key, _, _ in rows],
        )
    )
    manifest = IndexManifest(
        name="v0001", encoder="any", fingerprint="1", dimension=2, metric=request.param
    )
    yield Collection(manifest, store)
    store.close()


def likeness(collection: Collection, angle: float) -> float:
    """Score of a picture in some direction for the look, from the definition."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    if collection.store.schema.metric is Metric.L2:
        return -((1 - cosine) ** 2 + sine**2)
    return cosine


def said(collection: Collection, terms: str, where: Filter | None = None) -> dict[str, float]:
    """Share of the best BM25 score by product."""
    found = collection.store.search_text(terms, 50, where=where)
    best: dict[str, float] = {}
    for key, score in zip(found.product_ids, found.scores.tolist(), strict=True):
        best[key] = max(best.get(key, 0.0), score)
    return {key: score / max(best.values()) for key, score in best.items()}


def where_of(text: str) -> Filter:
    """A filter."""
    return check(parse(text), FIELDS)


def scores(found: list[Candidate]) -> dict[str, float]:
    """Scores by product."""
    assert [one.product_id for one in found] == list(dict.fromkeys(one.product_id for one in found))
    assert all(one.record.startswith(f"{one.product_id}#") for one in found)
    return {one.product_id: one.score for one in found}


def near(expected: Mapping[str, float]) -> object:
    """The same numbers, but for rounding."""
    return pytest.approx(dict(expected), abs=TOLERANCE)


def test_a_look_alone_is_likeness(collection: Collection) -> None:
    """Without words the score is the likeness of the best picture, and its only term."""
    found = Retriever(collection).find(LOOK, Words(), EVERYTHING, None)
    expected = {key: likeness(collection, min(angles)) for key, (angles, _, _) in SHOP.items()}
    assert scores(found) == near(expected)
    assert list(scores(found)) == ["a", "b", "c", "d", "e", "f"]
    assert all(dict(one.terms) == {"image": one.score} for one in found)
    assert found[1].record == "b#0"


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 4.0])
def test_words_are_added_to_a_look(collection: Collection, weight: float) -> None:
    """For words there is added their share of the best BM25 score times `TEXT_SHARE`."""
    words = Words(("red", "mug"), weight)
    found = Retriever(collection).find(LOOK, words, EVERYTHING, None)
    shares = said(collection, "red mug")
    assert shares.keys() == {"b", "c", "d", "e"}
    expected = {
        key: likeness(collection, min(angles)) + TEXT_SHARE * weight * shares.get(key, 0.0)
        for key, (angles, _, _) in SHOP.items()
    }
    assert scores(found) == near(expected)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert sum(one.terms.values()) == pytest.approx(one.score, abs=TOLERANCE)
        assert ("text" in one.terms) == (weight > 0 and one.product_id in shares)


def test_what_only_words_find_is_compared_too(collection: Collection) -> None:
    """A product that no look would reach has its likeness and the words' share, as all have."""
    words = Words(("rare",), 20.0)
    (found,) = Retriever(collection).find(LOOK, words, 1, None)
    assert (found.product_id, found.record) == ("f", "f#0")
    assert found.terms["image"] == pytest.approx(likeness(collection, 170), abs=TOLERANCE)
    assert found.terms["text"] == pytest.approx(TEXT_SHARE * 20)
    assert found.score == pytest.approx(sum(found.terms.values()))
    (usual,) = Retriever(collection).find(LOOK, Words(("rare",)), 1, None)
    assert usual.product_id == "a"


def test_weights_of_dimensions_hold_for_all(collection: Collection) -> None:
    """With a focus, what words found is compared by the same weights as what the look found."""
    askew = np.array([0.6, 0.8], np.float32)
    look = Look(askew, np.array([0.5, 1.25], np.float32))
    retriever = Retriever(collection)
    expected = scores(retriever.find(look, Words(), EVERYTHING, None))
    assert expected != near(scores(retriever.find(Look(askew), Words(), EVERYTHING, None)))
    few = retriever.find(look, Words(("rare", "mug"), 20.0), 4, None)
    assert {"c", "e", "f"} < {one.product_id for one in few}
    for one in few:
        assert one.terms["image"] == pytest.approx(expected[one.product_id], abs=TOLERANCE)


def test_words_alone_are_their_own_score(collection: Collection) -> None:
    """With words alone only what has them is found, by its share of the best BM25 score."""
    found = Retriever(collection).find(None, Words(("red", "mug"), 3.0), EVERYTHING, None)
    assert scores(found) == near(said(collection, "red mug"))
    assert found[0].score == 1
    assert all(dict(one.terms) == {"text": one.score} for one in found)
    assert Retriever(collection).find(None, Words(("nobody",)), EVERYTHING, None) == []


def test_unwanted_words_take_away(collection: Collection) -> None:
    """What has unwanted words loses their share, beside a look, beside words, and with a filter."""
    retriever = Retriever(collection)
    shares = said(collection, "red")
    for look, words, where in [
        (LOOK, Words(), None),
        (LOOK, Words(("mug",)), None),
        (None, Words(("mug",)), None),
        (LOOK, Words(), where_of('color = "red"')),
        (None, Words(), None),
    ]:
        plain = scores(retriever.find(look, words, EVERYTHING, where))
        unwanted = Words(words.terms, 1.0, ("red",), 0.5)
        found = retriever.find(look, unwanted, EVERYTHING, where)
        expected = {
            key: score - TEXT_SHARE * 0.5 * shares.get(key, 0.0) for key, score in plain.items()
        }
        assert scores(found) == near(expected)
        assert all(("negative_text" in one.terms) == (one.product_id in shares) for one in found)
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    ignored = retriever.find(LOOK, Words((), 1.0, ("red",), 0.0), EVERYTHING, None)
    assert ignored == retriever.find(LOOK, Words(), EVERYTHING, None)


def test_filters_hold_for_all_ways(collection: Collection) -> None:
    """Nothing that the filter leaves out is found, neither by looks nor by words."""
    where = where_of('color = "red"')
    retriever = Retriever(collection)
    for look, words in [(LOOK, Words()), (LOOK, Words(("mug", "rare"))), (None, Words(("red",)))]:
        found = retriever.find(look, words, EVERYTHING, where)
        assert {one.product_id for one in found} <= {"a", "b", "e"}
    within = said(collection, "mug", where)
    found = retriever.find(LOOK, Words(("mug",)), EVERYTHING, where)
    assert {one.product_id: one.terms.get("text", 0) / TEXT_SHARE for one in found} == near(
        {"a": 0.0, **within}
    )
    assert max(within.values()) == 1


def test_a_filter_alone_lists(collection: Collection) -> None:
    """With neither look nor words, what passes the filter is listed, each product once, with 0."""
    retriever = Retriever(collection)
    assert scores(retriever.find(None, Words(), EVERYTHING, None)) == dict.fromkeys(SHOP, 0.0)
    where = where_of('color IN ("red", "green")')
    found = retriever.find(None, Words(), EVERYTHING, where)
    assert scores(found) == dict.fromkeys(["a", "b", "e", "f"], 0.0)
    assert all(dict(one.terms) == {} for one in found)
    assert len(retriever.find(None, Words(), 2, where)) == 2


def test_no_more_than_asked_for(collection: Collection) -> None:
    """However candidates are found, there are not more of them than were asked for."""
    retriever = Retriever(collection)
    words = Words(("red", "mug"), 1.0, ("plate",))
    for look in (LOOK, None):
        for depth in (1, 3):
            assert len(retriever.find(look, words, depth, None)) == depth


def candidates(keys: list[str], name: str = "image") -> list[Candidate]:
    """A ranking."""
    return [Candidate(key, 1 - n / 100, f"{key}#0", {name: float(n)}) for n, key in enumerate(keys)]


_rankings = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), min_size=1, max_size=4)


@given(_rankings)
def test_fusion_follows_the_formula(rankings: list[list[str]]) -> None:
    """Each product has the sum of 1 / (60 + rank), as a share of the most there can be."""
    found = reciprocal_rank_fusion([candidates(keys) for keys in rankings])
    most = len(rankings) / 61
    assert {one.product_id: one.score for one in found} == pytest.approx(
        {
            key: sum(1 / (61 + keys.index(key)) for keys in rankings if key in keys) / most
            for key in {key for keys in rankings for key in keys}
        }
    )
    falling = [
        round(one.score, 9) for one in found
    ]  # sums of equal terms differ in their last digit
    assert falling == sorted(falling, reverse=True)


@given(_rankings)
def test_fusion_agrees_with_its_rankings(rankings: list[list[str]]) -> None:
    """What no ranking puts behind another is not behind it in all; their order does not matter."""
    found = reciprocal_rank_fusion([candidates(keys) for keys in rankings])
    order = [one.product_id for one in found]

    def places(key: str) -> list[int]:
        return [keys.index(key) if key in keys else len(keys) for keys in rankings]

    for place, key in enumerate(order):
        for behind in order[place + 1 :]:
            worse = all(p >= q for p, q in zip(places(key), places(behind), strict=True))
            assert not worse or places(key) == places(behind)
    again = reciprocal_rank_fusion([candidates(keys) for keys in reversed(rankings)])
    assert [one.product_id for one in again] == order


def test_fusion_keeps_what_is_known() -> None:
    """Terms of all rankings are kept, with the picture of the first; one ranking stays as it is."""
    found = reciprocal_rank_fusion([candidates(["a", "b"], "text"), candidates(["b", "a", "c"])])
    terms = {one.product_id: dict(one.terms) for one in found}
    assert terms == {
        "a": {"text": 0, "image": 1},
        "b": {"text": 1, "image": 0},
        "c": {"image": 2},
    }
    assert reciprocal_rank_fusion([candidates(["a"]), candidates(["a"])])[0].score == 1
    assert [one.product_id for one in reciprocal_rank_fusion([candidates(["c", "a", "b"])])] == [
        "c",
        "a",
        "b",
    ]
    assert reciprocal_rank_fusion([[], []]) == []
