from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from shopsight.api.server import serving
from shopsight.catalog.keys import KeyStore
from shopsight.settings import Settings
from shopsight.wiring import Shop

ADMIN_ROUTES = [
    ("PUT", "/v1/products/M1"),
    ("DELETE", "/v1/products/M1"),
    ("POST", "/v1/products/batch"),
    ("POST", "/v1/feeds"),
    ("GET", "/v1/feeds"),
    ("PUT", "/v1/feeds/mugs"),
    ("DELETE", "/v1/feeds/mugs"),
    ("POST", "/v1/feeds/mugs/jobs"),
    ("PUT", "/v1/feeds/mugs/file"),
    ("PUT", "/v1/feeds/mugs/pictures"),
    ("GET", "/v1/feeds/mugs/preview"),
    ("GET", "/v1/feeds/mugs/check"),
    ("GET", "/v1/duplicates"),
    ("POST", "/v1/duplicates/distinct"),
    ("POST", "/v1/jobs"),
    ("POST", "/v1/evaluations"),
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys"),
    ("DELETE", "/v1/keys/1"),
    ("GET", "/v1/settings/origins"),
    ("PUT", "/v1/settings/origins"),
    ("GET", "/v1/usage"),
    ("GET", "/v1/health"),
    ("GET", "/v1/indexes"),
    ("GET", "/v1/jobs"),
    ("GET", "/v1/jobs/1"),
    ("DELETE", "/v1/jobs/1"),
    ("GET", "/v1/jobs/1/problems"),
    ("GET", "/v1/index"),
    ("GET", "/metrics"),
    ("GET", "/v1/brands"),
    ("GET", "/v1/brands/Kavoa"),
    ("PUT", "/v1/brands/Kavoa"),
    ("DELETE", "/v1/brands/Kavoa"),
    ("POST", "/v1/brands/Kavoa/examples"),
    ("DELETE", "/v1/brands/Kavoa/examples"),
    ("POST", "/v1/reviews"),
]
SEARCH_ROUTES = [
    ("POST", "/v1/search"),
    ("GET", "/v1/search/options"),
    ("POST", "/v1/recognize"),
    ("POST", "/v1/classify"),
    ("POST", "/v1/brand"),
    ("POST", "/v1/events"),
    ("GET", "/v1/products"),
    ("GET", "/v1/products/MUG001"),
    ("GET", "/v1/products/MUG001/images/0"),
    ("GET", "/v1/products/MUG001/reviews"),
]
OPEN_ROUTES = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
    ("GET", "/admin"),
    ("GET", "/v1/session"),
]
SIGNING_IN = [("POST", "/v1/session"), ("DELETE", "/v1/session")]
"""Open too; tests/api/test_session.py is about them."""


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_admin_routes_are_closed_without_a_key(
    client: httpx.Client, method: str, path: str
) -> None:
    """Without a key every admin route answers 401 and how to send one, whatever the body is."""
    answer = client.request(method, path, content=b"not even JSON")
    assert (answer.status_code, answer.json()["reason"]) == (401, "no_key")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "X-API-Key" in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_admin_routes_are_closed_to_wrong_keys(
    client: httpx.Client, method: str, path: str
) -> None:
    """A made-up secret opens nothing, in either header."""
    for headers in ({"Authorization": "Bearer ss_wrong"}, {"X-API-Key": "ss_wrong"}):
        answer = client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (401, "wrong_key")


@pytest.mark.parametrize(("method", "path"), ADMIN_ROUTES)
def test_admin_routes_are_closed_to_search_keys(
    client: httpx.Client, shop: Shop, method: str, path: str
) -> None:
    """A key for searching is not enough."""
    _key, secret = KeyStore(shop.database).create("page", "search")
    answer = client.request(method, path, headers={"X-API-Key": secret})
    assert (answer.status_code, answer.json()["reason"]) == (403, "wrong_scope")


def test_every_route_is_in_one_of_the_lists(client: httpx.Client) -> None:
    """A new route must be sorted into open, search and admin here, and so be tested."""
    listed = {
        (method, path) for method, path in (ADMIN_ROUTES + SEARCH_ROUTES + OPEN_ROUTES + SIGNING_IN)
    }
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        example = (
            path.replace("{product_id}", "MUG001" if "images" in path else "M1")
            .replace("{name}", "Kavoa")
            .replace("{number}", "0")
            .replace("{job_id}", "1")
            .replace("{key_id}", "1")
            .replace("{feed_id}", "mugs")
        )
        for method in operations:
            names = {(method.upper(), example), (method.upper(), example.replace("M1", "MUG001"))}
            assert names & listed, f"{method.upper()} {path}"


def test_both_headers_open(client: httpx.Client, secret: str) -> None:
    """The key counts as a bearer token and in X-API-Key."""
    for headers in ({"Authorization": f"Bearer {secret}"}, {"X-API-Key": secret}):
        assert client.get("/v1/jobs", headers=headers).status_code == 200


def test_without_any_key_the_message_says_how_to_make_one(tmp_path: Path) -> None:
    """In a new shop even the first admin call is closed, and tells of `shopsight keys create`."""
    settings = Settings(data=tmp_path, encoder="thumbnail")
    with Shop.open(settings=settings) as shop, serving(shop) as address:
        answer = httpx.get(f"{address}/v1/jobs")
        assert answer.status_code == 401
        assert "shopsight keys create" in answer.json()["detail"]
        KeyStore(shop.database).create("first")
        assert "shopsight keys create" not in httpx.get(f"{address}/v1/jobs").json()["detail"]


def test_a_revoked_key_is_closed_at_once(client: httpx.Client, shop: Shop) -> None:
    """The running server learns of a revocation without a restart."""
    keys = KeyStore(shop.database)
    key, secret = keys.create("gone")
    headers = {"X-API-Key": secret}
    assert client.get("/v1/jobs", headers=headers).status_code == 200
    keys.revoke(key.id)
    assert client.get("/v1/jobs", headers=headers).status_code == 401


@pytest.mark.parametrize(("method", "path"), SEARCH_ROUTES)
def test_search_routes_can_be_closed(
    start: Callable[..., httpx.Client], method: str, path: str
) -> None:
    """With the setting, search routes need a key too; pages and health stay open."""
    client = start(search_needs_key=True)
    assert client.request(method, path).status_code not in {401, 403}
    del client.headers["X-API-Key"]
    assert client.request(method, path).status_code == 401
    for open_method, open_path in OPEN_ROUTES:
        assert client.request(open_method, open_path).status_code == 200


@pytest.mark.parametrize(("method", "path"), SEARCH_ROUTES)
def test_open_search_routes_refuse_wrong_keys(client: httpx.Client, method: str, path: str) -> None:
    """Whoever sends a wrong key learns so, even where none is needed."""
    answer = client.request(method, path, headers={"X-API-Key": "ss_wrong"})
    assert answer.status_code == 401


def test_other_origins_may_call_only_when_named(start: Callable[..., httpx.Client]) -> None:
    """CORS headers are given to the origins of the setting and to no other."""
    client = start(cors_origins=["https://shop.example"])
    good, bad = {"Origin": "https://shop.example"}, {"Origin": "https://evil.example"}
    answer = client.get("/healthz", headers=good)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers=bad).headers
    wish = {"Access-Control-Request-Method": "POST"}
    assert client.options("/v1/search", headers=good | wish).status_code == 200
    assert client.options("/v1/search", headers=bad | wish).status_code == 400
    refused = client.put("/v1/products/x", headers=good | {"X-API-Key": "wrong"})
    assert refused.headers["Access-Control-Allow-Origin"] == "https://shop.example"
