"""What rankings are made of: products that may become hits, and the facts that order them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shopsight.catalog.product import AttributeValue
from shopsight.catalog.store import DatedProduct
from shopsight.ingest.fields import CORE_FIELDS, core_values


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may become a hit.

    Attributes:
        product_id: The product.
        score: What the ranking is by; larger is better.
        record: Key of its best picture in the index.
        terms: What the score is made of, by name; see ``Hit.terms``.
    """

    product_id: str
    score: float
    record: str
    terms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What boosts, groups and sorts ask of a product.

    Attributes:
        values: Its fields, as a filter sees them; what the product does not say is missing.
        added_at: When it came into the catalogue, in seconds since 1970; ``None`` if unknown.
    """

    values: Mapping[str, AttributeValue] = field(default_factory=dict)
    added_at: float | None = None

    def number(self, name: str) -> float | None:
        """A field that is a number, or ``None``."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)

    def text(self, name: str) -> str:
        """A field that is a text, or an empty one."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""


NOTHING = Facts()
"""Facts of a product of which nothing is known."""


def facts_of(found: DatedProduct) -> Facts:
    """Facts of a product of the catalogue. As in the index, attributes never hide core fields."""
    attributes = found.product.attributes
    own = {name: value for name, value in attributes.items() if name not in CORE_FIELDS}
    return Facts(own | core_values(found.product), found.added_at)


def by_relevance(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first. Of equal scores, the smaller product id comes first.

    Scores that agree in six digits are equal: engines add up the same numbers in various orders.
    """
    return sorted(candidates, key=lambda one: (-_six_digits(one.score), one.product_id))


def _six_digits(score: float) -> float:
    return float(format(score, ".6g"))
