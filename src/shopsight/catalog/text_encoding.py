"""Which character encoding a file is in.

The whole file is read once, in constant memory, so that late surprises count.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1 << 20
_SAMPLE = 1 << 18
_NUL_SHARE = 0.3  # of every second byte: ASCII letters in UTF-16
_BYTE_ORDER_MARKS = (  # the longer ones first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = [
    *("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"),
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "koi8_r"),
]
"""Encodings that shops export in. The detector is confused by the many others it knows."""

_WESTERN = frozenset("àâãåæèêëìïñòõøùûÀÂÃÅÆÈÊËÌÏÑÒÕØÙÛ")
_CENTRAL = frozenset("šžýŠŽÝ")
"""Rare in western Europe, and at the same place in both encodings."""

_BOTH = frozenset("õûÕÛ")
"""Hungarian letters of cp1250 where they are read as cp1252."""


@dataclass(frozen=True, slots=True)
class TextEncoding:
    """How to decode a file.

    Attributes:
        name: Python's name of the encoding.
        errors: ``strict`` when every byte is known to be right, else ``replace``.
        note: What a person should know, such as that the encoding is a guess; or empty.
    """

    name: str
    errors: str = "replace"
    note: str = ""


def detect_encoding(open_binary: Callable[[], BinaryIO], declared: str = "") -> TextEncoding:
    """Find the encoding of a file.

    Args:
        open_binary: Opens the file anew.
        declared: Encoding that the file itself names, as in an XML declaration, or empty.

    Returns:
        The byte order mark's encoding; else UTF-8 when all bytes are UTF-8; else the declared one;
        else the best guess.
    """
    with open_binary() as stream:
        head = stream.read(4096)
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return TextEncoding(name)
    if wide := _utf16_without_mark(head):
        return TextEncoding(wide, note=f"The file has no byte order mark; it was read as {wide}.")
    named = _python_name(declared)
    if named.startswith(("utf-16", "utf-32")):
        named = ""  # the bytes say otherwise
    if _all_utf8(open_binary):
        return TextEncoding("utf-8", errors="strict")
    if named and named != "utf-8":
        return TextEncoding(named)
    return _guess(_telling_lines(open_binary))


def _python_name(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name if declared else ""
    except LookupError:
        return ""
    return {"gb2312": "gb18030", "gbk": "gb18030", "iso8859-1": "cp1252"}.get(name, name)


def _utf16_without_mark(head: bytes) -> str:
    half = max(1, len(head) // 2)
    if head[1::2].count(0) / half > _NUL_SHARE and head[0::2].count(0) / half < _NUL_SHARE:
        return "utf-16-le"
    if head[0::2].count(0) / half > _NUL_SHARE and head[1::2].count(0) / half < _NUL_SHARE:
        return "utf-16-be"
    return ""


def _all_utf8(open_binary: Callable[[], BinaryIO]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    with open_binary() as stream:
        try:
            for chunk in _chunks(stream):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        except (EOFError, OSError):
            return True  # a damaged archive: its reader will say so
    return True


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _telling_lines(open_binary: Callable[[], BinaryIO]) -> list[bytes]:
    """Lines with bytes beyond ASCII, each once, up to a limit."""
    lines: dict[bytes, None] = {}
    size = 0
    with open_binary() as stream:
        try:
            while (line := stream.readline(_SAMPLE)) and size < _SAMPLE:
                if not line.isascii() and line not in lines:
                    lines[line] = None
                    size += len(line)
        except (EOFError, OSError):
            pass  # a damaged archive: its reader will say so
    return list(lines)


def _guess(lines: list[bytes]) -> TextEncoding:
    right = sum(_is_utf8(line) for line in lines)
    if right * 2 >= len(lines):
        return TextEncoding(
            "utf-8",
            note="Some bytes are not UTF-8; each was read as \ufffd. Export the feed again.",
        )
    from charset_normalizer import from_bytes  # slow to import, seldom needed

    sample = b"".join(lines)
    best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
    name = best.encoding if best else "cp1252"
    if name == "cp1250" and _is_western(sample):
        name = "cp1252"
    note = f"The file is not UTF-8; it was read as {name}. If letters look wrong, save it as UTF-8."
    return TextEncoding(name, note=note)


def _is_western(sample: bytes) -> bool:
    """Whether a text is in cp1252 rather than in cp1250, which short samples are taken for."""
    western, central = sample.decode("cp1252", "replace"), sample.decode("cp1250", "replace")
    telling = {one for one, other in zip(western, central, strict=True) if one != other}
    return (
        telling <= _WESTERN and not set(western) & _CENTRAL and not (telling and telling <= _BOTH)
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
