from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from shopsight.index.base import StoreFactory, StoreSchema, VectorStore
from shopsight.index.exact import ExactStore
from shopsight.index.lance import LanceStore
from shopsight.index.lance_indexes import LanceOptions
from shopsight.testing.store import StoreConformance


@dataclass(frozen=True)
class LanceWith:
    """Opens Lance stores with some options."""

    options: LanceOptions

    def open(self, uri: str, name: str, schema: StoreSchema, *, create: bool) -> VectorStore:
        """Open a Lance store."""
        return LanceStore.open(uri, name, schema, create=create, options=self.options)


class TestExact(StoreConformance):
    """The exact store."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> tuple[StoreFactory, str]:
        """The store and a fresh folder."""
        return ExactStore, str(tmp_path / "index")


class TestLance(StoreConformance):
    """The Lance store as it is by default: small collections without indexes."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> tuple[StoreFactory, str]:
        """The store and a fresh folder."""
        return LanceStore, str(tmp_path / "index")


class TestLanceIndexed(StoreConformance):
    """The Lance store with a vector index and attribute indexes from the first row on."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> tuple[StoreFactory, str]:
        """The store and a fresh folder."""
        options = LanceOptions(flat_bytes=0, index_rows=1)
        return LanceWith(options), str(tmp_path / "index")


class TestLanceOnDisk(StoreConformance):
    """The Lance store with indexes and no vectors in memory, as large collections are."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> tuple[StoreFactory, str]:
        """The store and a fresh folder."""
        options = LanceOptions(flat_bytes=0, index_rows=1, resident_bytes=0)
        return LanceWith(options), str(tmp_path / "index")
