"""From a link in a feed to the bytes of a picture, wherever it is."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from aiohttp.abc import AbstractResolver

from shopsight.errors import FetchError
from shopsight.images.decoding import ImageLimits
from shopsight.images.fetch import Fetched, Fetcher, FetchLimits, Validators
from shopsight.images.local import read_local, unreadable

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # two letters at least: ``C:`` is a disk


@dataclass(frozen=True, slots=True)
class Location:
    """Where a picture is: exactly one of the two.

    Attributes:
        path: Absolute path without symbolic links.
        url: http or https link.
    """

    path: Path | None = None
    url: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine."""
        return self.path is not None

    @classmethod
    def parse(cls, text: str) -> Location:
        """The location whose ``str`` this is."""
        is_url = _SCHEME.match(text) is not None
        return cls(url=text) if is_url else cls(path=Path(text))

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else str(self.url)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A picture's bytes, and what tells later whether they changed.

    Attributes:
        data: The encoded picture.
        sha256: Hash of the data, in hex.
        validators: From its web server; empty for files.
        stamp: Time and size of its file; ``None`` for pictures from the web.
    """

    data: bytes
    sha256: str
    validators: Validators
    stamp: str | None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The picture is still what it was; it was not read again."""


def resolve(link: str, base: Path | str, root: Path | None) -> Location:
    """Find out where a link of a feed leads. Reads no picture and asks no server.

    Relative links start at the feed's folder or address; ``file:`` links are percent-decoded;
    backslashes and percent-codes in paths are understood where no file has that very name.

    Args:
        link: As in the feed.
        base: The feed's folder, or its http(s) address.
        root: Folder that local pictures must lie in, after symbolic links are followed. A relative
            link that is not in it is taken from this folder instead. ``None``: no local pictures.

    Raises:
        FetchError: Reason ``bad_url`` or ``outside_root``.
    """
    text = link.strip()
    base_url = base if isinstance(base, str) and _SCHEME.match(base) else None
    if text.startswith("//"):
        scheme = urlsplit(base_url).scheme if base_url else "https"
        return Location(url=f"{scheme}:{text}")
    found = _SCHEME.match(text)
    scheme = found.group().lower() if found else ""
    if scheme in {"http:", "https:"}:
        return Location(url=text.replace(" ", "%20"))
    if scheme not in {"", "file:"}:
        raise FetchError(
            f"links that start with {scheme} are not supported: "
            "give an http, https or file link, or a path",
            reason="bad_url",
        )
    if not text:
        raise FetchError("the link is empty: give a link or remove it", reason="bad_url")
    if base_url and not scheme:
        return Location(url=urljoin(base_url, text.replace("\\", "/").replace(" ", "%20")))
    name = _file_name(text) if scheme else text
    if root is None or base_url:
        raise FetchError(
            f"{name} is a path on this machine, and a feed from elsewhere may not have those read: "
            "put the feed beside its pictures and index it with 'shopsight index'",
            reason="outside_root",
        )
    return Location(path=_inside(name, _spellings(name, literal=bool(scheme)), base, root))


class ImageSource:
    """Loads the pictures that one feed links to.

    :meth:`resolve`, :meth:`stamp` and :meth:`load_file` may be called from any thread;
    :meth:`load` and :meth:`close` belong to the event loop that :meth:`load` is first used in.

    Args:
        base: The feed's folder, or its http(s) address.
        root: Folder that local pictures must lie in; ``None``: no local pictures.
        limits: For local pictures.
        fetch_limits: For pictures from the web.
        resolver: Asks the name service; by default the system's.
    """

    def __init__(
        self,
        base: Path | str,
        *,
        root: Path | None,
        limits: ImageLimits,
        fetch_limits: FetchLimits,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._base = base
        self._root = root
        self._limits = limits
        self._fetcher = Fetcher(fetch_limits, resolver=resolver)

    def resolve(self, link: str) -> Location:
        """Find out where a link of this feed leads: :func:`resolve`.

        Raises:
            FetchError: Reason ``bad_url`` or ``outside_root``.
        """
        return resolve(link, self._base, self._root)

    def stamp(self, location: Location) -> str | None:
        """Time and size of a local picture, which change when its file does.

        Returns:
            ``None`` for pictures from the web and for files that cannot be looked at.
        """
        if location.path is None:
            return None
        try:
            facts = location.path.stat()
        except (OSError, ValueError):
            return None
        return f"{facts.st_mtime_ns}-{facts.st_size}"

    async def load(
        self,
        location: Location,
        *,
        validators: Validators | None = None,
        stamp: str | None = None,
    ) -> Loaded | Unchanged:
        """Load a picture, unless it is known to be unchanged.

        Args:
            location: From :meth:`resolve`.
            validators: Of the copy already held, if it is from the web.
            stamp: Of the copy already held, if it is a file.

        Raises:
            FetchError: It cannot be had; local files: ``not_found``, ``forbidden``, ``not_a_file``,
                ``too_many_bytes``, ``unreadable``; from the web: as :meth:`Fetcher.fetch`.
        """
        if location.path is not None:
            return await asyncio.to_thread(self.load_file, location.path, stamp=stamp)
        fetched = await self._fetcher.fetch(str(location.url), validators)
        if not isinstance(fetched, Fetched):
            return Unchanged()
        return Loaded(fetched.data, _sha256(fetched.data), fetched.validators, None)

    async def close(self) -> None:
        """Close all connections."""
        await self._fetcher.close()

    def load_file(self, path: Path, *, stamp: str | None = None) -> Loaded | Unchanged:
        """Load a local picture as :meth:`load` does, from any thread."""
        # Before reading: a file that changes meanwhile will not fit its stamp next time.
        now = self.stamp(Location(path=path))
        if now is not None and now == stamp:
            return Unchanged()
        data = read_local(path, self._limits)
        return Loaded(data, _sha256(data), Validators(), now)


def _file_name(link: str) -> str:
    """Path that a ``file:`` link stands for (RFC 8089)."""
    try:
        parts = urlsplit(link)
    except ValueError as error:
        raise FetchError(f"{link} is no link: correct it", reason="bad_url") from error
    if parts.netloc not in {"", "localhost"}:
        raise FetchError(
            f"{link} names a file of the machine {parts.netloc}: give a path or file:///PATH",
            reason="bad_url",
        )
    return unquote(parts.path)


def _spellings(name: str, *, literal: bool) -> list[str]:
    """Ways to read a path as it stands in a feed, the likeliest first."""
    if literal:
        return [name]
    slashed = name.replace("\\", "/")
    without_query = slashed.partition("?")[0]
    spellings = (name, slashed, unquote(slashed), without_query, unquote(without_query))
    return list(dict.fromkeys(spellings))


def _inside(name: str, spellings: list[str], base: Path | str, root: Path) -> Path:
    try:
        allowed = Path(os.path.realpath(root))
        for start in (base, root):
            found = [Path(os.path.realpath(Path(start, text))) for text in spellings]
            inside = [path for path in found if path.is_relative_to(allowed)]
            if len(inside) > 1:
                return next((path for path in inside if path.exists()), inside[0])
            if inside:
                return inside[0]
    except (OSError, ValueError) as error:
        raise unreadable(Path(name), error) from error
    raise FetchError(
        f"{name} lies outside {root}, where this feed's pictures may be: "
        "move it there, or give another folder with --image-root",
        reason="outside_root",
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
