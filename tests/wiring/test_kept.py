from __future__ import annotations

import logging
from pathlib import Path

import pytest

from shopsight.errors import StorageError
from shopsight.wiring.kept import LEAST_PAUSE_S, Kept, from_file, to_file


class Source:
    """Something to read, whose state and time a test sets."""

    def __init__(self) -> None:
        self.state = 1
        self.now = 0.0
        self.broken = False
        self.readings = 0

    def read(self) -> int:
        """The state, unless it cannot be read."""
        self.readings += 1
        if self.broken:
            raise StorageError("The disk is gone.")
        return self.state

    def kept(self) -> Kept[int]:
        """What keeps it."""
        return Kept("numbers", self.read, lambda: self.state, lambda: self.now)


def test_it_is_read_once_until_something_changes() -> None:
    """What has not changed is not read again, however often it is asked for."""
    source = Source()
    kept = source.kept()
    assert [kept.get(), kept.get()] == [1, 1]
    source.now += 10 * LEAST_PAUSE_S
    assert kept.refresh() is None
    assert source.readings == 1


def test_a_change_is_read_beside_requests_and_not_too_often() -> None:
    """Soon after a reading the old value serves on; later the new one is read in a thread."""
    source = Source()
    kept = source.kept()
    kept.get()
    source.state = 2
    assert kept.refresh() is None
    assert kept.get() == 1
    source.now += LEAST_PAUSE_S
    reading = kept.refresh()
    assert reading is not None
    reading.join()
    assert kept.get() == 2


def test_a_failed_reading_leaves_the_old_value(caplog: pytest.LogCaptureFixture) -> None:
    """Where it cannot be read anew, the old value serves, and it is tried again."""
    source = Source()
    kept = source.kept()
    kept.get()
    source.state, source.broken = 2, True
    source.now += LEAST_PAUSE_S
    with caplog.at_level(logging.WARNING):
        reading = kept.refresh()
        assert reading is not None
        reading.join()
    assert kept.get() == 1
    assert "numbers cannot be read now" in caplog.text
    source.broken = False
    again = kept.refresh()
    assert again is not None
    again.join()
    assert kept.get() == 2


def test_what_is_put_is_replaced_by_the_next_change() -> None:
    """A value from elsewhere serves until the state differs from the one it was made of."""
    source = Source()
    kept = source.kept()
    kept.put(7, 1)
    assert kept.get() == 7
    assert kept.refresh() is None
    source.state = 2
    reading = kept.refresh()
    assert reading is not None
    reading.join()
    assert kept.get() == 2


def test_files_serve_only_what_they_were_made_from(tmp_path: Path) -> None:
    """A file is read back under the head it was written with, and under no other."""
    path = tmp_path / "data" / "numbers.bin"
    assert from_file(path, "one") is None
    to_file(path, "one", b"1\n2")
    assert from_file(path, "one") == b"1\n2"
    assert from_file(path, "two") is None
    assert [each.name for each in path.parent.iterdir()] == ["numbers.bin"]


def test_where_nothing_can_be_written_nothing_fails(tmp_path: Path) -> None:
    """A server without the right to write goes on without the file."""
    (tmp_path / "data").write_bytes(b"a file, not a folder")
    to_file(tmp_path / "data" / "numbers.bin", "one", b"1")
    assert from_file(tmp_path / "data" / "numbers.bin", "one") is None
