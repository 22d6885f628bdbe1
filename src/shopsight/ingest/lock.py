"""One writer at a time: a lock on the data folder that ends with its process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from shopsight.errors import BusyError, StorageError


@contextmanager
def writer_lock(data: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Hold the right to write.

    Args:
        data: Data folder; made when missing.
        wait_s: Seconds to wait for another writer.

    Raises:
        BusyError: Another process (or thread) is writing; says which and since when.
        StorageError: The folder cannot be written.
    """
    holder = data / "ingest.holder"
    lock = FileLock(data / "ingest.lock", timeout=wait_s)
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        who = holder.read_text(encoding="utf-8") if holder.exists() else "another process"
        raise BusyError(
            f"{data} is being indexed by {who}: wait until that has finished, "
            "or stop it and run this again."
        ) from error
    except OSError as error:
        raise StorageError(
            f"The data folder {data} cannot be written: {error.strerror or error}"
        ) from error
    try:
        holder.write_text(
            f"process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M:%S')}", encoding="utf-8"
        )
        yield
    finally:
        lock.release()
