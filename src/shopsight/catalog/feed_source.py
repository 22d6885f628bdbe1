"""One feed to be read: where it is, what the caller knows about it, and its bytes or text."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Literal, TextIO, cast

from shopsight.catalog.product import RowError
from shopsight.catalog.text_encoding import TextEncoding, detect_encoding
from shopsight.errors import FeedError

HEAD_BYTES = 1 << 16
_GZIP = b"\x1f\x8b"
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_HTML_ENCODING = re.compile(
    rb"""<meta[^>]*?charset\s*=\s*["']?\s*([A-Za-z0-9._-]+)""", re.IGNORECASE
)


@dataclass(slots=True)
class RowCount:
    """Where reading has got to.

    Attributes:
        rows: Rows, items or records met so far, good or bad.
        line: Where the product made last begins, for readers that know.
    """

    rows: int = 0
    line: int | None = None


@dataclass(frozen=True, slots=True)
class FeedHead:
    """The beginning of a feed, for telling its format.

    Attributes:
        data: Up to 64 KiB, unpacked.
        text: The same as text; what cannot be decoded is replaced. Empty for binary files.
        name: File name without ``.gz``, in lower case.
        mapping: Columns that the caller named, by field.
    """

    data: bytes
    text: str
    name: str
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FeedSource:
    """A feed file with everything needed to read it.

    Attributes:
        path: The file; gzip is unpacked on the way.
        label: Name of the feed in reports.
        mapping: Our field -> the feed's column; fields not named are guessed.
        default_currency: ISO 4217 code for prices that name none.
        encoding: Character encoding; ``None``: find out.
        now: The moment that decides whether a sale is on.
        count: Counts rows while the feed is read.
    """

    path: Path
    label: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    default_currency: str | None = None
    encoding: str | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    count: RowCount = field(default_factory=RowCount)

    def problem(
        self,
        reason: str,
        *,
        line: int | None = None,
        field: str = "",
        product_id: str = "",
        severity: Literal["error", "warning"] = "error",
    ) -> RowError:
        """A :class:`RowError` of this feed."""
        return RowError(
            source=self.label,
            line=line,
            product_id=product_id,
            field=field,
            reason=reason,
            severity=severity,
        )

    def refuse_mapping(self, format_name: str) -> None:
        """For formats whose columns are fixed.

        Raises:
            FeedError: A mapping was given.
        """
        if self.mapping:
            raise FeedError(
                f"{self.label}: --map has no meaning for the format {format_name}, whose columns "
                "are fixed; add --format table to read the file as a plain table"
            )

    @cached_property
    def text_encoding(self) -> TextEncoding:
        """Encoding as given, or found by reading the file once."""
        if self.encoding:
            return TextEncoding(self.encoding)
        head = self.head.data[:4096]
        declared = _XML_ENCODING.search(head) or _HTML_ENCODING.search(head)
        with self._translated():
            return detect_encoding(self._open, declared[1].decode() if declared else "")

    @cached_property
    def head(self) -> FeedHead:
        """The beginning of the file.

        Raises:
            FeedError: The file is missing, a folder, empty, unreadable, or a damaged archive.
        """
        if self.path.is_dir():
            raise FeedError(f"{self.label} is a folder; name the feed file in it")
        with self._translated(), self._open() as stream:
            data = stream.read(HEAD_BYTES)
        if data.startswith(b"PAR1"):
            return FeedHead(data, "", self.path.name.lower(), self.mapping)
        if not data.strip(b"\0\r\n\t \xef\xbb\xbf"):
            raise FeedError(f"{self.label} is empty; export the feed again")
        name = self.path.name.lower().removesuffix(".gz")
        return FeedHead(data, _head_text(data), name, self.mapping)

    @contextmanager
    def binary(self) -> Iterator[BinaryIO]:
        """The unpacked bytes.

        Raises:
            FeedError: The file cannot be opened, or ends early; also from inside the ``with``
                block.
        """
        with self._translated(), self._open() as stream:
            yield stream

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        """The decoded text, line ends as they are.

        Raises:
            FeedError: The file cannot be opened, or ends early; also from inside the ``with``
                block.
        """
        encoding = self.text_encoding
        with self._translated(), self._open() as stream:
            try:
                text = io.TextIOWrapper(stream, encoding.name, encoding.errors, newline="")
            except LookupError as error:
                raise FeedError(
                    f"{self.encoding!r} is no known encoding; try utf-8 or gb18030"
                ) from error
            with text:
                yield text

    def _open(self) -> BinaryIO:
        stream = self.path.open("rb")
        try:
            packed = stream.read(2) == _GZIP
            stream.seek(0)
        except OSError:
            stream.close()
            raise
        return cast("BinaryIO", _Unzipped(stream)) if packed else stream

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise FeedError(f"{self.label} does not exist; check the path") from error
        except EOFError as error:
            raise FeedError(
                f"{self.label} ends early: the gzip archive is cut off; copy it again"
            ) from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise FeedError(
                f"{self.label} is a damaged gzip archive; copy it again ({error})"
            ) from error
        except UnicodeError as error:
            raise FeedError(
                f"{self.label} cannot be decoded as {self.text_encoding.name}: {error}"
            ) from error
        except OSError as error:
            raise FeedError(f"{self.label} cannot be read: {error.strerror or error}") from error


def _head_text(data: bytes) -> str:
    encoding = detect_encoding(lambda: cast("BinaryIO", io.BytesIO(data)))
    if encoding.name == "utf-8":
        # a character may be cut in two at the end; a NUL in UTF-8 is no text
        return data.decode("utf-8", "ignore")
    return data.decode(encoding.name, "replace").lstrip("\ufeff")


class _Unzipped(gzip.GzipFile):
    """A gzip stream that closes its file with itself."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(fileobj=stream, mode="rb")
        self._stream = stream

    def close(self) -> None:
        super().close()
        self._stream.close()
