from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsight.images.boxes import Box
from shopsight.search.candidates import Candidate, Facts
from shopsight.search.focus import Focus
from shopsight.search.pages import (
    FIRST,
    RELEVANT,
    Narrowing,
    Ranking,
    RankingCache,
    ranked,
    ranking_key,
)
from shopsight.search.query import MAX_DEPTH, Cutoff, GroupBy, Query, Sort, Weights

BRANDS = ("Kavoa", "Olmberg", "Zuntik", "")


class Shop:
    """Products with scores, found approximately: each number of candidates in another order.

    Args:
        count: Products.
        noise: How much scores differ from search to search.
    """

    def __init__(self, count: int, *, noise: float = 0.0) -> None:
        chance = random.Random(count)
        self.scores = {f"p{number}": chance.random() for number in range(count)}
        self.facts = {
            key: Facts(
                {"brand": chance.choice(BRANDS), "price": float(chance.randrange(50))},
                chance.random(),
            )
            for key in self.scores
        }
        self.noise = noise
        self.asked: list[int] = []

    def fetch(self, k: int) -> list[Candidate]:
        """The best candidates, as this search sees them."""
        self.asked.append(k)
        chance = random.Random(k)
        scores = {key: score + self.noise * chance.random() for key, score in self.scores.items()}
        best = sorted(scores, key=lambda key: -scores[key])[:k]
        return [Candidate(key, scores[key], f"{key}#0") for key in best]

    def look_up(self, keys: Sequence[str]) -> Mapping[str, Facts]:
        """Facts of products."""
        return {key: self.facts[key] for key in keys}

    def ranked(self, how: Narrowing, count: int, start: Ranking | None = None) -> Ranking:
        """A ranking."""
        return ranked(self.fetch, self.look_up, how, count, now=10.0, start=start)


_hows = st.builds(
    Narrowing,
    sort=st.sampled_from(Sort),
    group_by=st.sampled_from(GroupBy),
    boosts=st.sampled_from([{}, {"price": 0.3}, {"freshness": -0.5, "availability": 1.0}]),
)


@settings(max_examples=40)
@given(st.integers(0, 1300), _hows, st.integers(5, 60), st.sampled_from([0.0, 0.05]))
def test_pages_neither_repeat_nor_miss(count: int, how: Narrowing, limit: int, noise: float):
    """Page after page gives every hit once, however the search orders them each time."""
    shop = Shop(count, noise=noise)
    cache = RankingCache()
    seen: list[str] = []
    for offset in range(0, MAX_DEPTH - limit, limit):
        ranking = cache.ranking(
            "key",
            offset + limit,
            lambda known, end=offset + limit: shop.ranked(how, end, known),
        )
        page = ranking.page(offset, limit)
        seen += [one.product_id for one in page]
        if len(page) < limit:
            break
    assert len(seen) == len(set(seen))
    whole = [one.product_id for one in shop.ranked(how, MAX_DEPTH).hits]
    assert seen == whole[: len(seen)]
    reachable = MAX_DEPTH - 2 * limit if how.sort is Sort.RELEVANCE else RELEVANT
    if how.group_by is GroupBy.PRODUCT:
        assert len(seen) >= min(count, reachable)


@settings(max_examples=40)
@given(_hows, st.integers(1, 400))
def test_pages_agree_without_a_cache(how: Narrowing, count: int):
    """A process that does not know the first pages gives the same later ones."""
    shop = Shop(500, noise=0.1)
    direct = shop.ranked(how, count)
    grown = shop.ranked(how, count, shop.ranked(how, 10))
    assert direct == grown
    assert shop.ranked(how, 10).hits[:10] == direct.hits[:10]


def test_groups_fill_the_page():
    """Candidates are fetched until there are as many groups as wanted, or no more candidates."""
    shop = Shop(3000)
    lonely = {key: Facts({"brand": "Kavoa"}) for key in shop.scores}
    best = sorted(shop.scores, key=lambda key: -shop.scores[key])
    lonely |= {best[1500]: Facts({"brand": "Rare"}), best[2500]: Facts()}
    shop.facts = lonely
    how = Narrowing(group_by=GroupBy.BRAND)
    found = shop.ranked(how, 2)
    assert [one.product_id for one in found.hits][:2] == [best[0], best[1500]]
    assert [one.product_id for one in shop.ranked(how, 10).hits] == [
        best[0],
        best[1500],
        best[2500],
    ]


def test_only_the_relevant_is_sorted():
    """Prices order the most relevant hits; cheaper but irrelevant products are not shown."""
    shop = Shop(1000)
    found = shop.ranked(Narrowing(Sort.PRICE), 10)
    best = sorted(shop.scores, key=lambda key: -shop.scores[key])[:RELEVANT]
    assert {one.product_id for one in found.hits} == set(best)
    prices = [shop.facts[one.product_id].number("price") for one in found.hits]
    assert prices == sorted(prices)
    assert found.ended


def test_cut_ends_the_ranking():
    """What is cut off comes on no page; where nothing is cut, the ranking goes on."""
    shop = Shop(500)
    cut = shop.ranked(Narrowing(cut=lambda scores: sum(score > 0.9 for score in scores)), 300)
    assert {one.product_id for one in cut.hits} == {
        key for key, score in shop.scores.items() if score > 0.9
    }
    assert len(shop.ranked(Narrowing(cut=len), 300).hits) >= 300


def test_first_page_is_cheap():
    """A plain first page asks for few candidates, and known pages ask for none."""
    shop = Shop(500)
    first = shop.ranked(Narrowing(), 10)
    assert shop.asked == [FIRST]
    assert shop.ranked(Narrowing(), FIRST, first) is first
    assert shop.asked == [FIRST]


@pytest.mark.parametrize(
    "change",
    [
        {"images": (b"other",)},
        {"images": (b"photo", b"other")},
        {"text": "red"},
        {"negative_text": "red"},
        {"weights": Weights(image=2)},
        {"box": Box(0.1, 0.1, 0.5, 0.5)},
        {"regions": False},
        {"where": "price < 5"},
        {"ignore": frozenset({"color:red"})},
        {"focus": Focus.SHAPE},
        {"sort": Sort.PRICE},
        {"group_by": GroupBy.BRAND},
        {"boosts": {"sale": 0.2}},
        {"cutoff": Cutoff.GAP},
    ],
)
def test_keys_differ_where_rankings_may(change: dict[str, object]):
    """All that changes the ranking changes its key."""
    query = Query(images=(b"photo",))
    changed = replace(query, **change)  # type: ignore[arg-type]
    assert ranking_key(changed, "v0001", 1) != ranking_key(query, "v0001", 1)


def test_keys_agree_where_rankings_do():
    """Pages, facets and explanations share a ranking; another index or a write has its own."""
    query = Query(images=(b"photo",), boosts={"sale": 0.1, "rating": 0.2})
    same = replace(
        query,
        limit=7,
        offset=70,
        facets=("brand",),
        object_hits=3,
        boosts={"rating": 0.2, "sale": 0.1},
    )
    assert ranking_key(query, "v0001", 1) == ranking_key(same, "v0001", 1)
    keys = {ranking_key(query, *more) for more in [("v0001", 1), ("v0001", 2), ("v0002", 1), ()]}
    assert len(keys) == 4


def test_cache_is_bounded():
    """Old rankings go when memory is used up, and what is too large is not kept at all."""
    shop = Shop(50)
    cache = RankingCache(most_bytes=100_000)
    for number in range(20):
        cache.ranking(f"key{number}", 10, lambda known: shop.ranked(Narrowing(), 10, known))
    assert cache.get("key19") is not None
    assert cache.get("key0") is None
    small = RankingCache(most_bytes=1000)
    assert small.ranking("key", 10, lambda known: shop.ranked(Narrowing(), 10, known)).hits
    assert small.get("key") is None
    cache.clear()
    assert cache.get("key19") is None


def test_cache_keeps_the_longer_ranking():
    """Of two threads that made the same ranking, the one that got farther is remembered."""
    shop = Shop(500)
    cache = RankingCache()

    def late(known: Ranking | None) -> Ranking:
        cache.ranking("key", 100, lambda again: shop.ranked(Narrowing(), 100, again))
        return shop.ranked(Narrowing(), 10, known)

    cache.ranking("key", 10, late)
    kept = cache.get("key")
    assert kept is not None
    assert kept.covers(100)


def test_cache_is_used_by_many_threads():
    """Threads that turn pages at the same time all see the same ranking."""
    shop = Shop(600, noise=0.1)
    cache = RankingCache(most_bytes=2_000_000)
    expected = [one.product_id for one in shop.ranked(Narrowing(), 500).hits]
    wrong: list[int] = []

    def turn() -> None:
        for offset in range(0, 500, 25):
            ranking = cache.ranking(
                "key",
                offset + 25,
                lambda known, end=offset + 25: shop.ranked(Narrowing(), end, known),
            )
            page = [one.product_id for one in ranking.page(offset, 25)]
            if page != expected[offset : offset + 25]:
                wrong.append(offset)

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
