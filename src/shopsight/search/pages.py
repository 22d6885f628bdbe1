"""Rankings that grow page by page: boosted, grouped and sorted, and never shown differently.

An approximate search may order its results differently when it is asked for more of them, and so
may a ranking that is fused of several. So a ranking grows in fixed steps, and each step adds behind
the former ones only what they had not. That makes pages free of repetitions and gaps, and equal for
all processes, whether they remember the pages before or not.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from shopsight.search.boosts import boosted
from shopsight.search.candidates import Candidate, Facts, by_relevance
from shopsight.search.grouping import grouped
from shopsight.search.query import GroupBy, Query, Sort
from shopsight.search.sorting import sorted_by

RELEVANT = 200
"""What is sorted by something else than relevance, re-ranked by boosts, or cut off: the first hits
of the ranking. Sorting a whole shop by price would put what was not asked for first."""

FIRST = 40
"""Candidates that a plain ranking begins with: a few pages."""

_GROWTH = 5
_NOT_RANKED_BY = frozenset({"limit", "offset", "facets", "object_hits", "images", "explain"})
_HOUR_S = 3600
_CANDIDATE_BYTES = 400
_TERM_BYTES = 120

Fetch = Callable[[int], Sequence[Candidate]]
"""The best ``k`` candidates that pass the filter, each product once; fewer only if there are no
more."""

LookUp = Callable[[Sequence[str]], Mapping[str, Facts]]
"""Facts by product id."""

Cut = Callable[[Sequence[float]], int]
"""How many of some scores, largest first, still count as relevant."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """How candidates become hits: the part of a query that is not about finding them.

    Attributes:
        sort: Order of the hits.
        group_by: What a hit stands for.
        boosts: Weight by name, checked.
        cut: Where the relevant ones end; ``None``: nowhere.
    """

    sort: Sort = Sort.RELEVANCE
    group_by: GroupBy = GroupBy.PRODUCT
    boosts: Mapping[str, float] = field(default_factory=dict)
    cut: Cut | None = None

    @property
    def first(self) -> int:
        """Candidates of the first step."""
        plain = self.sort is Sort.RELEVANCE and not self.boosts and self.cut is None
        return FIRST if plain else RELEVANT

    @property
    def needs_facts(self) -> bool:
        """Whether candidates are boosted or grouped by facts of their products."""
        return bool(self.boosts) or self.group_by is not GroupBy.PRODUCT


@dataclass(frozen=True, slots=True)
class Ranking:
    """The beginning of a ranking. Never changed: a longer one begins with the same hits.

    Attributes:
        hits: One candidate per group, in the order that is shown.
        products: All products that were ranked, hits or not.
        groups: Groups of the hits.
        steps: Steps that were taken.
        ended: Nothing comes after these.
    """

    hits: tuple[Candidate, ...] = ()
    products: frozenset[str] = frozenset()
    groups: frozenset[tuple[str, str]] = frozenset()
    steps: int = 0
    ended: bool = False

    def covers(self, count: int) -> bool:
        """Whether it has the first ``count`` hits, or all there are."""
        return self.ended or len(self.hits) >= count

    def page(self, offset: int, limit: int) -> tuple[Candidate, ...]:
        """Some of the hits; none beyond the end."""
        return self.hits[offset : offset + limit]


def ranked(
    fetch: Fetch,
    look_up: LookUp,
    how: Narrowing,
    count: int,
    *,
    now: float,
    start: Ranking | None = None,
) -> Ranking:
    """A ranking of at least ``count`` hits, or of all there are.

    In each step, the candidates that are new are boosted and put in order, and the first of each
    new group becomes a hit. Sorts other than by relevance apply to the first :data:`RELEVANT` hits,
    and no others are shown.

    Args:
        fetch: Finds candidates.
        look_up: Finds facts; called only where they are needed.
        how: What is asked.
        count: Hits wanted.
        now: Seconds since 1970; freshness is that of the full hour, so that pages agree.
        start: What was ranked before, by the same query on the same index.
    """
    ranking = start or Ranking()
    wanted = count if how.sort is Sort.RELEVANCE else RELEVANT
    while not ranking.covers(wanted):
        ranking = _extended(ranking, fetch, look_up, how, now // _HOUR_S * _HOUR_S)
    if how.sort is Sort.RELEVANCE or ranking is start:
        return ranking
    relevant = ranking.hits[:RELEVANT]
    facts = look_up([one.product_id for one in relevant])
    return replace(ranking, hits=tuple(sorted_by(relevant, facts, how.sort)), ended=True)


def _extended(
    ranking: Ranking, fetch: Fetch, look_up: LookUp, how: Narrowing, now: float
) -> Ranking:
    """The ranking with one step more."""
    wanted = how.first * _GROWTH**ranking.steps
    found = by_relevance(fetch(wanted))[:wanted]
    fresh = [one for one in found if one.product_id not in ranking.products]
    ended = len(found) < wanted
    if how.cut is not None and not ranking.steps:
        kept = how.cut([one.score for one in fresh])
        ended = ended or kept < len(fresh)
        fresh = fresh[:kept]
    facts = look_up([one.product_id for one in fresh]) if how.needs_facts else {}
    ordered = boosted(fresh, facts, how.boosts, now=now) if how.boosts else fresh
    added = list(grouped(ordered, facts, how.group_by, seen=ranking.groups))
    return Ranking(
        hits=(*ranking.hits, *(one for _, one in added)),
        products=ranking.products.union(one.product_id for one in fresh),
        groups=ranking.groups.union(group for group, _ in added),
        steps=ranking.steps + 1,
        ended=ended,
    )


def ranking_key(query: Query, *more: str | int) -> str:
    """What a ranking depends on, as a digest: all of the query but which part of it is shown.

    Args:
        query: What is asked.
        more: What else the answer depends on: the index version, the number of writes to it.
    """
    digest = hashlib.sha256()
    for image in query.images:
        digest.update(hashlib.sha256(image).digest())
    for each in fields(query):
        if each.name not in _NOT_RANKED_BY:
            digest.update(repr((each.name, _ordered(getattr(query, each.name)))).encode())
    digest.update(repr(more).encode())
    return digest.hexdigest()


def _ordered(value: object) -> object:
    """Mappings and sets in one order, whatever order they were made in."""
    if isinstance(value, Mapping):
        return sorted(value.items())
    return sorted(value) if isinstance(value, frozenset) else value


class RankingCache:
    """Rankings of recent queries, for their next pages. Safe to call from several threads.

    Args:
        most_bytes: Memory that rankings may take, about; those not used for longest go first.
    """

    def __init__(self, most_bytes: int = 32_000_000) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Ranking, int]] = OrderedDict()
        self._taken = 0

    def ranking(self, key: str, count: int, longer: Callable[[Ranking | None], Ranking]) -> Ranking:
        """A ranking with the first ``count`` hits.

        Args:
            key: See :func:`ranking_key`.
            count: Hits wanted.
            longer: Makes it, from what is known of it; see :func:`ranked`.
        """
        known = self.get(key)
        if known is not None and known.covers(count):
            return known
        made = longer(known)
        self._put(key, made)
        return made

    def get(self, key: str) -> Ranking | None:
        """The ranking, as far as it is known."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
            return kept[0]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            self._taken = 0

    def _put(self, key: str, ranking: Ranking) -> None:
        size = _size(ranking)
        with self._lock:
            present = self._kept.get(key)
            if size > self._most_bytes or (present and present[0].steps > ranking.steps):
                return
            self._taken += size - (present[1] if present else 0)
            self._kept[key] = ranking, size
            self._kept.move_to_end(key)
            while self._taken > self._most_bytes:
                self._taken -= self._kept.popitem(last=False)[1][1]


def _size(ranking: Ranking) -> int:
    """Bytes that a ranking takes, roughly and rather too many."""
    hits = sum(_CANDIDATE_BYTES + _TERM_BYTES * len(one.terms) for one in ranking.hits)
    return _CANDIDATE_BYTES + hits + 2 * _TERM_BYTES * len(ranking.products)
