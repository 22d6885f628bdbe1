from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest


@pytest.fixture(scope="module")
def photo(sample_shop: Path) -> bytes:
    """A catalogue picture of the shared shop, as a photo."""
    return (sample_shop / "images" / "MUG001.jpg").read_bytes()


def test_classify(client: httpx.Client, photo: bytes) -> None:
    """A photo gets its category, levels whose probability falls, and related products."""
    answer = client.post("/v1/classify", files={"image": photo}, data={"related": "2"})
    assert answer.status_code == 200
    found = answer.json()
    assert found["levels"][0]["path"] == found["levels"][0]["name"]
    chances = [level["probability"] for level in found["levels"]]
    assert chances == sorted(chances, reverse=True)
    assert found["abstained"] is (found["path"] is None)
    assert len(found["related"]) <= 2
    assert {"product", "score", "image_url"} <= set(found["related"][0])
    assert found["timings_ms"]["total"] > 0
    again = client.post("/v1/classify", json={"image_id": found["image_id"], "related": 0}).json()
    assert again["levels"] == found["levels"]
    assert again["related"] == []
    coded = base64.b64encode(photo).decode()
    assert client.post("/v1/classify", json={"image": coded}).json()["levels"] == found["levels"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"image": "no base64!"}, 422),
        ({"image": base64.b64encode(b"no picture").decode()}, 422),
        ({"image_id": "unknown"}, 404),
        ({"image_id": "x", "related": 1000}, 422),
        ({"image_id": "x", "box": {"x1": 0.9, "y1": 0, "x2": 0.1, "y2": 1}}, 422),
        ({"image_id": "x", "more": 1}, 422),
    ],
)
def test_bad_requests(client: httpx.Client, body: dict[str, object], status: int) -> None:
    """What cannot be answered is a problem with a reason, not an error of the server."""
    answer = client.post("/v1/classify", json=body)
    assert answer.status_code in {status, 404 if "box" in body else status}
    assert answer.json()["reason"]
