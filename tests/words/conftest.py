from __future__ import annotations

import pytest

from shopsight.catalog.feeds import read_feed
from shopsight.catalog.product import Product
from shopsight.sample_shop import ROOT
from shopsight.words.vocabulary import Vocabulary


@pytest.fixture(scope="session")
def sample_products() -> list[Product]:
    """All products of the sample shop."""
    rows = read_feed(ROOT / "catalog.csv", label="sample shop")
    return [row for row in rows if isinstance(row, Product)]


@pytest.fixture(scope="session")
def vocabulary(sample_products) -> Vocabulary:
    """Words of the sample shop."""
    return Vocabulary.of(sample_products)
