"""Photos as users of a shop hand them in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shopsight.errors import DecodeError

Photo = str | Path | bytes
"""A file, or a picture's bytes."""


@contextmanager
def naming(photos: Sequence[Photo]) -> Iterator[None]:
    """Name the file in what is said of a photo that cannot be used, if there is just one."""
    try:
        yield
    except DecodeError as error:
        if (
            len(photos) != 1
            or isinstance(photos[0], bytes)
            or str(error).startswith(str(photos[0]))
        ):
            raise
        raise DecodeError(f"{photos[0]}: {error}", reason=error.reason) from error
