from __future__ import annotations

import re
from pathlib import Path

import httpx

from shopsight.api.server import serving
from shopsight.wiring import Shop


def test_the_page_and_its_files_are_served(client: httpx.Client) -> None:
    """The page and its files come with their types, and browsers ask each time for newer ones."""
    page = client.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    script = client.get("/static/store/app.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.headers["Content-Encoding"] == "gzip"
    assert script.headers["Cache-Control"] == "no-cache"
    style = client.get("/static/shared/tokens.css")
    assert style.headers["Content-Type"].startswith("text/css")


def test_files_named_by_their_version_are_kept(client: httpx.Client) -> None:
    """The page names its files with their version; these may be kept for ever, older ones not."""
    (address,) = set(
        re.findall(r'="\./(static/v-[0-9a-f]{12})/store/app\.js"', client.get("/").text)
    )
    script = client.get(f"/{address}/store/app.js")
    assert "immutable" in script.headers["Cache-Control"]
    older = client.get("/static/v-0123456789ab/store/app.js")
    assert older.text == script.text
    assert older.headers["Cache-Control"] == "no-cache"


def test_samples_are_listed_and_served(client: httpx.Client, sample_shop: Path) -> None:
    """The demo's photos have addresses, and each leads to its photo."""
    samples = client.get("/samples").json()["samples"]
    photos = sorted((sample_shop / "photos").glob("*_a.jpg"))[:3]
    assert [client.get(link).content for link in samples] == [p.read_bytes() for p in photos]
    assert client.get("/samples/3").status_code == 404
    assert client.get("/samples/-1").status_code == 422


def test_a_real_shop_has_no_samples(shop: Shop, tmp_path: Path) -> None:
    """Without samples the list is empty; a sample whose file is gone is not found."""
    with serving(shop) as address:
        assert httpx.get(f"{address}/samples").json() == {"samples": []}
    with serving(shop, samples=[tmp_path / "gone.jpg"]) as address:
        assert httpx.get(f"{address}/samples/0").status_code == 404
