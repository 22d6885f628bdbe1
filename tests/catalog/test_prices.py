from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsight.catalog.prices import CURRENCIES, NoCurrencyError, parse_price
from shopsight.catalog.product import Price
from shopsight.catalog.values import BadValueError


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("14.90 EUR", "14.90", "EUR"),
        ("14.90EUR", "14.90", "EUR"),
        ("EUR 14,90", "14.90", "EUR"),
        ("eur 14,9", "14.9", "EUR"),
        ("€1.299,00", "1299.00", "EUR"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("1,299.00 USD", "1299.00", "USD"),
        ("$1,299", "1299", "USD"),
        ("US$ 12.50", "12.50", "USD"),
        ("NZD $1.50", "1.50", "NZD"),
        ("£5", "5", "GBP"),
        ("R$ 10,00", "10.00", "BRL"),
        ("12,50 zł", "12.50", "PLN"),
        ("199 Kč", "199", "CZK"),
        ("12 \u0440\u0443\u0431.", "12", "RUB"),
        ("1299元", "1299", "CNY"),
        ("₹1,00,000.00", "100000.00", "INR"),
        ("1\u202f299,00 €", "1299.00", "EUR"),
        ("1'299.00 CHF", "1299.00", "CHF"),
        ("CHF 12.-", "12", "CHF"),
        ("14,- EUR", "14", "EUR"),
        (".75 USD", "0.75", "USD"),
        ("0 EUR", "0", "EUR"),
        ("150.000 VND", "150000", "VND"),
        ("1.299 EUR", "1299", "EUR"),
        ("1.299.000 EUR", "1299000", "EUR"),
        ("0.125 EUR", "0.125", "EUR"),
        ("1.299 KWD", "1.299", "KWD"),
        ("9999999999.99 EUR", "9999999999.99", "EUR"),
        ("14.12345678 EUR", "14.1235", "EUR"),
    ],
)
def test_prices_are_read_as_people_write_them(text, amount, currency):
    """Symbols, codes, and both kinds of decimal marks lead to the amount and the currency."""
    assert parse_price(text) == Price(amount=Decimal(amount), currency=currency)


@pytest.mark.parametrize(
    ("text", "default", "currency"),
    [
        ("1 299,00 kr", "NOK", "NOK"),
        ("¥1299", "CNY", "CNY"),
        ("$12", "AUD", "AUD"),
        ("Rs. 500", "PKR", "PKR"),
        ("14.90", "EUR", "EUR"),
        ("14.90 USD", "EUR", "USD"),
    ],
)
def test_the_default_currency_fills_in_and_decides_between_owners_of_a_symbol(
    text, default, currency
):
    """A default is used where none is named or a symbol is shared, and never over a named one."""
    price = parse_price(text, default)
    assert price is not None
    assert price.currency == currency


@pytest.mark.parametrize("text", ["14.90", "1 299,00 kr", "¥1299", "Rs. 500", 14.9])
def test_a_price_without_a_certain_currency_asks_for_one(text):
    """Rather than guessing among kroner, yen and yuan, the way to name the currency is told."""
    with pytest.raises(NoCurrencyError, match="--currency"):
        parse_price(text)


@pytest.mark.parametrize(
    "value",
    [
        "-5 EUR", "5- EUR", "(5 EUR)", "NaN EUR", "inf", "free", "10 - 20 EUR", "from 5 EUR",
        "2 for 5 EUR", "12345678901 EUR", "1e5 EUR", "12 34 EUR", "1,2,3 EUR", "1.2.3,4 EUR",
        "12 EUR USD", "5 XYZ", "EUR",
        -1, float("inf"), Decimal("NaN"), 1e30, True, ["5"], {"value": "x", "currency": "EUR"},
        {"value": 5, "currency": "bitcoin"}, "1" * 5000 + " EUR",
    ],
)  # fmt: skip
def test_absurd_prices_are_refused(value):
    """Negative, endless, oversized and ambiguous amounts, and invented currencies are no prices."""
    with pytest.raises(BadValueError):
        parse_price(value, None if isinstance(value, str) else "EUR")


def test_typed_prices_are_exact():
    """Numbers and mappings of JSON keep their digits; nothing is no price."""
    assert parse_price(14.9, "EUR") == Price(amount=Decimal("14.9"), currency="EUR")
    assert parse_price({"value": "5.00", "currency": "usd"}) == parse_price("5.00 USD")
    assert parse_price({"amount": 5}, "EUR") == parse_price("5 EUR")
    assert [parse_price(nothing, "EUR") for nothing in (None, "", "  ", float("nan"), {})] == [
        None
    ] * 5


def test_a_prescribed_decimal_point_settles_three_digits():
    """Google and schema.org prescribe the point, so 1.299 is not a thousand there."""
    assert parse_price("1.299 EUR", decimal_point=".") == Price(
        amount=Decimal("1.299"), currency="EUR"
    )
    assert parse_price("1,299 EUR", decimal_point=".") == Price(
        amount=Decimal(1299), currency="EUR"
    )


@given(
    st.integers(0, 10**10 - 1),
    st.integers(0, 99),
    st.sampled_from(sorted(CURRENCIES)),
    st.sampled_from(
        [(",", "."), (".", ","), (" ", ","), ("\xa0", ","), ("'", "."), ("", "."), ("", ",")]
    ),
    st.booleans(),
)  # fmt: skip
def test_every_usual_way_of_writing_an_amount_is_read_back(whole, cents, currency, marks, before):
    """Any amount with two decimals survives each convention for thousands and decimals."""
    group, point = marks
    number = f"{whole:,}".replace(",", group) + f"{point}{cents:02}"
    text = f"{currency} {number}" if before else f"{number} {currency}"
    expected = Decimal(whole) + Decimal(cents) / 100
    assert parse_price(text) == Price(amount=expected, currency=currency)


@given(st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.decimals()))
def test_prices_are_valid_or_refused(value):
    """Whatever is given, the result is a price, nothing, or a refusal with a reason."""
    try:
        price = parse_price(value, "EUR")
    except BadValueError:
        return
    assert price is None or price.amount >= 0
