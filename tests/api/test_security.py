from __future__ import annotations

import re

import httpx
import pytest

from shopsight.api.security import ANSWER_POLICY, PAGE_POLICY

PAGES = ["/", "/admin"]
OTHERS = ["/v1/products", "/v1/none", "/healthz", "/openapi.json", "/static/none.js", "/samples"]


def directives(policy: str) -> dict[str, list[str]]:
    """A Content-Security-Policy as a table."""
    return {words[0]: words[1:] for part in policy.split(";") if (words := part.split())}


@pytest.mark.parametrize("path", PAGES)
def test_pages_run_nothing_but_their_own_files(client: httpx.Client, path: str) -> None:
    """Pages refuse inline and foreign scripts and styles, frames, foreign forms, and sniffing."""
    headers = client.get(path).headers
    rules = directives(headers["Content-Security-Policy"])
    assert rules["default-src"] == ["'none'"]
    for name in ("script-src", "style-src", "connect-src"):
        assert rules[name] == ["'self'"]
    for name in ("frame-ancestors", "base-uri", "form-action"):
        assert rules[name] == ["'none'"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert re.search(r"\bcamera=\(self\)", headers["Permissions-Policy"])
    assert re.search(r"\bgeolocation=\(\)", headers["Permissions-Policy"])


@pytest.mark.parametrize("path", PAGES)
def test_pages_need_nothing_inline(client: httpx.Client, path: str) -> None:
    """Pages have no inline script, style or event handler that their own policy would stop."""
    html = client.get(path).text
    inline = r"<script(?![^>]*\bsrc=)(?![^>]*ld\+json)[^>]*>|<style|\son\w+=|\sstyle="
    assert re.findall(inline, html) == []


@pytest.mark.parametrize("path", OTHERS)
def test_answers_are_no_pages(client: httpx.Client, path: str) -> None:
    """Should a browser show an answer or an error, nothing in it may run or be framed."""
    headers = client.get(path).headers
    assert headers["Content-Security-Policy"] == ANSWER_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Permissions-Policy" not in headers


def test_pictures_and_scripts_may_be_embedded(client: httpx.Client) -> None:
    """Shops' pages that isolate themselves still get thumbnails and scripts."""
    for path in ("/v1/products/MUG001/images/0?width=320", "/v1/products/MUG001/images/0"):
        assert client.get(path).headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_the_policy_is_said_once(client: httpx.Client) -> None:
    """A page carries exactly the policy of the one place where it is written."""
    assert client.get("/").headers.get_list("Content-Security-Policy") == [PAGE_POLICY]
