"""From what is asked to what is looked for: filters, words and looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shopsight.index.filters import And, FieldType, Filter, check, evaluate, parse
from shopsight.search.boosts import check_boosts
from shopsight.search.candidates import NOTHING, Candidate, Facts, by_relevance
from shopsight.search.facets import check_facets
from shopsight.search.query import Query
from shopsight.search.retrieval import Words
from shopsight.words.chips import Chip
from shopsight.words.understand import Boost, understand, understand_negative
from shopsight.words.vocabulary import Vocabulary

CHIP_BOOST = 0.1
"""What a word that is a wish, not a condition, adds to the score of products that fit it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a query asks for, understood.

    Attributes:
        where: Products must match; of the query's filter and of its words.
        words: What is left of the words.
        wishes: Products that match come first.
        chips: What of the words was understood as more than words.
    """

    where: Filter | None
    words: Words
    wishes: tuple[Boost, ...]
    chips: tuple[Chip, ...]

    def with_wishes(
        self, found: Sequence[Candidate], facts: Mapping[str, Facts]
    ) -> list[Candidate]:
        """Candidates with the wishes added to their scores, best first."""
        if not self.wishes:
            return list(found)
        return by_relevance(self._granted(one, facts.get(one.product_id, NOTHING)) for one in found)

    def _granted(self, one: Candidate, facts: Facts) -> Candidate:
        terms = dict(one.terms)
        score = one.score
        for wish in self.wishes:
            if evaluate(wish.where, facts.values):
                amount = CHIP_BOOST * wish.weight
                terms[f"wish.{wish.chip}"] = amount
                score += amount
        return Candidate(one.product_id, score, one.record, terms)


def asked(query: Query, fields: Mapping[str, FieldType], vocabulary: Vocabulary | None) -> Question:
    """Understand a query.

    Args:
        query: What is asked.
        fields: Type of every field there is.
        vocabulary: What the catalogue's words mean; needed only where there are words.

    Raises:
        FilterError: The filter cannot be parsed, or names an unknown field.
        QueryError: There is no such facet or boost.
    """
    check_facets(query.facets, fields)
    check_boosts(query.boosts, fields)
    where = parse(query.where) if query.where.strip() else None
    if vocabulary is None:
        return Question(None if where is None else check(where, fields), Words(), (), ())
    wanted = understand(query.text, vocabulary, ignore=query.ignore)
    unwanted = understand_negative(query.negative_text, vocabulary, ignore=query.ignore)
    parts = [part for part in (where, wanted.where, unwanted.where) if part is not None]
    joined = And(tuple(parts)) if len(parts) > 1 else (parts[0] if parts else None)
    return Question(
        where=None if joined is None else check(joined, fields),
        words=Words(
            wanted.rest,
            _ratio(query.weights.text, query.weights.image),
            (*wanted.excluded, *unwanted.excluded),
            query.weights.negative,
        ),
        wishes=wanted.boosts,
        chips=(*wanted.chips, *unwanted.chips),
    )


def _ratio(text: float, image: float) -> float:
    """How much words count beside a photo; without a photo's weight, they decide alone."""
    return min(text / image, 10.0) if image > 0 else 10.0
