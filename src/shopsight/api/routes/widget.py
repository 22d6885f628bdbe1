"""The widget that shops put into their own pages: one script, put together from its parts."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

PARTS = Path(__file__).resolve().parents[2] / "web" / "widget"
"""Its parts. A path and no import: the layers ``api`` and ``web`` do not know each other."""

# Shops put the same address into all their pages, so it cannot name the version.
_CACHED = "public, max-age=3600, stale-while-revalidate=604800"
_ORDER = ("texts", "dom", "photo", "api", "card", "stage", "panel", "button", "main")

_LICENCE = "/*! Shopsight widget, Apache-2.0 */\n"
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|class|function|async)", re.MULTILINE)
_COMMENT = re.compile(r"^\s*(/\*[\s\S]*?\*/|//[^\n]*)\n", re.MULTILINE)
_SPACE = re.compile(r"^\s+|\s+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class WidgetFile:
    """The script.

    Attributes:
        text: As UTF-8.
        compressed: The same, with gzip.
        etag: Names its content.
    """

    text: bytes
    compressed: bytes
    etag: str


@cache
def widget_file() -> WidgetFile:
    """Put the script together: the parts in one scope, without imports, comments and indents."""
    style = re.sub(r"/\*[\s\S]*?\*/", "", (PARTS / "style.css").read_text(encoding="utf-8"))
    pieces = [f"const STYLE = {json.dumps(' '.join(style.split()))};\n"]
    for name in _ORDER:
        code = (PARTS / f"{name}.js").read_text(encoding="utf-8")
        pieces.append(_COMMENT.sub("", _EXPORT.sub("", _IMPORT.sub("", code))))
    body = _SPACE.sub("", "".join(pieces))
    text = f'{_LICENCE}(() => {{\n"use strict";\n{body}\n}})();\n'.encode()
    return WidgetFile(
        text, gzip.compress(text, 9, mtime=0), f'"{hashlib.sha256(text).hexdigest()[:16]}"'
    )


def router(_parts: object) -> APIRouter:
    """The route of the script. It is no part of the API, so OpenAPI leaves it out."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/widget.js")
    async def widget(request: Request) -> Response:
        file = widget_file()
        headers = {"Cache-Control": _CACHED, "ETag": file.etag, "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        packed = "gzip" in request.headers.get("accept-encoding", "")
        if packed:
            headers["Content-Encoding"] = "gzip"
        content = file.compressed if packed else file.text
        return Response(content, media_type="text/javascript; charset=utf-8", headers=headers)

    return routes
