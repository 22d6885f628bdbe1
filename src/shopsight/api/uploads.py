"""Streams bodies of requests to files, as they arrive."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import anyio.to_thread
from fastapi import Request

from shopsight.errors import StorageError


@asynccontextmanager
async def body_file(request: Request, folder: Path) -> AsyncIterator[Path]:
    """The body of a request as a file, which is gone at the end unless it was moved.

    Args:
        request: Its body must not have been read.
        folder: Where the file goes; made when missing.

    Raises:
        StorageError: The folder cannot take it.
    """
    path = folder / f"{uuid.uuid4().hex}.body"
    try:
        file = await anyio.to_thread.run_sync(create, path)
        try:
            async for chunk in request.stream():
                await write(file, chunk)
        finally:
            await anyio.to_thread.run_sync(file.close)
        yield path
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def create(path: Path) -> BinaryIO:
    """A new file, open for writing.

    Raises:
        StorageError: It cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as error:
        raise StorageError(
            f"The upload cannot be kept in {path.parent}: {error.strerror}"
        ) from error


async def write(file: BinaryIO, data: bytes) -> None:
    """Write some bytes in a thread.

    Raises:
        StorageError: They cannot be written.
    """
    try:
        await anyio.to_thread.run_sync(file.write, data)
    except OSError as error:
        raise StorageError(f"The upload cannot be kept: {error.strerror}") from error
