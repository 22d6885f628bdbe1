"""Reads multipart forms as they arrive. No file passes through a temporary folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from shopsight.api.problems import ProblemError

MAX_FIELDS = 32
MAX_FIELD_BYTES = 64_000

Write = Callable[[BinaryIO, bytes], Awaitable[None]]
"""How bytes are written: at once for memory, in a thread for disks."""


@dataclass(slots=True)
class Form:
    """A form that was read.

    Attributes:
        fields: Text fields by name.
        files: Name of the sender's file, by field.
    """

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    text: bytearray = field(default_factory=bytearray)
    sink: BinaryIO | None = None


class _FormReader:
    """Callbacks of the parser. They must not block, so bytes of files are queued in ``pending``."""

    def __init__(self, sinks: Mapping[str, BinaryIO]) -> None:
        self.form = Form()
        self.pending: list[tuple[BinaryIO, bytes]] = []
        self.ended = False
        self._sinks = sinks
        self._part = _Part()
        self._header = bytearray()
        self._value = bytearray()

    def on_part_begin(self) -> None:
        self._part = _Part()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._part.headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if not name:
            raise _bad("A part of the form has no name.")
        if name in self.form.fields or name in self.form.files:
            raise _bad(f"The field {name!r} is given twice.")
        if len(self.form.fields) + len(self.form.files) >= MAX_FIELDS:
            raise _bad(f"The form has more than {MAX_FIELDS} fields.")
        self._part.name = name
        if b"filename" not in options:
            self.form.fields[name] = ""
        elif name in self._sinks:
            self.form.files[name] = options[b"filename"].decode("utf-8", "replace")
            self._part.sink = self._sinks[name]
        else:
            raise _bad(
                f"No file is expected in the field {name!r}, but in: {', '.join(self._sinks)}."
            )

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.sink is not None:
            self.pending.append((self._part.sink, data[start:end]))
            return
        self._part.text += data[start:end]
        if len(self._part.text) > MAX_FIELD_BYTES:
            raise _bad(f"The field {self._part.name!r} is longer than {MAX_FIELD_BYTES:,} bytes.")

    def on_part_end(self) -> None:
        if self._part.sink is None:
            self.form.fields[self._part.name] = self._part.text.decode("utf-8", "replace")

    def on_end(self) -> None:
        self.ended = True


async def read_form(
    request: Request, sinks: Mapping[str, BinaryIO], *, write: Write | None = None
) -> Form:
    """Read a multipart body.

    Args:
        request: Its body must not have been read.
        sinks: Where the bytes of files go, by field; other fields may not carry files.
        write: How they are written; by default at once, which suits memory.

    Raises:
        ProblemError: 400 when the form is malformed, 422 when its fields are not as expected.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise ProblemError(400, "form", "The body is no multipart form with a boundary.")
    reader = _FormReader(sinks)
    callbacks = {name: getattr(reader, name) for name in dir(reader) if name.startswith("on_")}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]  # a TypedDict of these
        async for chunk in request.stream():
            parser.write(chunk)
            for sink, data in reader.pending:
                if write is None:
                    sink.write(data)
                else:
                    await write(sink, data)
            reader.pending.clear()
        parser.finalize()
    except FormParserError as error:
        raise ProblemError(400, "form", f"The form is malformed: {error}") from error
    if not reader.ended:
        raise ProblemError(400, "form", "The form is cut off: its closing boundary is missing.")
    return reader.form


def _bad(detail: str) -> ProblemError:
    return ProblemError(422, "validation", detail)
