"""Keeps the vocabulary of a catalogue at hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from shopsight.catalog.store import CatalogStore
from shopsight.errors import StorageError
from shopsight.index.collection import Collection
from shopsight.wiring.kept import Kept, from_file, to_file
from shopsight.words.vocabulary import Vocabulary


class KnownWords:
    """The vocabulary of the catalogue. Safe to use from several threads.

    It is read when it is first needed, which takes about ten seconds for 100,000 products, and kept
    in a file for the next process. After a change it is read anew beside the searches, which go on
    with the old one until then.

    Args:
        catalog: Whose words they are.
        collection: Whose fields can be filtered by.
        path: File that keeps it.
        clock: Seconds since any time: when it was read last.
    """

    def __init__(
        self,
        catalog: CatalogStore,
        collection: Collection,
        path: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._collection = collection
        self._path = path
        self._kept = Kept("words", self._read, self.signature, clock)

    def vocabulary(self) -> Vocabulary:
        """The words; those of some seconds ago where the catalogue keeps changing."""
        return self._kept.get()

    def refresh(self) -> None:
        """Begin to read them anew if a product changed, and it is not being done."""
        self._kept.refresh()

    def signature(self) -> str:
        """Changes with the products, their printed words, and the fields to filter by."""
        fields = sorted(self._collection.store.schema.fields)
        return json.dumps([*self._catalog.signature(), *self._catalog.texts.signature(), fields])

    def _read(self) -> Vocabulary:
        signature = self.signature()
        kept = from_file(self._path, signature)
        if kept is not None:
            try:
                return Vocabulary.from_bytes(kept)
            except StorageError:
                pass  # damaged: read from the catalogue
        fields = self._collection.store.schema.fields
        printed: dict[str, str] = {}
        for key, text in self._catalog.texts.of_products():
            printed[key] = f"{printed[key]}\n{text}" if key in printed else text
        found = Vocabulary.of(self._catalog.every(), attributes=fields, printed=printed)
        to_file(self._path, signature, found.to_bytes())
        return found
