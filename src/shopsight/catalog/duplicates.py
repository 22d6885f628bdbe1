"""A set of texts that may be larger than memory."""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Self

from shopsight.errors import StorageError


class DiskSet:
    """Texts with a number each, in a temporary file that vanishes when closed.

    Memory stays constant: SQLite keeps a small cache and moves the rest to the folder for temporary
    files.
    """

    def __init__(self) -> None:
        # An empty name means a private temporary file. A reader may be run by another thread
        # than the one that made it, though never by two at once.
        self._connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(
            "CREATE TABLE seen (text TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")

    def add(self, text: str, number: int = 0) -> int | None:
        """Remember a text.

        Returns:
            ``None`` when it is new, else the number it was first added with.

        Raises:
            StorageError: The folder for temporary files is full.
        """
        try:
            added = self._connection.execute(
                "INSERT OR IGNORE INTO seen VALUES (?, ?)", (text, number)
            )
            if added.rowcount:
                return None
            first = self._connection.execute(
                "SELECT number FROM seen WHERE text = ?", (text,)
            ).fetchone()
        except sqlite3.Error as error:
            raise StorageError(
                f"The folder for temporary files cannot be used ({error}); free some space"
            ) from error
        return int(first[0])

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM seen").fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the temporary file."""
        self._connection.close()
