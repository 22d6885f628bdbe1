from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from shopsight.api.problems import ProblemError
from shopsight.api.server import serving
from shopsight.api.throttle import Throttle
from shopsight.catalog.keys import KeyStore
from shopsight.catalog.sessions import SessionStore
from shopsight.settings import Settings
from shopsight.wiring import Shop


@pytest.fixture
def office(client: httpx.Client, secret: str) -> Iterator[httpx.Client]:
    """A client that signed in, and sends the proof with every request."""
    answer = client.post("/v1/session", json={"key": secret})
    assert answer.status_code == 201
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    yield client
    client.delete("/v1/session")


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(
    client: httpx.Client, secret: str
) -> None:
    """The cookie is HttpOnly and SameSite=Strict, ends by itself, and opens admin routes."""
    answer = client.post("/v1/session", json={"key": f" {secret}\n"})
    cookie = answer.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"):
        assert part in cookie
    assert secret not in answer.text
    assert client.get("/v1/jobs").status_code == 200
    told = client.get("/v1/session").json()
    assert (told["signed_in"], told["name"]) == (True, "tests")
    assert told["csrf_token"] == answer.json()["csrf_token"]


def test_the_cookie_is_for_https_only_where_that_is_spoken(
    client: httpx.Client, secret: str
) -> None:
    """Behind a proxy with TLS, the cookie never goes over plain HTTP."""
    headers = {"X-Forwarded-Proto": "https"}
    answer = client.post("/v1/session", json={"key": secret}, headers=headers)
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"X-CSRF-Token": ""}, "no_proof"),
        ({"X-CSRF-Token": "0" * 64}, "no_proof"),
        ({"X-CSRF-Token": "\u00e9"}, "no_proof"),
        ({"Sec-Fetch-Site": "cross-site"}, "other_site"),
        ({"Sec-Fetch-Site": "same-site"}, "other_site"),
    ],
)
def test_a_cookie_alone_changes_nothing(
    office: httpx.Client, headers: dict[str, str], reason: str
) -> None:
    """Without the proof, or from another site's page, a request with the cookie is refused."""
    encoded = {name: value.encode() for name, value in headers.items()}
    answer = office.post("/v1/keys", json={"name": "evil"}, headers=encoded)
    assert (answer.status_code, answer.json()["reason"]) == (403, reason)
    assert office.delete("/v1/session", headers=encoded).status_code == 403
    assert "evil" not in office.get("/v1/keys").text


def test_another_sites_page_cannot_sign_anybody_in(client: httpx.Client, secret: str) -> None:
    """Signing in is refused to pages of other sites, and to forms, which any page can send."""
    answer = client.post(
        "/v1/session", json={"key": secret}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    answer = client.post("/v1/session", data={"key": secret})
    assert answer.status_code == 415
    assert "Set-Cookie" not in answer.headers


def test_signing_out_ends_the_session(office: httpx.Client) -> None:
    """After signing out, a kept copy of the cookie opens nothing, calmly."""
    kept = dict(office.cookies)
    assert office.delete("/v1/session").status_code == 204
    answer = httpx.get(f"{office.base_url}/v1/jobs", cookies=kept)
    assert (answer.status_code, answer.json()["reason"]) == (401, "session_ended")
    answer = httpx.get(f"{office.base_url}/v1/session", cookies=kept)
    assert (answer.status_code, answer.json()["signed_in"]) == (200, False)


def test_a_revoked_key_ends_its_sessions(client: httpx.Client, shop: Shop) -> None:
    """Revoking the key closes what was opened with it, at once."""
    keys = KeyStore(shop.database)
    key, secret = keys.create("gone")
    assert client.post("/v1/session", json={"key": secret}).status_code == 201
    keys.revoke(key.id)
    assert client.get("/v1/jobs").json()["reason"] == "session_ended"


def test_sessions_end_by_themselves(shop: Shop) -> None:
    """A session opens nothing from the second on in which its life is over."""
    now = 1000.0
    key, _ = KeyStore(shop.database).create("short")
    sessions = SessionStore(shop.database, life_s=60, clock=lambda: now)
    token = sessions.open(key.id)
    now = 1059.9
    assert sessions.get(token) is not None
    now = 1060.0
    assert sessions.get(token) is None


@pytest.mark.parametrize("key", ["ss_wrong", "\u2603"])
def test_wrong_keys_do_not_sign_in(client: httpx.Client, key: str) -> None:
    """A made-up key is refused, and nothing is remembered."""
    answer = client.post("/v1/session", json={"key": key})
    assert (answer.status_code, answer.json()["reason"]) == (401, "wrong_key")
    assert "Set-Cookie" not in answer.headers


def test_search_keys_do_not_sign_in(client: httpx.Client, shop: Shop) -> None:
    """A key for searching does not open the back office."""
    _key, secret = KeyStore(shop.database).create("page", "search")
    assert client.post("/v1/session", json={"key": secret}).json()["reason"] == "wrong_scope"


def test_guessing_is_slowed_down(start: Callable[..., httpx.Client]) -> None:
    """After ten wrong keys even the right one has to wait."""
    client = start()
    secret = client.headers.pop("X-API-Key")
    for _ in range(10):
        assert client.post("/v1/session", json={"key": "ss_guess"}).status_code == 401
    answer = client.post("/v1/session", json={"key": secret})
    assert (answer.status_code, answer.json()["reason"]) == (429, "too_many_tries")
    assert 0 < int(answer.headers["Retry-After"]) <= 900


def test_the_throttle_forgives_and_forgets() -> None:
    """Failures count for a while, for their caller only, until a success; memory is bounded."""
    now = 0.0
    throttle = Throttle(most=2, window_s=60, clock=lambda: now)
    throttle.failed("a")
    throttle.failed("a")
    with pytest.raises(ProblemError) as refused:
        throttle.check("a")
    assert refused.value.headers["Retry-After"] == "60"
    throttle.check("b")
    now = 61.0
    throttle.check("a")
    throttle.failed("a")
    throttle.succeeded("a")
    throttle.failed("a")
    throttle.check("a")
    for number in range(10_001):
        throttle.failed(f"caller {number}")
    assert len(throttle._failures) == 10_000


def test_an_empty_install_says_so(tmp_path: Path) -> None:
    """Before the first key, the session's route tells the page that there is none."""
    settings = Settings(data=tmp_path, encoder="thumbnail")
    with Shop.open(settings=settings) as shop, serving(shop, ready=False) as address:
        assert httpx.get(f"{address}/v1/session").json()["has_keys"] is False
        answer = httpx.post(f"{address}/v1/session", json={"key": "ss_any"})
        assert answer.status_code == 401
        assert httpx.get(f"{address}/v1/keys").status_code == 401


def test_a_session_searches_where_searching_needs_a_key(
    start: Callable[..., httpx.Client],
) -> None:
    """Whoever is signed in can use the shop's own page, which sends no proof."""
    client = start(search_needs_key=True)
    secret = client.headers.pop("X-API-Key")
    assert client.post("/v1/search", json={"text": "mug"}).status_code == 401
    client.post("/v1/session", json={"key": secret})
    assert client.post("/v1/search", json={"text": "mug"}).status_code not in {401, 403}


def test_keys_are_made_and_revoked(office: httpx.Client) -> None:
    """The secret is told once, works, is never listed, and is worthless after revoking."""
    made = office.post("/v1/keys", json={"name": "importer", "scope": "admin"})
    assert made.status_code == 201
    key = made.json()
    headers = {"X-API-Key": key["secret"]}
    assert httpx.get(f"{office.base_url}/v1/jobs", headers=headers).status_code == 200
    listed = office.get("/v1/keys").text
    assert key["id"] in listed
    assert key["secret"] not in listed
    assert office.delete(f"/v1/keys/{key['id']}").status_code == 204
    assert httpx.get(f"{office.base_url}/v1/jobs", headers=headers).status_code == 401
    assert office.delete(f"/v1/keys/{key['id']}").status_code == 404


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "  "}, {"name": "x", "scope": "root"}, {}])
def test_bad_keys_are_not_made(office: httpx.Client, body: dict[str, str]) -> None:
    """A key without a name, or with an unknown scope, is refused by name of the field."""
    answer = office.post("/v1/keys", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("body.")


def test_origins_are_set_while_the_server_runs(start: Callable[..., httpx.Client]) -> None:
    """An origin counts from the moment it is set, beside those of the environment."""
    client = start(cors_origins=["https://fixed.example"])
    origin = {"Origin": "https://shop.example"}
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers=origin).headers
    body = {"origins": ["https://SHOP.example:443/", "https://shop.example"]}
    answer = client.put("/v1/settings/origins", json=body)
    assert answer.json() == {
        "environment": ["https://fixed.example"],
        "origins": ["https://shop.example"],
    }
    allowed = client.get("/healthz", headers=origin).headers
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Credentials" not in allowed
    client.put("/v1/settings/origins", json={"origins": []})
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers=origin).headers


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "shop.example",
        "https://",
        "https://*.shop.example",
        "ftp://shop.example",
        "javascript:alert(1)",
        "https://shop.example/page",
        "https://user@shop.example",
        "https://shop.example:port",
        "https://" + "a" * 70 + ".example",
        "null",
    ],
)
def test_what_is_no_origin_is_refused(admin: httpx.Client, origin: str) -> None:
    """Wildcards, paths and other schemes are refused with words."""
    answer = admin.put("/v1/settings/origins", json={"origins": [origin]})
    assert (answer.status_code, answer.json()["reason"]) == (400, "query")
    assert origin[:5] in answer.json()["detail"]
