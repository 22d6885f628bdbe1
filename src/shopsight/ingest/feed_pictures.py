"""Takes the pictures that come with an uploaded feed, as a ZIP archive from a stranger."""

from __future__ import annotations

import errno
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from shopsight.errors import DecodeError, FeedError, StorageError
from shopsight.images.sniff import sniff

_LISTED = 100
_NAME_BYTES = 200
_DEPTH = 16
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_OURS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold.

    Attributes:
        max_files: Entries.
        max_bytes: Bytes of all files, unpacked.
        max_file_bytes: Bytes of one file, unpacked.
    """

    max_files: int
    max_bytes: int
    max_file_bytes: int


@dataclass(slots=True)
class Unpacked:
    """What became of an archive.

    Attributes:
        kept: Files taken.
        left_out: Files that were not.
        reasons: The first of those, name -> reason.
    """

    kept: int = 0
    left_out: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def leave(self, name: str, reason: str) -> None:
        """Note a file that is not taken."""
        self.left_out += 1
        if len(self.reasons) < _LISTED:
            self.reasons[name[:_NAME_BYTES]] = reason


def unpack_pictures(
    archive: Path, target: Path, *, links: Iterable[str], limits: ArchiveLimits
) -> Unpacked:
    """Put an archive's pictures where the links of a feed lead to.

    Whatever is no picture, or would land outside the folder, is left out. Where the archive's
    folders differ from those of the links, as when the folder itself was packed, the names are
    moved by as much as makes most of them fit.

    Args:
        archive: A ZIP file.
        target: Folder that relative links start from; made when missing.
        links: Some of the feed's links.
        limits: What it may hold.

    Raises:
        FeedError: It is no ZIP archive, or holds too much.
        StorageError: The folder cannot be written.
    """
    return _unpack(archive, target, limits, links=links, pictures_only=True)


def unpack_files(archive: Path, target: Path, *, limits: ArchiveLimits) -> Unpacked:
    """Unpack an archive of pictures and tables, names as they are.

    Raises:
        FeedError: It is no ZIP archive, or holds too much.
        StorageError: The folder cannot be written.
    """
    return _unpack(archive, target, limits, links=(), pictures_only=False)


def _unpack(
    archive: Path,
    target: Path,
    limits: ArchiveLimits,
    *,
    links: Iterable[str],
    pictures_only: bool,
) -> Unpacked:
    done = Unpacked()
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder {target} cannot be made: {error.strerror}") from error
    try:
        with zipfile.ZipFile(archive) as packed:
            infos = [info for info in packed.infolist() if not info.is_dir()]
            _check_size(infos, limits)
            names = {info.filename: safe_name(info.filename) for info in infos}
            strip, add = alignment([name for name in names.values() if name], links)
            room = limits.max_bytes
            for info in infos:
                name = names[info.filename]
                if name is None:
                    done.leave(info.filename, "the name leads out of the folder, or is too long")
                    continue
                if _hidden(name):
                    continue
                data = _read(packed, info, done, limits)
                if data is None:
                    continue
                room -= len(data)
                if room < 0:
                    raise _too_much(limits)
                if pictures_only and not _is_picture(info.filename, data, done):
                    continue
                _write(target / moved(name, strip, add), data, info.filename, done)
    except (zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise FeedError(f"This is no ZIP archive, or a damaged one ({error}): pack it again") from (
            error
        )
    return done


def safe_name(name: str) -> str | None:
    """A relative path with forward slashes, or ``None`` where a name is none or leads elsewhere."""
    text = name.replace("\\", "/")
    if "\0" in text or text.startswith("/") or _SCHEME.match(text):
        return None
    parts = [part for part in text.split("/") if part not in {"", "."}]
    too_long = any(len(part.encode("utf-8", "surrogatepass")) > _NAME_BYTES for part in parts)
    if not parts or ".." in parts or too_long or len(parts) > _DEPTH:
        return None
    return "/".join(parts)


def alignment(names: Sequence[str], links: Iterable[str]) -> tuple[str, str]:
    """How names have to be changed so that links lead to them.

    Args:
        names: Relative paths of files.
        links: Of the feed; those that are no relative paths do not count.

    Returns:
        The folder that names begin with wrongly, and the one that they should begin with. Decided
        by the names that end as a link does; nothing is changed where none do.
    """
    wanted: dict[str, str] = {}
    for link in links:
        path = safe_name(link.strip()) or safe_name(unquote(link.strip()))
        if path is not None:
            wanted.setdefault(PurePosixPath(path).name, path)
            plain = unquote(path)
            wanted.setdefault(PurePosixPath(plain).name, plain)
    votes: Counter[tuple[str, str]] = Counter()
    for name in names:
        fitting = wanted.get(PurePosixPath(name).name)
        if fitting is not None:
            votes[_heads(name.split("/"), fitting.split("/"))] += 1
    return votes.most_common(1)[0][0] if votes else ("", "")


def moved(name: str, strip: str, add: str) -> str:
    """A name with another beginning; one that does not begin as told stays."""
    if strip:
        if not name.startswith(f"{strip}/"):
            return name
        name = name.removeprefix(f"{strip}/")
    return f"{add}/{name}" if add else name


def _heads(name: list[str], link: list[str]) -> tuple[str, str]:
    while name and link and name[-1] == link[-1]:
        name, link = name[:-1], link[:-1]
    return "/".join(name), "/".join(link)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _check_size(infos: Sequence[zipfile.ZipInfo], limits: ArchiveLimits) -> None:
    if len(infos) > limits.max_files:
        raise FeedError(
            f"The archive holds {len(infos):,} files, more than the {limits.max_files:,} allowed: "
            "send it in parts"
        )
    if sum(info.file_size for info in infos) > limits.max_bytes:
        raise _too_much(limits)


def _too_much(limits: ArchiveLimits) -> FeedError:
    return FeedError(
        f"The archive unpacks to more than the {limits.max_bytes:,} bytes allowed: send it in parts"
    )


def _read(
    packed: zipfile.ZipFile, info: zipfile.ZipInfo, done: Unpacked, limits: ArchiveLimits
) -> bytes | None:
    most = limits.max_file_bytes
    if stat.S_ISLNK(info.external_attr >> 16):
        done.leave(info.filename, "this is a link to another file, not a file")
        return None
    if info.flag_bits & 1:
        done.leave(info.filename, "this is encrypted: pack it without a password")
        return None
    # What the archive says of sizes may be a lie, so no more than the limit is ever unpacked.
    data = None
    if info.file_size <= most:
        try:
            with packed.open(info) as file:
                data = file.read(most + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            ValueError,
        ) as error:
            done.leave(info.filename, f"this cannot be unpacked: {error}")
            return None
    if data is None or len(data) > most:
        done.leave(info.filename, f"this has more than the {most:,} bytes allowed")
        return None
    return data


def _is_picture(name: str, data: bytes, done: Unpacked) -> bool:
    try:
        sniff(data)
    except DecodeError as error:
        done.leave(name, str(error))
        return False
    return True


def _write(path: Path, data: bytes, name: str, done: Unpacked) -> None:
    try:
        # A file that stays as it is keeps its time, so the picture is not encoded again.
        if not (path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name[:50]}.part")
            part.write_bytes(data)
            part.replace(path)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageError(
                "The disk is full: free some space and send the pictures again"
            ) from error
        if error.errno in _NOT_OURS:
            raise StorageError(f"{path.parent} cannot be written: {error.strerror}") from error
        done.leave(name, f"no file can have this name here: {error.strerror}")
    else:
        done.kept += 1
