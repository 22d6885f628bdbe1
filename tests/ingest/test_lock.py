from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsight.errors import BusyError, StorageError
from shopsight.ingest.lock import writer_lock

NOBODY = 65534


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may read and not write, also when it runs as root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        before = os.geteuid()
        if before == 0:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(before)
            folder.chmod(0o755)


def test_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    """A lock that is held names its holder; once it is released it can be had again."""
    with writer_lock(tmp_path), pytest.raises(BusyError, match=f"process {os.getpid()}, since"):
        _hold(tmp_path)
    _hold(tmp_path)


def test_lock_ends_with_an_error(tmp_path: Path) -> None:
    """An exception inside passes through unchanged and frees the lock."""
    with pytest.raises(OSError, match="of the work"), writer_lock(tmp_path):
        raise OSError("of the work")
    _hold(tmp_path)


def test_read_only_folder_is_reported(read_only_folder: Path) -> None:
    """A data folder that may not be written gives an error that names it."""
    with pytest.raises(StorageError, match=f"{read_only_folder}.* cannot be written"):
        _hold(read_only_folder)


def test_folder_that_cannot_be_made(read_only_folder: Path) -> None:
    """A data folder in a place where none can be made gives an error that names it."""
    with pytest.raises(StorageError, match="new cannot be written"):
        _hold(read_only_folder / "new")


def _hold(folder: Path) -> None:
    with writer_lock(folder):
        pass
