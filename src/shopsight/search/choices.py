"""Choices that searches offer. Imports nothing heavy: the command line names them in help."""

from __future__ import annotations

from enum import StrEnum


class Sort(StrEnum):
    """Order of the hits."""

    RELEVANCE = "relevance"
    PRICE = "price"
    """Cheapest first; products without a price last."""
    PRICE_DESC = "-price"
    RATING = "-rating"
    """Best reviewed first; products without reviews last."""
    NEWEST = "newest"
    """What came into the catalogue last comes first."""


class GroupBy(StrEnum):
    """What a hit stands for: of each group only the best product is a hit."""

    PRODUCT = "product"
    DESIGN = "item_group_id"
    BRAND = "brand"


class Cutoff(StrEnum):
    """Where a ranking is cut off as no longer relevant."""

    NONE = "none"
    GAP = "gap"
    """At the largest gap between neighbouring scores."""
    RELATIVE = "relative"
    """Where the score falls below a share of the best one's."""
