"""JSON values one after another out of a file: JSON Lines, an array, or a single document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TextIO

from shopsight.errors import FeedError

_CHUNK = 1 << 16
_VALUE_LIMIT = 1 << 27
"""Characters of one value: larger feeds are written as JSON Lines."""

_BLANKS_AND_COMMA = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class BadJson:
    """A line that is no JSON."""

    reason: str


def iterate_json(stream: TextIO, label: str) -> Iterator[tuple[int, object | BadJson]]:
    """Lines of JSON Lines, elements of an array, or the one value of a document.

    Memory stays constant, but for single values.

    Args:
        stream: Decoded text.
        label: Name of the feed, for messages.

    Yields:
        Line where the value begins, from 1, and the value; a bad line of a JSON Lines file comes as
        :class:`BadJson`.

    Raises:
        FeedError: The text is no JSON, ends early, or one value is too large.
    """
    number, line = 1, stream.readline(_CHUNK)
    while line and not line.strip("\ufeff \t\r\n"):
        number, line = number + 1, stream.readline(_CHUNK)
    start = line.lstrip("\ufeff \t")
    if start.startswith("{") and not start.endswith(("\n", "\r")):
        start += stream.readline(_VALUE_LIMIT)
    if start.startswith("{") and _is_json(start):
        yield from _lines(stream, number, start, label)
    else:
        yield from _stream(stream, number, start, label)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(
    stream: TextIO, number: int, line: str, label: str
) -> Iterator[tuple[int, object | BadJson]]:
    while line:
        if line.strip():
            yield number, _line_value(line, number, label)
        number, line = number + 1, stream.readline(_VALUE_LIMIT)


def _line_value(line: str, number: int, label: str) -> object | BadJson:
    try:
        value: object = json.loads(line, strict=False)
    except (ValueError, RecursionError) as error:
        if not line.endswith(("\n", "\r")):
            raise FeedError(
                f"{label} ends early: its last line ({number}) is cut off; export the feed again"
            ) from error
        return BadJson(f"The line is no JSON: {_reason(error)}")
    return value


def _stream(stream: TextIO, number: int, text: str, label: str) -> Iterator[tuple[int, object]]:
    """Elements of an array, or documents one after another, that span lines as they like."""
    decoder = json.JSONDecoder(strict=False)
    in_array = text.startswith("[")
    at = counted = 1 if in_array else 0
    wanted = _CHUNK
    while True:
        at = _skip_blanks(text, at)
        number += text.count("\n", counted, at)
        counted = at
        if in_array and text.startswith("]", at):
            return
        failure: ValueError | RecursionError | None = None
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            failure = error
        else:
            if end < len(text) or text[end - 1] in "]}":  # a number at the end may go on
                yield number, value
                at, wanted = end, _CHUNK
                continue
        more = stream.read(wanted)
        if not more:
            if at < len(text) or in_array:
                _give_up(failure, text[at:], number, label)
            return
        text, at, counted = text[at:] + more, 0, 0
        wanted *= 2  # so that a large value is not decoded over and over
        if len(text) > _VALUE_LIMIT:
            raise FeedError(
                f"{label}, line {number}: one value is larger than 128 MiB; use JSON Lines"
            )


def _skip_blanks(text: str, at: int) -> int:
    found = _BLANKS_AND_COMMA.match(text, at)
    return found.end() if found else at


def _give_up(
    error: ValueError | RecursionError | None, text: str, number: int, label: str
) -> NoReturn:
    line = number + text.count("\n")
    detail = _reason(error) if error else "the array is not closed"
    raise FeedError(
        f"{label} is no JSON, or cut off, between lines {number} and {line} ({detail}); "
        "export the feed again"
    ) from error


def _reason(error: Exception) -> str:
    return (
        "too deeply nested"
        if isinstance(error, RecursionError)
        else getattr(error, "msg", str(error))
    )
