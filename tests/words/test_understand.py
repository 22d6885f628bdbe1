from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shopsight.catalog.product import AttributeValue, Price, Product
from shopsight.index.filters import Filter, check, evaluate
from shopsight.ingest.fields import CORE_FIELDS, core_values, type_of
from shopsight.words.understand import MAX_REST, Understood, understand, understand_negative
from shopsight.words.vocabulary import Vocabulary


def values(product: Product) -> dict[str, AttributeValue]:
    """A product as filters see it."""
    return {**core_values(product), **product.attributes}


def fitting(where: Filter | None, products: list[Product]) -> set[str]:
    """Ids of the products that a filter lets pass, checked against the fields there are."""
    if where is None:
        return {product.id for product in products}
    fields = dict(CORE_FIELDS)
    for product in products:
        fields |= {name: type_of(value) for name, value in product.attributes.items()}
    checked = check(where, fields)
    return {product.id for product in products if evaluate(checked, values(product))}


def shop(*rows: dict[str, AttributeValue], currency: str = "EUR") -> list[Product]:
    """Products of a made-up shop, p0, p1 ...; what is no field of a product is an attribute."""
    products = []
    for number, row in enumerate(rows):
        fields = {name: row[name] for name in ("brand", "product_type") if name in row}
        attributes = {
            name: value
            for name, value in row.items()
            if name not in {"title", "price", "brand", "product_type"}
        }
        price = Price(amount=str(row["price"]), currency=currency) if "price" in row else None
        title = str(row.get("title", f"Thing {number}"))
        products.append(
            Product(
                id=f"p{number}",
                title=title,
                image_link="p.jpg",
                price=price,
                attributes=attributes,
                **fields,
            )
        )
    return products


def asked(text: str, products: list[Product]) -> set[str]:
    """Ids of what fits a text."""
    return fitting(understand(text, Vocabulary.of(products)).where, products)


def test_a_composed_query_leaves_no_words(vocabulary, sample_products):
    """Words that ask for a colour, against a pattern and for a price are filters, not terms."""
    found = understand("this but in green, without stripes, under 40 EUR", vocabulary)
    assert found.rest == ()
    assert [chip.kind for chip in found.chips] == ["filter", "exclude", "filter"]
    by_id = {product.id: product for product in sample_products}
    ids = fitting(found.where, sample_products)
    assert {"MUG001", "CAP097", "TSH090"} <= ids  # sage, olive, mint
    for id_ in ids:
        assert by_id[id_].current_price.amount < 40
        assert by_id[id_].attributes["pattern"] != "wide stripes"
    assert not {"TSH086", "LAM025", "MUG002"} & ids  # striped, too dear, navy


@pytest.mark.parametrize(
    ("text", "included", "missing"),
    [
        ("mug in sage", "MUG001", "MUG002"),
        ("要鼠尾草绿的", "MUG001", "MUG002"),
        ("换成藏青色", "MUG002", "MUG001"),
        ("navy", "MUG002", "TOT076"),
        ("in charcoal", "BOT012", "BOT011"),
        ("蓝色", "BAC078", "BAC079"),
        ("pink", "CAP098", "CAP097"),
        ("dark green", "BAC079", "MUG001"),
        ("浅绿色", "TSH090", "BAC079"),
        ("sand coloured", "VAS017", "VAS018"),
        ("terracota", "MUG003", "MUG001"),
        ("in stock", "MUG004", "MUG005"),
        ("有货", "MUG004", "MUG005"),
        ("on sale", "MUG003", "MUG002"),
        ("打折", "MUG003", "MUG002"),
        ("4.5 stars and up", "CHA037", "CHA036"),
        ("至少四星半", "CHA037", "CHA036"),
        ("rated at least 4.5", "CHA037", "CHA036"),
        ("Kavoa", "MUG001", "MUG006"),
        ("kavao", "MUG001", "MUG006"),
        ("under 12", "MUG003", "MUG001"),
        ("12欧元以下", "MUG003", "MUG001"),
        ("between 60 and 65 euros", "BAC078", "BAC081"),
        ("60-65 EUR", "BAC078", "BAC081"),
        ("60到65欧元", "BAC078", "BAC081"),
        ("more than €150", "CHA033", "CHA032"),
        ("大约64欧元", "BAC078", "MUG001"),
        ("not mustard", "CUS070", "CUS069"),
        ("不要芥末黄", "CUS070", "CUS069"),
        ("neither: no leather", "CHA037", "STO042"),
        ("not red or blue", "CAP095", "CAP094"),
        ("not over 20 EUR", "MUG001", "LAM024"),
    ],
)
def test_words_become_filters(text, included, missing, vocabulary, sample_products):
    """What is named without doubt must fit, in English and in Chinese."""
    ids = fitting(understand(text, vocabulary).where, sample_products)
    assert included in ids
    assert missing not in ids


@pytest.mark.parametrize(
    "text",
    [
        *("green tea", "绿茶", "燕麦饼干", "rose garden candle", "750 ml bottle", "under 750 ml"),
        *("at least 3 pockets", "iphone 15 max", "20 bags", "size 42", "no", "without", "的"),
        *("out of stock", "👍", "", "the", "4 inch", "无线耳机", "三星手机"),
    ],
)
def test_other_words_ask_for_nothing(text, vocabulary):
    """Words that only look like a colour, a price or a negation are no filters."""
    assert understand(text, vocabulary).where is None


@pytest.mark.parametrize(
    ("text", "field", "id_"),
    [
        ("striped shirt", "pattern", "TSH086"),
        ("条纹", "pattern", "TSH086"),
        ("leather", "material", "STO042"),
        ("皮革", "material", "STO042"),
        ("wooden stool", "material", "STO039"),
        ("backpacks", "product_type", "BAC078"),
        ("walnut table", "color", "TAB046"),
    ],
)
def test_softer_words_only_come_first(text, field, id_, vocabulary, sample_products):
    """Patterns, materials, categories and doubtful colours are preferred and still searched for."""
    found = understand(text, vocabulary)
    assert found.where is None
    assert found.rest
    chip = next(chip for chip in found.chips if chip.field == field)
    assert chip.kind == "boost"
    assert any(
        id_ in fitting(boost.where, sample_products)
        for boost in found.boosts
        if boost.chip == chip.id
    )


def test_a_shade_beats_its_family(vocabulary, sample_products):
    """A colour means its main shade first, then the family that has it."""
    by_id = {product.id: product for product in sample_products}
    ids = fitting(
        understand("sage", vocabulary, ignore=frozenset()).boosts[0].where, sample_products
    )
    assert {by_id[id_].attributes["color"].split("/")[0] for id_ in ids} == {"sage"}
    scarlet = fitting(understand("scarlet", vocabulary).where, sample_products)
    assert {"CAP094", "TSH088"} <= scarlet  # red, as there is no scarlet


def test_two_colours_are_wanted_together_or_either(vocabulary, sample_products):
    """White and navy is one thing of both; red or yellow is two."""
    both = fitting(understand("white and navy", vocabulary).where, sample_products)
    assert "TOT074" in both
    assert not {"BAC078", "CAP094"} & both
    either = fitting(understand("red or yellow", vocabulary).where, sample_products)
    assert {"CAP094", "BAL134"} <= either


@pytest.mark.parametrize("text", ["red socks", "red", "this but in red", "红色的袜子"])
def test_a_colour_that_no_product_has_stays_a_word(text):
    """Without such a colour in the catalogue, nothing is filtered, and the word is searched for."""
    products = shop({"color": "blue", "title": "Blue socks"}, {"color": "black"})
    found = understand(text, Vocabulary.of(products))
    assert found.where is None
    assert {"red", "红色"} & set(found.rest)


@pytest.mark.parametrize("name", ["color", "colour", "base_color", "farbe", "u989c_u8272"])
@pytest.mark.parametrize(
    "value", ["Navy Blue", "NAVY/white", "藏青色", ["navy", "white"], "Dark blue"]
)
@pytest.mark.parametrize("text", ["navy socks", "socks in dark blue", "藏青色袜子"])
def test_colours_are_found_however_a_shop_names_them(name, value, text):
    """The name of the field and the spelling of the value do not matter."""
    other = ["red"] if isinstance(value, list) else "red"
    products = shop({name: value}, {name: other})
    assert asked(text, products) == {"p0"}


def test_a_shops_own_colour_is_found_by_its_name():
    """A name that no lexicon knows is a colour where the shop uses it as one."""
    products = shop({"color": "Stardust"}, {"color": "red"})
    assert asked("this but in stardust", products) == {"p0"}


def test_a_colour_in_titles_is_preferred():
    """A shop without a field for colours still shows what its titles call so first."""
    products = shop({"title": "Navy socks"}, {"title": "Covered shelf"}, {"title": "Red socks"})
    found = understand("red socks", Vocabulary.of(products))
    assert found.where is None
    assert fitting(found.boosts[0].where, products) == {"p2"}
    assert found.chips[0].field == "title"


def test_products_without_a_colour_are_not_lost():
    """Where the feed leaves some colours out, titles count for those products."""
    products = shop({"color": "red"}, {"title": "Red hat"}, {"title": "Blue hat"})
    assert asked("red", products) == {"p0", "p1"}


def test_a_brand_called_like_a_thing_is_only_preferred():
    """Orange may be a brand, a fruit or a colour; nothing is left out because of it."""
    products = shop(
        {"brand": "Apple", "product_type": "Phones"},
        {"brand": "Farm", "product_type": "Fruit > Apple"},
    )
    found = understand("apple", Vocabulary.of(products))
    assert found.where is None
    assert found.chips


@pytest.mark.parametrize(
    ("text", "currency", "expected"),
    [
        ("under 40 EUR", "EUR", {"p0"}),
        ("under 40", "USD", {"p0"}),
        ("under 40 EUR", "USD", set()),
        ("under $40", "USD", {"p0"}),
        ("under $40", "CAD", {"p0"}),
        ("under £40", "CAD", set()),
        ("40元以下", "EUR", {"p0"}),
        ("低于¥40", "CNY", {"p0"}),
        ("40人民币以下", "EUR", set()),
        ("under 1,000.50 EUR", "EUR", {"p0", "p1"}),
    ],
)
def test_a_currency_is_meant_as_named(text, currency, expected):
    """Another currency than the shop's finds nothing rather than the wrong price."""
    assert asked(text, shop({"price": 39}, {"price": 80}, currency=currency)) == expected


def test_unwanted_words_without_a_value_are_penalised(vocabulary):
    """What no value of the catalogue names is handed on as a term."""
    found = understand("mug without handles", vocabulary)
    assert found.where is None
    assert found.excluded == ("handle",)
    assert found.rest == ("mug",)
    assert found.chips[-1].kind == "exclude"


@pytest.mark.parametrize("text", ["stripes", "without stripes", "条纹", "不要条纹"])
def test_unwanted_text_names_values_or_words(text, vocabulary, sample_products):
    """In the unwanted text, values are shut out whether or not it says without."""
    found = understand_negative(text, vocabulary)
    assert "TSH086" not in fitting(found.where, sample_products)
    assert "TSH084" in fitting(found.where, sample_products)
    assert found.rest == found.boosts == found.excluded == ()


def test_unwanted_text_keeps_other_words_as_terms(vocabulary, sample_products):
    """Other words of the unwanted text are terms to be penalised."""
    found = understand_negative("red cat", vocabulary)
    assert found.excluded == ("cat",)
    assert "CAP094" not in fitting(found.where, sample_products)


def test_corrections_are_told(vocabulary):
    """What was taken for a typo is said, and its chip shows the word that was meant."""
    found = understand("pepermint tea, terracota", vocabulary)
    assert found.corrections == (("pepermint", "peppermint"), ("terracota", "terracotta"))
    assert found.rest == ("peppermint", "tea")
    mint, color = found.chips
    assert (mint.kind, mint.label, mint.text) == ("correction", "peppermint", "pepermint")
    assert (color.kind, color.label, color.text) == ("filter", "terracotta", "terracota")
    as_written = understand("pepermint tea", vocabulary, ignore=frozenset({mint.id}))
    assert (as_written.rest, as_written.chips) == (("pepermint", "tea"), ())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("不要terracota", "不要terracotta"),
        ("不要 pepermint 杯", "不要 peppermint"),
        ("without  Pepermint, please", "without peppermint"),
        ("not terracotta", "not terracotta"),
    ],
)
def test_chips_of_unwanted_things_show_the_word_that_was_meant(vocabulary, text, label):
    """A correction is shown after a negation too, with a space between or, in Chinese, without."""
    (chip,) = understand(text, vocabulary).chips
    assert (chip.kind, chip.label) == ("exclude", label)


def test_a_chip_taken_away_leaves_plain_words(vocabulary):
    """An understanding that is ignored turns its words back into search terms; others stay."""
    text = "red cap under 40 EUR"
    whole = understand(text, vocabulary)
    red = next(chip.id for chip in whole.chips if chip.field == "color")
    found = understand(text, vocabulary, ignore=frozenset({red}))
    assert "red" in found.rest
    assert red not in {chip.id for chip in found.chips}
    assert any(chip.field == "price" for chip in found.chips)


def test_chinese_words_are_also_found_by_what_they_name(vocabulary):
    """A word that the catalogue lacks is also looked for by the character that says what it is."""
    assert "包" in understand("双肩包", vocabulary).rest


def test_an_empty_catalogue_understands_nothing():
    """Before anything is indexed, texts are words."""
    found = understand("red mug under 40 EUR, in stock, 4 stars", Vocabulary())
    assert found.where is None
    assert found.boosts == ()
    assert {"red", "mug", "40"} <= set(found.rest)


def phrases() -> list[str]:
    """Words of the benchmark's queries, and of what is understood."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "text_queries.csv"
    with path.open(encoding="utf-8", newline="") as file:
        known = [word for row in csv.DictReader(file) for word in row["text"].split()]
    more = "not no without but in or and under over 40 40 EUR € $ 4 stars 不要 没有 以下 星 红 ½ <"
    return known + more.split()


TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(phrases()), max_size=9).map(" ".join))


@given(text=TEXTS)
@example(text="without red or without")
@example(text="½½ EUR ½ stars")
@example(text="not " * 300)
def test_any_text_is_understood_somehow(text, vocabulary):
    """No text fails; chips are of the text, each once; the same text is read alike again."""
    for read in (understand, understand_negative):
        found = read(text, vocabulary)
        assert found == read(text, vocabulary)
        ids = [chip.id for chip in found.chips]
        assert len(ids) == len(set(ids))
        for chip in found.chips:
            assert chip.text
            assert chip.text in text
            assert chip.label
        assert len(found.rest) <= MAX_REST
        assert len(set(found.rest)) == len(found.rest)
        assert all(boost.chip in ids and 0 < boost.weight <= 1 for boost in found.boosts)


@example(text="不要ROAT")
@given(text=TEXTS)
def test_ignoring_all_chips_leaves_only_words(text, vocabulary):
    """Without its chips a text is nothing but terms, and ignoring more changes nothing."""
    for read in (understand, understand_negative):
        ids: frozenset[str] = frozenset()
        # Below a chip lies its correction, and below that what was written, each with a chip.
        for _ in range(3):
            ids |= {chip.id for chip in read(text, vocabulary, ignore=ids).chips}
        found = read(text, vocabulary, ignore=ids)
        assert found.where is None
        assert found.boosts == ()
        assert found.chips == ()
        assert found == read(text, vocabulary, ignore=ids | {"color:none"})


@given(text=TEXTS)
def test_filters_fit_the_fields(text, vocabulary, sample_products):
    """Whatever is understood can be filtered by."""
    found: Understood = understand(text, vocabulary)
    for where in (found.where, *(boost.where for boost in found.boosts)):
        fitting(where, sample_products[:3])


def test_long_texts_are_read_to_their_end(vocabulary):
    """Ten thousand characters are no matter."""
    text = "word, " * 1660 + "in red"
    assert [chip.field for chip in understand(text, vocabulary).chips] == ["color"]
    assert understand("红" * 10_000, vocabulary).rest == ("红红", "红")
