"""Answers queries: photos and words to neighbours to hits, each stage timed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopsight.catalog.store import CatalogStore, record_id
from shopsight.encoders.base import EncoderSpec
from shopsight.errors import NotFoundError
from shopsight.index.collection import Collection
from shopsight.index.filters import And, Filter, check, evaluate
from shopsight.search.calibrate import Calibration
from shopsight.search.candidates import NOTHING, Candidate, Facts, facts_of
from shopsight.search.clock import Clock
from shopsight.search.counts import Counts
from shopsight.search.cutoff import cut
from shopsight.search.pages import Narrowing, Ranking, RankingCache, ranked, ranking_key
from shopsight.search.photos import PhotoReader, ReadPhoto, joined, joined_photos
from shopsight.search.query import (
    Cutoff,
    Facet,
    FoundObject,
    Hit,
    Match,
    Query,
    SearchResult,
)
from shopsight.search.question import Question, asked
from shopsight.search.retrieval import (
    NO_WORDS,
    Look,
    Retriever,
    Words,
    reciprocal_rank_fusion,
)
from shopsight.search.weights import check_focus, part_weights
from shopsight.words.vocabulary import Vocabulary

Vector = NDArray[np.float32]

JUDGED = 50
"""Products, from the best on, that confidence is computed from."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an engine asks of the parts it does not own.

    Attributes:
        spec: Facts about the encoder; asked for when there is a query.
        encode_text: Words to a vector of the encoder's space; gives ``None`` if it knows no words.
        vocabulary: What the catalogue's words mean.
        calibration: How scores become confidence; ``None`` where that is not known.
    """

    spec: Callable[[], EncoderSpec]
    encode_text: Callable[[str], Vector | None]
    vocabulary: Callable[[], Vocabulary]
    calibration: Callable[[], Calibration | None]


class SearchEngine:
    """Searches one index version. Safe to call from several threads.

    Args:
        catalog: Where products come from.
        collection: The index version.
        reader: Reads photos.
        abilities: The parts besides.
        rankings: Remembers rankings for their next pages.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        collection: Collection,
        *,
        reader: PhotoReader,
        abilities: Abilities,
        rankings: RankingCache,
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._reader = reader
        self._abilities = abilities
        self._rankings = rankings
        self._retriever = Retriever(collection)
        self._counts = Counts(collection)
        self._state = ""

    def search(self, query: Query) -> SearchResult:
        """Answer a query.

        Raises:
            DecodeError: A photo cannot be used.
            FilterError: The filter cannot be parsed, or names an unknown field.
            QueryError: The encoder has no part for the focus, or there is no such facet or boost.
            NotFoundError: There is no such product to find similar ones to.
            VectorIndexError: The index failed.
        """
        clock = Clock()
        check_focus(self._abilities.spec(), query.focus)
        question = self.understood(query)
        with ThreadPoolExecutor(1, "counting") as aside:
            # Counts hang on filters and words alone, so they need not wait for photo and index.
            counting = aside.submit(self._counted, query, question)
            photo = self._photo(query, clock)
            look = self._look(query, photo)
            clock.lap("encode")
            ranking, alike = self._ranking(query, question, look)
            clock.lap("search")
            hits = self.hits(ranking.page(query.offset, query.limit))
            clock.lap("hydrate")
            hits, no_match = self._judged(query, question, look, hits, alike)
            objects = self._objects(query, photo, question.where)
            counted, total = counting.result()
            clock.lap("rank")
        return SearchResult(
            query_id=uuid.uuid4().hex,
            hits=hits,
            total=total,
            timings_ms=clock.timings(),
            objects=objects,
            facets=counted,
            chips=question.chips,
            no_match=no_match,
        )

    def nearest(
        self,
        vector: Vector,
        limit: int,
        where: Filter | None = None,
        words: Words = NO_WORDS,
    ) -> list[Candidate]:
        """The products nearest to a vector as the encoder made it, best first."""
        return self._retriever.find(Look(vector), words, limit, where)

    def wished(self, question: Question, found: Sequence[Candidate]) -> list[Candidate]:
        """Candidates in the order of their scores, those that fit the question's wishes sooner."""
        return question.with_wishes(found, self._facts([one.product_id for one in found]))

    @property
    def products(self) -> int:
        """Products in the index."""
        return self._counts.products(None)

    def saying(self, terms: Sequence[str], limit: int) -> list[str]:
        """Ids of the products that have the terms, those with the most telling ones first."""
        found = self._retriever.find(None, Words(tuple(terms)), limit, None) if terms else []
        return [one.product_id for one in found]

    def having(self, where: Filter, limit: int) -> list[str]:
        """Ids of products that match a filter, in their order.

        Raises:
            FilterError: It names an unknown field.
        """
        checked = check(where, self._collection.store.schema.fields)
        found = self._retriever.find(None, Words(), limit, checked)
        return [one.product_id for one in found]

    def groups(self, ids: Sequence[str]) -> list[str]:
        """Of each product its design, or its own id where it has none."""
        facts = self._facts(ids)
        return [facts.get(key, NOTHING).text("item_group_id") or key for key in ids]

    def forget_unless(self, state: str) -> None:
        """Forget counts and rankings, unless the index is in the state it was in before."""
        if state != self._state:
            self._state = state
            self._counts.forget()
            self._rankings.clear()

    def understood(self, query: Query) -> Question:
        """What a query's filter and words ask for.

        Raises:
            FilterError: The filter cannot be parsed, or names an unknown field.
            QueryError: There is no such facet or boost.
        """
        said = bool(query.text.strip() or query.negative_text.strip())
        known = self._abilities.vocabulary() if said else None
        return asked(query, self._collection.store.schema.fields, known)

    def _photo(self, query: Query, clock: Clock) -> ReadPhoto | None:
        if not query.images:
            return None
        return joined_photos(
            [
                self._reader.read(
                    data,
                    box=None if number else query.box,
                    regions=query.regions,
                    clock=clock,
                    explained=query.explain,
                )
                for number, data in enumerate(query.images)
            ]
        )

    def _look(self, query: Query, photo: ReadPhoto | None) -> Look | None:
        vector = photo.vector if photo else self._of_product(query.product_id)
        if vector is None:
            return None
        said = self._meant(query.text)
        if said is not None:
            vectors, shares = [vector, said], [query.weights.image, query.weights.text]
            unwanted = self._meant(query.negative_text)
            if unwanted is not None:
                vectors.append(unwanted)
                shares.append(-query.weights.negative)
            vector = joined(vectors, shares)
        return Look(vector, part_weights(self._abilities.spec(), vector, query.focus))

    def _meant(self, text: str) -> Vector | None:
        return self._abilities.encode_text(text) if text.strip() else None

    def _of_product(self, product_id: str) -> Vector | None:
        """Mean of the vectors of a product's pictures."""
        if not product_id:
            return None
        product = self._catalog.one(product_id)
        count = len(product.image_links)
        vectors = self._collection.vectors([record_id(product_id, n) for n in range(count)])
        if not len(vectors):
            raise NotFoundError(
                f"The product {product_id!r} has no picture in the index, so nothing is similar."
            )
        return joined(list(vectors), [1.0] * len(vectors))

    def _ranking(
        self, query: Query, question: Question, look: Look | None
    ) -> tuple[Ranking, list[Candidate]]:
        """The ranking, and the candidates it began with if they were looked for just now."""
        where = question.where
        first: list[Candidate] = []

        def fetch(depth: int) -> list[Candidate]:
            more = 1 if query.product_id else 0
            found = self._found(query, question, look, depth + more, where)
            first.extend(found if not first else ())
            return [one for one in found if one.product_id != query.product_id][:depth]

        kept = None if query.cutoff is Cutoff.NONE else query.cutoff
        how = Narrowing(
            query.sort,
            query.group_by,
            query.boosts,
            None if kept is None else lambda scores: cut(np.array(scores, np.float32), kept),
        )
        ranking = self._rankings.ranking(
            ranking_key(query, self._collection.manifest.name, self._state),
            query.offset + query.limit,
            lambda start: ranked(
                fetch, self._facts, how, query.offset + query.limit, now=time.time(), start=start
            ),
        )
        return ranking, first

    def _found(
        self,
        query: Query,
        question: Question,
        look: Look | None,
        depth: int,
        where: Filter | None,
    ) -> list[Candidate]:
        found = self._retriever.find(look, question.words, depth, where)
        meant = self._meant(query.text) if look is None else None
        if meant is not None:
            seen = self._retriever.find(Look(meant), Words(), depth, where)
            found = reciprocal_rank_fusion([found, seen])[:depth]
        if question.wishes:
            found = self._wished(question, found, look, depth)
        return found

    def _wished(
        self, question: Question, found: list[Candidate], look: Look | None, depth: int
    ) -> list[Candidate]:
        """Candidates with what fits the wishes first, wherever that came in the ranking."""
        known = {one.product_id for one in found}
        for wish in question.wishes:
            where = wish.where if question.where is None else And((question.where, wish.where))
            fitting = self._retriever.find(look, question.words, depth, where)
            found += [one for one in fitting if one.product_id not in known]
            known.update(one.product_id for one in fitting)
        facts = self._facts([one.product_id for one in found])
        return question.with_wishes(found, facts)[:depth]

    def _facts(self, ids: Sequence[str]) -> Mapping[str, Facts]:
        return {key: facts_of(found) for key, found in self._catalog.dated(ids).items()}

    def hits(self, ranked_: Sequence[Candidate]) -> tuple[Hit, ...]:
        """Products of a ranking. One that was removed since its vector was read is left out."""
        found = self._catalog.pictured([one.record for one in ranked_])
        return tuple(
            Hit(
                known.product,
                one.score,
                known.position,
                known.link,
                known.location,
                terms=one.terms,
                record=one.record,
                image_hash=known.content_hash,
                image_size=known.size,
            )
            for one in ranked_
            if (known := found.get(one.record)) is not None
        )

    def _judged(
        self,
        query: Query,
        question: Question,
        look: Look | None,
        hits: tuple[Hit, ...],
        alike: list[Candidate],
    ) -> tuple[tuple[Hit, ...], bool]:
        """Hits with confidence, and whether none of them is the thing on the photo."""
        calibration = self._abilities.calibration() if query.images and look else None
        if calibration is None or look is None:
            return hits, False
        asked_more = question.where is not None or question.words.terms or question.wishes
        if look.weights is not None or asked_more or len(alike) < JUDGED:
            # Of the whole shop: with what was asked for left out, the best of the rest would do.
            alike = self._retriever.find(Look(look.vector), Words(), JUDGED, None)
        alike = alike[:JUDGED]
        judgement = calibration.judge(
            np.array([one.score for one in alike], np.float32),
            self.groups([one.product_id for one in alike]),
        )
        verdicts = {
            one.product_id: (float(confidence), match)
            for one, confidence, match in zip(
                alike, judgement.confidences, judgement.matches, strict=True
            )
        }
        nothing = (0.0, Match.SIMILAR)
        judged = tuple(
            replace(
                hit,
                confidence=verdicts.get(hit.product.id, nothing)[0],
                match=verdicts.get(hit.product.id, nothing)[1],
            )
            for hit in hits
        )
        changed = bool(query.text.strip() or query.negative_text.strip())
        return judged, judgement.no_match and not changed

    def facets(self, query: Query, question: Question) -> tuple[Facet, ...]:
        """The facets that a query asks for."""
        if not query.facets:
            return ()
        # Every product looks like a photo, more or less; but not every one has the words.
        only_words = not (query.images or query.product_id)
        terms = question.words.terms if only_words else ()
        return self._counts.facets(query.facets, question.where, terms)

    def _objects(
        self, query: Query, photo: ReadPhoto | None, where: Filter | None
    ) -> tuple[FoundObject, ...]:
        if photo is None or not query.object_hits or not photo.objects:
            return photo.objects if photo else ()
        image = self._reader.decoded(query.images[0])
        vectors = self._reader.encoded(image, [each.box for each in photo.objects])
        return tuple(
            replace(each, hits=self.hits(self.nearest(vector, query.object_hits, where)))
            for each, vector in zip(photo.objects, vectors, strict=True)
        )

    def _counted(self, query: Query, question: Question) -> tuple[tuple[Facet, ...], int]:
        return self.facets(query, question), self._total(question, query)

    def _total(self, question: Question, query: Query) -> int:
        if not query.images and not query.product_id:
            return self._counts.products(question.where, question.words.terms)
        itself = self._facts([query.product_id] if query.product_id else []).get(query.product_id)
        where = question.where
        counts = itself is not None and (where is None or evaluate(where, itself.values))
        return self._counts.products(where) - counts
