"""Thumbnails of the catalogue's pictures: made once, then kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from shopsight.images.thumbnails import ThumbnailCache, thumbnail
from shopsight.settings import Settings
from shopsight.wiring.limits import image_limits


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A thumbnail.

    Attributes:
        data: WebP file.
        digest: SHA-256 of the picture that it was made of, in hex.
    """

    data: bytes
    digest: str


class Thumbnails:
    """Makes and keeps thumbnails. Safe to use from several threads.

    Args:
        settings: Limits of pictures, the data folder, and how much of it may be taken.
    """

    def __init__(self, settings: Settings) -> None:
        self._limits = image_limits(settings)
        self._cache = ThumbnailCache(settings.data / "thumbnails", settings.thumbnail_cache_bytes)

    def kept(self, digest: str, width: int) -> Thumbnail | None:
        """A thumbnail that was made before.

        Args:
            digest: SHA-256 of the picture, in hex.
            width: One of :data:`shopsight.images.thumbnails.WIDTHS`.
        """
        data = self._cache.get(digest, width)
        return None if data is None else Thumbnail(data, digest)

    def make(self, picture: bytes, width: int) -> Thumbnail:
        """Make a thumbnail, unless there is one of just this picture, and keep it.

        Raises:
            DecodeError: The picture cannot be decoded within the limits.
        """
        digest = hashlib.sha256(picture).hexdigest()
        made = self.kept(digest, width)
        if made is None:
            made = Thumbnail(thumbnail(picture, width, self._limits), digest)
            self._cache.put(digest, width, made.data)
        return made
