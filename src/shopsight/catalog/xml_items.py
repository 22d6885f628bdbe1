"""Items out of an RSS or Atom file, one at a time."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from lxml import etree

from shopsight.catalog.plain_text import without_controls
from shopsight.errors import FeedError

_CHUNK = 1 << 18
ITEM_LIMIT = 1 << 25
"""Characters of one item."""

_NAME = r"(?:[A-Za-z_][\w.-]*:)?(?:item|entry)"
_MARK = re.compile(rf"<!\[CDATA\[|<!--|<(?P<open>{_NAME})(?=[\s>/])|</{_NAME}\s*>")
_NEXT = re.compile(rf"</{_NAME}\s*>\s*<{_NAME}[\s>]")  # the seam between two items
_ROOT_END = re.compile(r"</(?:[\w.-]+:)?(?:rss|feed|RDF|channel)\s*>$", re.IGNORECASE)
_ENDS = {"<![CDATA[": "]]>", "<!--": "-->"}
_LONGEST_MARK = 100
_NAMESPACE = re.compile(r"""xmlns:([A-Za-z_][\w.-]*)\s*=\s*["']([^"'<>&]*)["']""")
_DEFAULT_NAMESPACE = re.compile(r"""xmlns\s*=\s*["']([^"'<>&]*)["']""")
_DTD = re.compile(r"<!(?:ENTITY|DOCTYPE[^>]*\[)", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)
_CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_ENTITY = re.compile(r"&(?!(?:#\d+|#x[0-9A-Fa-f]+|amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*;)?")
_PREFIX = re.compile(r"</?([A-Za-z_][\w.-]*):")
_TAIL = 200


@dataclass(frozen=True, slots=True)
class XmlItem:
    """One ``<item>`` or ``<entry>``.

    Attributes:
        line: Where it begins.
        root: The element; ``None`` when nothing can be made of it.
        problem: What was wrong with its XML, or empty.
    """

    line: int
    root: etree._Element | None
    problem: str = ""


def iterate_items(stream: TextIO, label: str) -> Iterator[XmlItem]:
    """All items, in constant memory.

    Args:
        stream: Decoded text.
        label: Name of the feed, for messages.

    Raises:
        FeedError: The document declares entities, or ends inside an item or before its root element
            is closed.
    """
    cutter = _Cutter(stream, label)
    parser: _ItemParser | None = None
    for line, text, closed in cutter:
        parser = parser or _ItemParser(cutter.prolog)
        if closed:
            yield parser.parse(text, line)
        else:
            yield XmlItem(line, None, "The item is not closed; the next one begins inside it")


class _Cutter:
    """Cuts the text of items out of a stream."""

    def __init__(self, stream: TextIO, label: str) -> None:
        self._stream = stream
        self._label = label
        self._text = ""
        self._ended = False
        self._scanned = 0  # place up to which the text was searched
        self._start: int | None = None  # of the present item
        self._line = 1  # of the place counted
        self._counted = 0
        self._items = False  # whether one was met
        self.prolog = ""

    def __iter__(self) -> Iterator[tuple[int, str, bool]]:
        """Line, text, and whether the item is closed."""
        while (mark := self._next_mark()) is not None:
            opens = mark["open"] is not None
            if self._start is not None:
                until = mark.start() if opens else mark.end()
                yield self._line, self._text[self._start : until], not opens
                self._count(until)
                self._start = None
            if opens:
                self._keep_prolog(mark.start())
                self._items = True
                self._count(mark.start())
                self._start = mark.start()
        yield from self._finish()

    def _next_mark(self) -> re.Match[str] | None:
        """The next tag that opens or closes an item, outside CDATA and comments."""
        while True:
            mark = _MARK.search(self._text, self._scanned)
            if mark is None:
                if self._ended:
                    return None
                self._scanned = max(self._scanned, len(self._text) - _LONGEST_MARK)
                self._more()
                continue
            self._scanned = mark.end()
            ending = _ENDS.get(mark[0])
            if ending is None:
                return mark
            self._skip_to(ending)

    def _skip_to(self, ending: str) -> None:
        """Go behind the end of CDATA or a comment, unless it swallows the next item."""
        looked = begin = self._scanned
        while (end := self._text.find(ending, looked)) < 0:
            looked = max(begin, len(self._text) - len(ending))
            if self._ended or len(self._text) - begin > ITEM_LIMIT:
                return
            dropped = self._more()
            looked, begin = looked - dropped, begin - dropped
        in_item = self._start is not None
        if ending == "-->" or not (in_item and _NEXT.search(self._text, begin, end)):
            self._scanned = end + len(ending)

    def _more(self) -> int:
        """Read on, and let go of what is done; return by how much places have moved."""
        keep = self._start if self._start is not None else max(0, self._scanned - _TAIL)
        if self._start is None:
            self._keep_prolog(keep)
        self._count(keep)
        chunk = self._stream.read(_CHUNK)
        self._text = self._text[keep:] + chunk
        self._ended = not chunk
        self._scanned -= keep
        self._counted -= keep
        self._start = None if self._start is None else 0
        if len(self._text) > 2 * ITEM_LIMIT:
            raise FeedError(
                f"{self._label}, line {self._line}: an item is never closed, or exceeds 32 MiB"
            )
        return keep

    def _count(self, until: int) -> None:
        """Count lines up to a place."""
        if until > self._counted:
            ends = self._text.count("\n", self._counted, until)
            self._line += ends or self._text.count("\r", self._counted, until)
            self._counted = until

    def _keep_prolog(self, until: int) -> None:
        if not self._items and len(self.prolog) < _CHUNK:
            self.prolog += self._text[:until]
            if _DTD.search(_COMMENT.sub("", self.prolog)):
                raise FeedError(
                    f"{self._label} declares entities in a DTD, which is not accepted for safety; "
                    "export the feed without a DOCTYPE"
                )

    def _finish(self) -> Iterator[tuple[int, str, bool]]:
        closed = _ROOT_END.search(_COMMENT.sub("", self._text[-_CHUNK:]).rstrip()) is not None
        if self._start is not None and closed:
            yield self._line, self._text[self._start :], False
        elif self._start is not None:
            raise FeedError(
                f"{self._label} ends early, inside the item of line {self._line}; "
                "export the feed again"
            )
        self._keep_prolog(len(self._text))
        if not closed:
            self._count(len(self._text))
            raise FeedError(
                f"{self._label} ends early: the root element is not closed in line {self._line}; "
                "export the feed again"
            )


class _ItemParser:
    """Parses single items within the namespaces that the document declares around them."""

    def __init__(self, prolog: str) -> None:
        visible = _COMMENT.sub("", prolog)
        names = dict(_NAMESPACE.findall(visible))
        names.setdefault("g", "http://base.google.com/ns/1.0")
        default = _DEFAULT_NAMESPACE.search(visible)
        declared = [f' xmlns="{default[1]}"'] if default else []
        declared += [
            f' xmlns:{name}="{address}"'
            for name, address in names.items()
            if address and name != "xml"
        ]
        self._prefixes = {*names, "xml", "xmlns"}
        self._declared = "".join(declared)
        self._strict = _safe_parser(recover=False)
        self._lenient = _safe_parser(recover=True)

    def parse(self, text: str, line: int) -> XmlItem:
        """The element; repaired where possible."""
        root = self._element(self._strict, text, self._declared)
        if root is not None:
            return XmlItem(line, root)
        repaired = _repaired(text)
        forgotten = sorted(set(_PREFIX.findall(repaired)) - self._prefixes)
        declared = self._declared + "".join(
            f' xmlns:{name}="urn:undeclared:{name}"' for name in forgotten
        )
        root = self._element(self._strict, repaired, declared)
        if root is not None:
            return XmlItem(line, root)
        root = self._element(self._lenient, repaired, declared)
        if root is None:
            return XmlItem(line, None, "The item is no XML")
        return XmlItem(line, root, "The XML of the item is broken; it was read as well as possible")

    def _element(self, parser: etree.XMLParser, text: str, declared: str) -> etree._Element | None:
        try:
            root = etree.fromstring(f"<items{declared}>{text}</items>".encode(), parser)
        except (etree.XMLSyntaxError, ValueError):
            return None
        return root[0] if root is not None and len(root) else None


def _safe_parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=True,  # long descriptions; the text of an item is bounded
        remove_comments=True,
        remove_pis=True,
    )


def _repaired(text: str) -> str:
    """The text with lone ampersands and HTML's entities made into XML, outside CDATA."""
    parts = _CDATA.split(without_controls(text))
    parts[::2] = (_ENTITY.sub(_escaped, part) for part in parts[::2])
    return "".join(parts)


def _escaped(entity: re.Match[str]) -> str:
    character = html.unescape(entity[0])
    return f"&amp;{entity[1] or ''}" if character == entity[0] else html.escape(character)
