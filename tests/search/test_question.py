from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shopsight.catalog.product import Price, Product
from shopsight.errors import FilterError, QueryError
from shopsight.index.base import FieldType
from shopsight.index.filters import evaluate, to_text
from shopsight.search.candidates import Candidate, Facts
from shopsight.search.query import Query, Weights
from shopsight.search.question import CHIP_BOOST, Question, asked
from shopsight.words.vocabulary import Vocabulary

FIELDS = {
    "title": FieldType.STRING,
    "brand": FieldType.STRING,
    "currency": FieldType.STRING,
    "price": FieldType.NUMBER,
    "color": FieldType.STRING,
    "pattern": FieldType.STRING,
}
CATALOG = [
    ("a", "Red mug", "red", "plain", 10),
    ("b", "Blue mug", "blue", "striped", 20),
    ("c", "Red bowl", "red", "striped", 40),
]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Words of three products."""
    return Vocabulary.of(
        Product(
            id=key,
            title=title,
            image_link="a.jpg",
            price=Price(amount=Decimal(price), currency="EUR"),
            attributes={"color": color, "pattern": pattern},
        )
        for key, title, color, pattern, price in CATALOG
    )


def fits(question: Question, **values: Any) -> bool:
    """Whether a product with some values passes."""
    assert question.where is not None
    return evaluate(question.where, values)


def test_without_words_only_the_filter_counts() -> None:
    """Nothing has to be known of the catalogue's words where there are none."""
    plain = asked(Query(images=(b"photo",)), FIELDS, None)
    assert plain == Question(None, plain.words, (), ())
    assert (plain.words.terms, plain.words.unwanted) == ((), ())
    filtered = asked(Query(images=(b"photo",), where='brand = "Kavoa"'), FIELDS, None)
    assert filtered.where is not None
    assert to_text(filtered.where) == 'brand = "Kavoa"'


def test_words_become_filters_and_terms(vocabulary: Vocabulary) -> None:
    """A colour and a price become conditions beside the filter's; the other words are searched."""
    query = Query(text="red mug under 15 EUR", where='brand = "Kavoa"')
    question = asked(query, FIELDS, vocabulary)
    assert question.words.terms == ("mug",)
    good = {"color": "red", "price": 10.0, "brand": "Kavoa", "currency": "EUR"}
    assert fits(question, **good)
    wrong: list[dict[str, Any]] = [{"color": "blue"}, {"price": 16.0}, {"brand": "Other"}]
    assert not any(fits(question, **{**good, **each}) for each in wrong)
    assert {chip.field for chip in question.chips} == {"color", "price"}


def test_chips_that_were_taken_away_are_words_again(vocabulary: Vocabulary) -> None:
    """What is ignored neither filters nor shows, and is searched for."""
    chip = next(
        one
        for one in asked(Query(text="red mug"), FIELDS, vocabulary).chips
        if one.field == "color"
    )
    again = asked(Query(text="red mug", ignore=frozenset({chip.id})), FIELDS, vocabulary)
    assert again.where is None
    assert chip not in again.chips
    assert set(again.words.terms) == {"red", "mug"}


def test_unwanted_words(vocabulary: Vocabulary) -> None:
    """What is unwanted filters if the catalogue names it, and costs score if it is only a word."""
    query = Query(text="mug", negative_text="red handmade", weights=Weights(negative=0.5))
    question = asked(query, FIELDS, vocabulary)
    assert fits(question, color="blue")
    assert not fits(question, color="red")
    assert question.words.terms == ("mug",)
    assert question.words.unwanted == ("handmade",)
    assert question.words.unwanted_weight == 0.5
    assert [chip.kind for chip in question.chips if chip.field == "color"] == ["exclude"]
    beside = asked(Query(images=(b"photo",), negative_text="handmade"), FIELDS, vocabulary)
    assert (beside.words.terms, beside.words.unwanted) == ((), ("handmade",))


@pytest.mark.parametrize(
    ("weights", "ratio"),
    [
        (Weights(), 1.0),
        (Weights(image=2.0, text=1.0), 0.5),
        (Weights(image=0.5, text=1.0), 2.0),
        (Weights(text=0.0), 0.0),
        (Weights(image=0.001), 10.0),
        (Weights(image=0.0), 10.0),
    ],
)
def test_words_weigh_as_much_as_their_ratio(
    vocabulary: Vocabulary, weights: Weights, ratio: float
) -> None:
    """How much words count beside a photo is the ratio of both weights, ten at most."""
    found = asked(Query(text="mug", weights=weights), FIELDS, vocabulary)
    assert found.words.weight == pytest.approx(ratio)


def test_wishes_come_first(vocabulary: Vocabulary) -> None:
    """What fits a wish gains score, by name; all stay, and those of equal score by their ids."""
    question = asked(Query(text="striped mug"), FIELDS, vocabulary)
    assert question.where is None
    (wish,) = question.wishes
    facts = {
        "a": Facts({"title": "Red mug", "pattern": "plain"}),
        "b": Facts({"title": "Blue mug", "pattern": "striped"}),
        "c": Facts({"title": "Red bowl", "pattern": "striped"}),
    }
    found = [
        Candidate(key, score, f"{key}#0", {"text": score})
        for key, score in [("a", 0.5), ("x", 0.49), ("c", 0.48), ("b", 0.48)]
    ]
    ranked = question.with_wishes(found, facts)
    assert [one.product_id for one in ranked] == ["b", "c", "a", "x"]
    gained = CHIP_BOOST * wish.weight
    assert gained > 0.03
    for one in ranked:
        assert one.score == pytest.approx(sum(one.terms.values()))
        assert (f"wish.{wish.chip}" in one.terms) == (one.product_id in {"b", "c"})
    assert ranked[0].score == pytest.approx(0.48 + gained)
    assert {one.record for one in ranked} == {one.record for one in found}


def test_without_wishes_the_order_stays(vocabulary: Vocabulary) -> None:
    """Candidates are left as they are where nothing is wished for."""
    question = asked(Query(text="mug"), FIELDS, vocabulary)
    found = [Candidate("b", 0.1, "b#0"), Candidate("a", 0.9, "a#0")]
    assert question.with_wishes(found, {}) == found


@pytest.mark.parametrize("words", ["", "red mug"])
def test_unknown_names_are_refused(vocabulary: Vocabulary, words: str) -> None:
    """Fields that are not there are named, with or without words, before anything is searched."""
    photo = (b"photo",)
    known = vocabulary if words else None
    with pytest.raises(FilterError, match="colour"):
        asked(Query(images=photo, text=words, where='colour = "red"'), FIELDS, known)
    with pytest.raises(FilterError, match="expected"):
        asked(Query(images=photo, text=words, where="price <"), FIELDS, known)
    with pytest.raises(QueryError, match="colour"):
        asked(Query(images=photo, text=words, facets=("colour",)), FIELDS, known)
    with pytest.raises(QueryError, match="luck"):
        asked(Query(images=photo, text=words, boosts={"luck": 0.1}), FIELDS, known)
