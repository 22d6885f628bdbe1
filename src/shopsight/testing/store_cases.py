"""Rows and filters that the conformance suite of stores runs on: every type, operator and null."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from shopsight.catalog.product import AttributeValue
from shopsight.index.base import FieldType, Metric, Records, StoreSchema, Vectors
from shopsight.index.filters import And, Compare, Filter, In, IsNull, Literal, Not, Op, Or

DIMENSION = 24
FIELDS: Mapping[str, FieldType] = {
    "brand": FieldType.STRING,
    "category": FieldType.STRING,
    "price": FieldType.NUMBER,
    "stock": FieldType.NUMBER,
    "on_sale": FieldType.BOOLEAN,
    "sizes": FieldType.STRINGS,
    "select": FieldType.STRING,
    "empty": FieldType.NUMBER,
}

_BRANDS = ["Kavoa", "kavoa", "O'Neill", 'Say "hi"', "Käse & Söhne", "日本", "", "50%_off\\", "a\nb"]
_CATEGORIES = ["Kitchen > Mugs", "Kitchen > Mugs > Tall", "Garden", "Kitchen"]
_SIZES = ["S", "M", "L", "X,L", "O'S", "['M']"]
_PRICES = [0, 9.99, 10, 49.5, 50, 1e9, -3.25, 0.1]

VALUES: Mapping[str, Sequence[Literal]] = {
    "brand": ["Kavoa", "O'Neill", 'Say "hi"', "日本", "", "50%_off\\", "a\nb", "nobody", "%"],
    "category": ["Kitchen > Mugs", "Kitchen", "kitchen", "", "Z"],
    "price": [0, 9.99, 50, 1e9, -3.25, -1e300, 1],
    "stock": [0, 3, 2.5],
    "on_sale": [True, False],
    "sizes": ["S", "X,L", "O'S", "['M']", "s", "none"],
    "select": ["x", "drop table"],
    "empty": [1, -1],
}
"""Per field, values that filters compare with: present ones and absent ones."""

SPECIAL_TERMS = [
    "AND",
    "OR",
    "NOT",
    '"red"',
    "(a",
    "b)",
    "title:red",
    "+red",
    "-",
    "*",
    "re?",
    "red~",
    "a^2",
    "\\",
    "it's",
    "%_",
    "café",
    "cafe",
    "Red",
    "the",
    "running",
    "\u0000z",
    "\U0001f98a",
    "x" * 300,
]
"""Terms in which some engine sees more than a term: syntax, accents, case, stems, stop words."""

_TERMS = [
    "red",
    "mug",
    "shirt",
    "红色",
    "杯",
    "cotton",
    "x9",
    "kavoa",
    "衬衫",
    "tall",
    "dot",
    "mx200",
]

_OPERATORS: Mapping[FieldType, Sequence[Op]] = {
    FieldType.STRING: list(Op),
    FieldType.NUMBER: [Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE],
    FieldType.BOOLEAN: [Op.EQ, Op.NE],
    FieldType.STRINGS: [Op.EQ, Op.NE, Op.CONTAINS],
}


def schema(metric: Metric = Metric.COSINE, fields: Mapping[str, FieldType] = FIELDS) -> StoreSchema:
    """Shape of the suite's collections."""
    return StoreSchema(dimension=DIMENSION, metric=metric, fields=fields)


def vectors(count: int, seed: int = 0) -> Vectors:
    """``(count, DIMENSION)`` in clusters of about twenty, as pictures of products are."""
    centres = np.random.default_rng(99).standard_normal((max(1, count // 20), DIMENSION))
    generator = np.random.default_rng(seed)
    chosen = centres[generator.integers(len(centres), size=count)]
    return (chosen + 0.4 * generator.standard_normal((count, DIMENSION))).astype(np.float32)


def records(count: int, *, prefix: str = "row", seed: int = 0) -> Records:
    """Rows with all kinds of values, a quarter of each missing; about three rows per product.

    Some have no text; some terms are in half of the texts, others in few.
    """
    generator = random.Random(seed)  # noqa: S311  # test data
    return Records(
        ids=[f"{prefix}{row}" for row in range(count)],
        product_ids=[f"{prefix}-product{row // 3}" for row in range(count)],
        vectors=vectors(count, seed),
        attributes=[dict(_attributes(generator)) for _ in range(count)],
        texts=texts(count, seed),
    )


def texts(count: int, seed: int = 0) -> list[str]:
    """Texts of up to ten terms, some repeated."""
    generator = random.Random(seed + 1)  # noqa: S311  # test data
    rarities = [1 / place for place in range(1, len(_TERMS) + 1)]
    return [
        " ".join(generator.choices(_TERMS, rarities, k=generator.randrange(11)))
        for _ in range(count)
    ]


def _attributes(generator: random.Random) -> Iterator[tuple[str, AttributeValue]]:
    values: Mapping[str, AttributeValue] = {
        "brand": generator.choice(_BRANDS),
        "category": generator.choice(_CATEGORIES),
        "price": generator.choice(_PRICES),
        "stock": generator.randrange(5),
        "on_sale": generator.random() < 0.5,  # noqa: PLR2004  # even odds
        "sizes": generator.sample(_SIZES, generator.randrange(4)),
        "select": "x",
    }
    for name, value in values.items():
        if generator.random() > 0.25:  # noqa: PLR2004  # a quarter is null
            yield name, value


def simple_filters() -> Iterator[Filter]:
    """Every operator with every value of every type, and null, each also negated."""
    for name, kind in FIELDS.items():
        values = VALUES[name]
        terms: list[Filter] = [
            Compare(name, op, value) for op in _OPERATORS[kind] for value in values
        ]
        terms += [In(name, ()), In(name, tuple(values[:1])), In(name, tuple(values)), IsNull(name)]
        for term in terms:
            yield term
            yield Not(term)


def random_filters(count: int, seed: int = 0) -> Iterator[Filter]:
    """Trees of comparisons, up to three levels deep."""
    generator = random.Random(seed)  # noqa: S311  # test data
    leaves = list(simple_filters())

    def tree(depth: int) -> Filter:
        kind = generator.randrange(4) if depth else 3
        if kind == 2:  # noqa: PLR2004  # one of four kinds
            return Not(tree(depth - 1))
        if kind == 3:  # noqa: PLR2004  # one of four kinds
            return generator.choice(leaves)
        terms = tuple(tree(depth - 1) for _ in range(generator.randint(1, 3)))
        return And(terms) if kind else Or(terms)

    for _ in range(count):
        yield tree(3)
