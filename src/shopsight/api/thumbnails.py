"""Thumbnails for requests: each is made once, however many ask for it at the same time."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Hashable

from shopsight.api.pictures import is_kept, is_remote, local_file, no_file
from shopsight.api.workers import Workers
from shopsight.catalog.store import ImageState
from shopsight.errors import FetchError, ImageError
from shopsight.wiring import Shop
from shopsight.wiring.thumbnails import Thumbnail

_REMEMBERED_S = 300.0
_REMEMBERED = 10_000


class Thumbnailer:
    """Makes thumbnails beside the event loop.

    Pictures on the web are fetched as when they were indexed, with the same limits and checks, and
    only if they were. What cannot be used is left alone for some minutes, so that nobody can have
    other servers asked over and over.

    Args:
        shop: The shop.
        timeout_s: Seconds for each of fetching and making.
    """

    def __init__(self, shop: Shop, *, timeout_s: float) -> None:
        self._shop = shop
        self._looks = Workers("kept-thumbnail", threads=4, waiting=1024, timeout_s=timeout_s)
        self._makers = Workers("thumbnail", threads=4, waiting=1024, timeout_s=timeout_s)
        self._fetches = Workers("thumbnail-fetch", threads=8, waiting=1024, timeout_s=timeout_s)
        self._running: dict[Hashable, asyncio.Task[Thumbnail]] = {}
        self._found = _Findings()

    async def get(self, state: ImageState, width: int) -> Thumbnail:
        """A thumbnail of a picture.

        Args:
            state: The picture. Its thumbnail may be of another one if its file has changed since.
            width: One of :data:`shopsight.images.thumbnails.WIDTHS`.

        Raises:
            NotFoundError: It was never a picture of the index, or its file is gone.
            ImageError: It cannot be fetched, or not be decoded within the limits.
        """
        if not is_kept(state) or state.content_hash is None:
            raise no_file(state)
        digest = self._found.digest(state) or state.content_hash
        kept = await self._looks.run(self._shop.thumbnails.kept, digest, width)
        return kept or await self._shared(state, width)

    def close(self) -> None:
        """Take no more requests."""
        for workers in (self._looks, self._makers, self._fetches):
            workers.close()

    async def _shared(self, state: ImageState, width: int) -> Thumbnail:
        """Make it, or wait for who is making it. Whoever hangs up leaves it to the others."""
        key = (state.location, state.content_hash, width)
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(self._make(state, width))
            self._running[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    def _finished(self, key: Hashable, task: asyncio.Task[Thumbnail]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # looked at: everybody who waited may have hung up

    async def _make(self, state: ImageState, width: int) -> Thumbnail:
        try:
            if is_remote(state.location):
                fetch = self._shop.fetch_image
                picture = await self._fetches.run(fetch, state.location)
                made = await self._makers.run(self._shop.thumbnails.make, picture, width)
            else:
                made = await self._makers.run(self._from_file, state, width)
        except ImageError as error:
            self._found.note(state, error)
            raise
        if made.digest != state.content_hash:
            self._found.note(state, made.digest)
        return made

    def _from_file(self, state: ImageState, width: int) -> Thumbnail:
        path, _ = local_file(state)
        try:
            picture = self._shop.picture(str(path))
        except FetchError as error:
            raise no_file(state) from error
        return self._shop.thumbnails.make(picture, width)


class _Findings:
    """What was found of pictures that are not as they were indexed, for some minutes."""

    def __init__(self) -> None:
        self._notes: OrderedDict[tuple[str, str | None], tuple[float, str | ImageError]] = (
            OrderedDict()
        )

    def note(self, state: ImageState, finding: str | ImageError) -> None:
        """Remember the hash that a picture has now, or why it cannot be used."""
        self._notes[state.location, state.content_hash] = (time.monotonic(), finding)
        if len(self._notes) > _REMEMBERED:
            self._notes.popitem(last=False)

    def digest(self, state: ImageState) -> str | None:
        """The hash that a picture was found to have, if it is another one.

        Raises:
            ImageError: It was found to be of no use.
        """
        since, finding = self._notes.get((state.location, state.content_hash), (0.0, None))
        if finding is None or time.monotonic() - since > _REMEMBERED_S:
            return None
        if isinstance(finding, ImageError):
            raise ImageError(str(finding), reason=finding.reason)
        return finding
