"""Reads pictures from files of this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from shopsight.errors import FetchError
from shopsight.images.decoding import ImageLimits


def read_local(path: Path, limits: ImageLimits) -> bytes:
    """Read a picture's file, if it is an ordinary file within the limit.

    Args:
        path: The file. Whether it may be read at all is for the caller to decide.
        limits: Its size limit applies.

    Returns:
        The file's bytes.

    Raises:
        FetchError: Reason ``not_found``, ``forbidden``, ``not_a_file``, ``too_many_bytes`` or
            ``unreadable``.
    """
    try:
        # Not blocking: opening a named pipe would wait for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise FetchError(
                    f"{path} is a {_file_kind(facts.st_mode)}, not a file", reason="not_a_file"
                )
            fits = facts.st_size <= limits.max_bytes
            data = _read(descriptor, limits.max_bytes + 1) if fits else None
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    if data is None or len(data) > limits.max_bytes:
        raise FetchError(
            f"{path} has more than the {limits.max_bytes} bytes allowed: "
            "make it smaller or raise the setting image_max_bytes",
            reason="too_many_bytes",
        )
    return data


def unreadable(path: Path, error: OSError | ValueError) -> FetchError:
    """What an operating system error about a picture's file means for people.

    Args:
        path: The file.
        error: What was raised; a ``ValueError`` for a path that no file can have.

    Returns:
        An error to raise, of reason ``not_found``, ``forbidden`` or ``unreadable``.
    """
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return FetchError(
            f"{path} does not exist: correct the link or add the file", reason="not_found"
        )
    if isinstance(error, PermissionError):
        return FetchError(
            f"{path} may not be read by this user: change its permissions", reason="forbidden"
        )
    why = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return FetchError(f"{path} cannot be read: {why}", reason="unreadable")


def _read(descriptor: int, most: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(most)


def _file_kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "device or socket"
