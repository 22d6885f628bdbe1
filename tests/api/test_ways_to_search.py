from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest


def ids(answer: httpx.Response) -> list[str]:
    """Ids of the hits."""
    return [hit["product"]["id"] for hit in answer.json()["hits"]]


def test_words_find_products_and_show_what_was_understood(client: httpx.Client) -> None:
    """Words alone answer; what they were taken for is a chip, and can be taken away in a form."""
    answer = client.post("/v1/search", json={"text": "navy mug", "limit": 3})
    assert answer.status_code == 200
    body = answer.json()
    assert "navy" in body["hits"][0]["product"]["attributes"]["color"]
    (chip,) = [chip for chip in body["chips"] if chip["field"] == "color"]
    assert (chip["kind"], chip["label"]) == ("filter", "navy")
    again = client.post(
        "/v1/search", data={"text": "navy mug", "ignore": chip["id"]}, files={"x": (None, "")}
    )
    assert again.status_code == 422  # unknown fields are refused in forms, too
    again = client.post(
        "/v1/search", files={"text": (None, "navy mug"), "ignore": (None, chip["id"])}
    )
    assert all(one["id"] != chip["id"] for one in again.json()["chips"])
    assert again.json()["total"] >= body["total"]


def test_a_photo_is_remembered_for_further_questions(client: httpx.Client, photo: bytes) -> None:
    """The answer names the photo; a question with that name, a box and words needs no upload."""
    first = client.post("/v1/search", files={"image": photo}).json()
    body = {"image_id": first["image_id"], "box": {"x1": 0.1, "y1": 0.1, "x2": 0.9, "y2": 0.9}}
    second = client.post("/v1/search", json=body)
    assert second.status_code == 200
    assert second.json()["image_id"] == first["image_id"]
    by_form = {"image_id": (None, first["image_id"]), "box": (None, "0.1,0.1,0.9,0.9")}
    assert ids(client.post("/v1/search", files=by_form)) == ids(second)
    composed = client.post("/v1/search", json={"image_id": first["image_id"], "text": "in navy"})
    assert ids(composed)[0] == "MUG002"
    gone = client.post("/v1/search", json={"image_id": "nonsense"})
    assert (gone.status_code, gone.json()["reason"]) == (404, "not_found")


def test_facets_sorts_and_groups(client: httpx.Client) -> None:
    """Values are counted, cheap things come first, and of each brand only one is shown."""
    body = {"text": "mug", "facets": ["brand", "price"], "sort": "price", "limit": 50}
    answer = client.post("/v1/search", json=body).json()
    products = [hit["product"] for hit in answer["hits"]]
    prices = [float((one["sale_price"] or one["price"])["amount"]) for one in products]
    assert prices == sorted(prices)
    brand, price = answer["facets"]
    branded = [one for one in products if one["brand"]]
    assert sum(one["count"] for one in brand["values"]) == len(branded)
    assert price["values"][0]["low"] <= prices[0]
    grouped = client.post("/v1/search", json={"text": "mug", "group_by": "brand"}).json()
    brands = [hit["product"]["brand"] for hit in grouped["hits"] if hit["product"]["brand"]]
    assert brands
    assert len(set(brands)) == len(brands)


def test_explanations_come_with_pictures(client: httpx.Client, photo: bytes) -> None:
    """Cells that add up, and both pictures as PNG, come with each hit that was asked for."""
    sent = {"explain": "true", "limit": "2"}
    answer = client.post("/v1/search", files={"image": photo}, data=sent).json()
    for hit in answer["hits"]:
        why = hit["explanation"]
        total = why["photo_base"] + sum(sum(row) for row in why["photo_cells"])
        assert why["exact"] is True
        assert abs(total - why["score"]) < 1e-3
        total = why["product_base"] + sum(sum(row) for row in why["product_cells"])
        assert abs(total - why["score"]) < 1e-3
        kind, _, png = why["product_overlay"].partition(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(png).startswith(b"\x89PNG")


def test_several_photos_and_objects(client: httpx.Client, photo: bytes, sample_shop: Path) -> None:
    """Two photos of one thing find it; objects carry hits of their own when asked for."""
    encoded = base64.b64encode(photo).decode()
    answer = client.post("/v1/search", json={"images": [encoded, encoded], "object_hits": 2})
    assert ids(answer)[0] == "MUG001"
    other = base64.b64encode((sample_shop / "images" / "BOT009.jpg").read_bytes()).decode()
    asked = {"images": [encoded, other], "explain": True, "limit": 20}
    hits = client.post("/v1/search", json=asked).json()["hits"]
    why = {hit["product"]["id"]: hit["explanation"]["photo_number"] for hit in hits}
    assert (why["MUG001"], why["BOT009"]) == (0, 1)
    for found in answer.json()["objects"]:
        assert 1 <= len(found["hits"]) <= 2
        assert 0 <= found["box"]["x1"] < found["box"]["x2"] <= 1


def test_a_video_shows_when_products_are_seen(client: httpx.Client, sample_shop: Path) -> None:
    """A clip answers with products and seconds within its length."""
    clip = (sample_shop / "video" / "breakfast_table.mp4").read_bytes()
    answer = client.post("/v1/search", files={"video": ("clip.mp4", clip)})
    assert answer.status_code == 200
    assert answer.json()["hits"]
    assert all(0 <= hit["seen_at_s"] <= 60 for hit in answer.json()["hits"])


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, "give one of"),
        ({"text": "a", "box": {"x1": 0.5, "y1": 0, "x2": 0.1, "y2": 1}, "image_id": "x"}, 404, ""),
        ({"text": "x" * 1001}, 400, "1,001 characters"),
        ({"text": "x" * 10_000}, 400, "10,000 characters"),
        ({"text": "mug", "sort": "cheap"}, 422, "sort"),
        ({"text": "mug", "facets": ["colour"]}, 400, "colour"),
        ({"text": "mug", "boosts": {"availability": 5}}, 400, "availability"),
        ({"text": "mug", "boosts": {"luck": 0.1}}, 400, "luck"),
        ({"text": "mug", "offset": 901}, 422, "offset"),
        ({"text": "mug", "explain": True}, 422, "explain"),
        ({"video": "AAAA"}, 422, ""),
        ({"images": []}, 422, "images"),
        ({"product_id": "MUG001", "image_id": "x"}, 422, "product_id"),
    ],
)
def test_senseless_questions_are_refused(
    client: httpx.Client, body: dict[str, Any], status: int, words: str
) -> None:
    """What makes no sense is answered with problem details that say so, and nothing else breaks."""
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in json.dumps(answer.json())
    assert client.post("/v1/search", json={"text": "mug"}).status_code == 200


def test_an_offset_beyond_the_end_is_an_empty_page(client: httpx.Client) -> None:
    """Behind the last hit there is nothing, and that is no error."""
    answer = client.post("/v1/search", json={"text": "mug", "offset": 500})
    assert (answer.status_code, answer.json()["hits"]) == (200, [])


@pytest.mark.parametrize(
    "box",
    ["0.5,0.1,0.2,0.9", "0,0,0,0", "-1,0,1,1", "0,0,2,2"],
    ids=["reversed", "empty", "a", "b"],
)
def test_boxes_that_make_no_sense_are_refused(client: httpx.Client, photo: bytes, box: str) -> None:
    """Reversed, empty and outside boxes are refused with their numbers."""
    answer = client.post("/v1/search", files={"image": photo}, data={"box": box})
    assert (answer.status_code, answer.json()["reason"]) == (400, "query")
    assert "box" in answer.json()["detail"]
