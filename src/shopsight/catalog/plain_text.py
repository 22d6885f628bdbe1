"""Clean plain text out of what feeds contain: mark-up, entities, control characters."""

from __future__ import annotations

import html
import re

from lxml import etree

MARKUP_LIMIT = 1_000_000
"""Characters of mark-up that are parsed; the text of a description is cut far earlier."""

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]"
)
_TAG = re.compile(r"<(?:/?[a-z][^<>]*>|!--|!\[CDATA\[|!doctype\b)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r" ?\n[\n ]*")
_SPACE = re.compile(r"\s+")
_SILENT = frozenset({"script", "style", "template", "noscript", "head", "iframe", "svg", "object"})
_BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
    }
    | {"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr"}
    | {"li", "main", "nav", "ol", "option", "p", "pre", "section", "select", "summary", "table"}
    | {"tbody", "tfoot", "thead", "tr", "ul"}
)
_CELLS = frozenset({"td", "th", "img", "input", "button"})


def without_controls(text: str) -> str:
    """The text without control characters and the like; tabs and line ends stay."""
    return text if text.isprintable() else _CONTROL.sub("", text)


def one_line(text: str) -> str:
    """Plain text on one line: mark-up removed, runs of blanks made one space."""
    plain = html_to_text(text)
    return _SPACE.sub(" ", plain) if "\n" in plain else plain


def html_to_text(text: str) -> str:
    """Plain text out of HTML, or of plain text.

    Block elements become lines; scripts, styles and comments are removed; entities become
    characters, also where the mark-up was escaped once too often. Of more than a million characters
    only the first million are looked at.

    Args:
        text: HTML, a fragment of it, or plain text.

    Returns:
        Text without control characters; blanks are single spaces, lines are not empty.
    """
    text = text[:MARKUP_LIMIT]
    if "<" not in text and "&" not in text and "  " not in text and text.isprintable():
        return text.strip()  # most texts; the rest takes ten times as long
    for _ in range(2):
        if _TAG.search(text):
            text = _strip_markup(text)
        elif _ENTITY.search(text):
            text = html.unescape(text)
        else:
            break
    text = without_controls(text.replace("\r\n", "\n").replace("\r", "\n"))
    return _BLANK_LINES.sub("\n", _BLANKS.sub(" ", text)).strip()


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, cut at a blank where one is near, ending in an ellipsis."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    blank = head.rfind(" ", len(head) - 40)
    return (head[:blank] if blank > 0 else head).rstrip() + "…"


def _strip_markup(text: str) -> str:
    parser = etree.HTMLParser(no_network=True, huge_tree=True, recover=True)
    body = without_controls(text).replace("<![CDATA[", "").replace("]]>", "")
    try:
        root = etree.fromstring(f"<div>{body}</div>", parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        return html.unescape(_TAG.sub(" ", body).replace(">", " "))
    parts: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        name = element.tag if isinstance(element.tag, str) else ""
        if event in {"comment", "pi"}:
            parts.append("" if silent else element.tail or "")
            continue
        if name in _SILENT:
            silent += 1 if event == "start" else -1
        if not silent:
            parts.append(_gap(name))
            parts.append((element.text if event == "start" else element.tail) or "")
    return "".join(parts)


def _gap(name: str) -> str:
    if name in _BLOCKS:
        return "\n"
    return " " if name in _CELLS else ""
