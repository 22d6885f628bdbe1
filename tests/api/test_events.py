from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopsight.api.server import serving
from shopsight.settings import Settings
from shopsight.wiring import Shop

Start = Callable[..., httpx.Client]

CLICK = {"type": "product_click", "product_id": "M1", "query_id": "q1", "position": 2}


def send(client: httpx.Client, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Tell events; gives what became of them."""
    answer = client.post("/v1/events", json={"events": events})
    assert answer.status_code == 202
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_searches_and_events_become_figures(start: Start, web: str, photo: bytes) -> None:
    """Searches, clicks by position, popular products and fruitless words are counted."""
    client = start()
    product = {"id": "M1", "title": "Mug", "image_link": f"{web}/images/MUG001.jpg"}
    assert client.put("/v1/products/M1", json=product).status_code == 201
    found = client.post("/v1/search", files={"image": photo}).json()
    client.post("/v1/search", json={"text": "Zebra  UNICORN"})
    client.post("/v1/search", json={"text": "zebra unicorn"})
    client.post("/v1/search", json={"text": "mug", "offset": 1})
    send(
        client,
        CLICK | {"query_id": found["query_id"], "position": 1},
        {"type": "product_view", "product_id": "M1"},
        {"type": "purchase", "product_id": "M9", "value": 9.5, "user_id": "u1"},
    )
    usage = client.get("/v1/usage", params={"days": 7}).json()
    assert (usage["searches"], usage["no_match"], usage["clicked"]) == (3, 2, 1)
    assert usage["kinds"] == {"photo": 1, "words": 2}
    assert usage["events"] == {"product_click": 1, "product_view": 1, "purchase": 1}
    assert len(usage["by_day"]) == 7
    today = usage["by_day"][-1]
    assert (today["searches"], today["no_match"], today["clicks"]) == (3, 2, 1)
    assert usage["clicks_by_position"] == {"1": 1}
    assert [(one["product_id"], one["title"]) for one in usage["popular"]] == [
        ("M1", "Mug"),
        ("M9", ""),
    ]
    texts = [(one["text"], one["searches"]) for one in usage["texts_without_match"]]
    assert texts == [("zebra unicorn", 2)]


def test_beacons_are_understood(client: httpx.Client) -> None:
    """What sendBeacon sends, JSON as text/plain, is taken without a key."""
    body = json.dumps({"events": [CLICK]})
    answer = client.post("/v1/events", content=body, headers={"Content-Type": "text/plain"})
    assert answer.json() == {"items": [{"id": "", "status": "accepted", "error": None}]}


def test_each_event_is_judged_by_itself(client: httpx.Client) -> None:
    """Bad events are named with what is wrong; the good ones between them are taken."""
    items = send(
        client,
        CLICK | {"id": "a"},
        CLICK | {"id": "b", "type": "stare"},
        CLICK | {"id": "c", "position": 0},
        CLICK | {"id": "d", "value": -1},
        CLICK | {"id": "e", "timestamp": "2999-01-01T00:00:00Z"},
        CLICK | {"id": "f", "timestamp": "yesterday"},
        CLICK | {"id": "g", "product_id": "x" * 201},
        CLICK | {"id": "h", "ip": "10.0.0.1"},
        {"id": "i", "type": "purchase"},
        CLICK | {"id": "j", "timestamp": "2026-01-01T00:00:00"},
        CLICK | {"id": 7},
    )
    states = {item["id"]: item["status"] for item in items}
    assert [key for key, state in states.items() if state == "accepted"] == ["a", "j"]
    errors = {item["id"]: item["error"] or "" for item in items}
    words = {"b": "type", "c": "position", "e": "future", "h": "ip", "i": "product_id"}
    assert {key: word for key, word in words.items() if word not in errors[key]} == {}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "text/plain", 400),
        (b"[]", "application/json", 422),
        (b'{"events": []}', "application/json", 422),
        (b'{"events": [1]}', "application/json", 422),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"[" * 100_000, "application/json", 400),
        (b" " * 256_001, "application/json", 413),
    ],
)
def test_bad_bodies_are_refused(client: httpx.Client, body: bytes, kind: str, status: int) -> None:
    """What is no list of events is refused as a whole, large bodies before they are read."""
    answer = client.post("/v1/events", content=body, headers={"Content-Type": kind})
    assert answer.status_code == status


def test_too_many_events_are_refused(client: httpx.Client) -> None:
    """One request holds at most 500 events."""
    answer = client.post("/v1/events", json={"events": [CLICK] * 501})
    assert answer.status_code == 422


def test_recording_can_be_switched_off(start: Start) -> None:
    """With the setting, events are accepted and forgotten, and searches leave no trace."""
    client = start(usage=False)
    assert send(client, CLICK)[0]["status"] == "accepted"
    usage = client.get("/v1/usage").json()
    assert (usage["recorded"], usage["events"]) == (False, {})


def test_words_can_be_left_out(start: Start, web: str) -> None:
    """With the setting, searches are counted without their words."""
    client = start(usage_texts=False)
    product = {"id": "M1", "title": "Mug", "image_link": f"{web}/images/MUG001.jpg"}
    client.put("/v1/products/M1", json=product)
    client.post("/v1/search", json={"text": "mug"})
    usage = client.get("/v1/usage").json()
    assert (usage["searches"], usage["texts"]) == (1, [])


def test_what_waits_is_written_when_the_server_stops(start: Start, tmp_path: Path) -> None:
    """Events that came in just before a stop are there after the next start."""
    data = tmp_path / "other"
    with (
        Shop.open(settings=Settings(data=data, encoder="thumbnail")) as shop,
        serving(shop) as address,
    ):
        httpx.post(f"{address}/v1/events", json={"events": [CLICK]})
    usage = start(data=data).get("/v1/usage").json()
    assert usage["events"] == {"product_click": 1}
    assert time.time() - usage["by_day"][-1]["start"] < 2 * 86_400
