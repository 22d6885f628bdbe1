from __future__ import annotations

import gzip
import re

import httpx

from shopsight.api.routes.widget import PARTS, widget_file

MOST_BYTES = 15_000


def test_the_widget_is_small() -> None:
    """Shops pay for every byte in all their pages: compressed, the script keeps to its budget."""
    assert len(widget_file().compressed) <= MOST_BYTES
    assert gzip.decompress(widget_file().compressed) == widget_file().text


def test_the_widget_is_one_script_of_all_its_parts() -> None:
    """Nothing is imported at run time, and no part was forgotten."""
    text = widget_file().text.decode()
    assert re.findall(r"^(import|export)\b", text, re.MULTILINE) == []
    for part in PARTS.glob("*.js"):
        for name in re.findall(
            r"^export (?:async )?(?:function|class) (\w+)", part.read_text(), re.MULTILINE
        ):
            assert len(re.findall(rf"(?:function|class) {name}\b", text)) == 1


def test_the_widget_does_nothing_that_strict_pages_forbid() -> None:
    """No HTML from text, no evaluation, no style attributes, no addresses of other servers."""
    text = widget_file().text.decode().replace("http://www.w3.org/2000/svg", "")
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "Function(",
        '"style"',
        "://",
    ):
        assert forbidden not in text, forbidden


def test_the_widget_is_served_for_pages_of_other_origins(client: httpx.Client) -> None:
    """Browsers keep it for an hour, ask then whether it is current, and may embed it anywhere."""
    answer = client.get("/widget.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"].startswith("public, max-age=3600")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.content == widget_file().text
    plain = client.get("/widget.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == answer.content
    again = client.get("/widget.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
