from __future__ import annotations

import pytest

from shopsight.index.filters import Op
from shopsight.words.amounts import Amount, parted, price, rating
from shopsight.words.segment import tokens

LT, LE, GT, GE = Op.LT, Op.LE, Op.GT, Op.GE


def read(text: str, reader=price) -> Amount | None:
    """The first amount of a text."""
    words = list(parted(tokens(text)))
    found = (reader(words, start) for start in range(len(words)))
    return next((amount for amount in found if amount is not None), None)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("under 40 EUR", [(LT, 40)]),
        ("below €25", [(LT, 25)]),
        ("cheaper than 12,50", [(LT, 12.5)]),
        ("less than 1,299.00 dollars", [(LT, 1299)]),
        ("<40", [(LT, 40)]),
        ("max 40 EUR", [(LE, 40)]),
        ("no more than 30 bucks", [(LE, 30)]),
        ("40 EUR or less", [(LE, 40)]),
        ("up to 40", [(LE, 40)]),
        ("over £30", [(GT, 30)]),
        ("at least 30 euros", [(GE, 30)]),
        ("30 EUR and up", [(GE, 30)]),
        ("between 20 and 30", [(GE, 20), (LE, 30)]),
        ("from 30 to 20 EUR", [(GE, 20), (LE, 30)]),
        ("20-30€", [(GE, 20), (LE, 30)]),
        ("price under 30", [(LT, 30)]),
        ("about 50 EUR", [(GE, 40), (LE, 60)]),
        ("40欧元以下", [(LE, 40)]),
        ("低于40欧元", [(LT, 40)]),
        ("100元以内", [(LE, 100)]),
        ("不超过50块", [(LE, 50)]),
        ("至少100元", [(GE, 100)]),
        ("100元以上", [(GE, 100)]),
        ("100到200元之间", [(GE, 100), (LE, 200)]),
        ("50元左右", [(GE, 40), (LE, 60)]),
        ("40 EUR", []),
        ("$40", []),
    ],
)
def test_prices_are_read(text, bounds):
    """Amounts are prices where a currency or a comparison says so."""
    found = read(text)
    assert found is not None
    assert list(found.bounds) == bounds


@pytest.mark.parametrize(
    "text",
    [
        *(
            "40",
            "under 750 ml",
            "at least 3 pockets",
            "iphone 15 max",
            "up to 5 bags",
            "20-40",
            "no 5",
        ),
        *("under", "€", "less than", "between 20", "750毫升以下", "5折", "size 42", "1.2.3 EUR"),
        "99999999999999 EUR",
    ],
)
def test_other_numbers_are_no_prices(text):
    """Sizes, counts and models are not taken for money."""
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("at least 4.5 stars", (GE, 4.5)),
        ("4 stars and up", (GE, 4)),
        ("4+ stars", (GE, 4)),
        ("four stars", (GE, 4)),
        ("rated 4 or more", (GE, 4)),
        ("4★", (GE, 4)),
        ("under 3 stars", (LT, 3)),
        ("四星以上", (GE, 4)),
        ("至少四星半", (GE, 4.5)),
        ("4.5星以上", (GE, 4.5)),
    ],
)
def test_ratings_are_read(text, bound):
    """Stars are a rating, at least so many unless something else is said."""
    found = read(text, rating)
    assert found is not None
    assert found.bounds == (bound,)


@pytest.mark.parametrize("text", ["4 inch", "6 stars", "stars", "三星手机", "at least 4"])
def test_other_numbers_are_no_ratings(text):
    """Numbers without stars, more stars than there are, and names are no ratings."""
    assert read(text, rating) is None


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("40 EUR", {"EUR"}),
        ("€40", {"EUR"}),
        ("40欧元", {"EUR"}),
        ("£40", {"GBP"}),
        ("40块", set()),
        ("40元", set()),
        ("40 bucks", set()),
        ("¥40", {"CNY", "JPY"}),
    ],
)
def test_currencies_are_told(text, codes):
    """A currency is what was named; money as such is of none."""
    found = read(text)
    assert found is not None
    assert found.currencies == codes
