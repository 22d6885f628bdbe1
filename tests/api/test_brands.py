from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

Start = Callable[..., httpx.Client]


@pytest.fixture
def logo(sample_shop: Path) -> bytes:
    """A logo of the sample shop."""
    return (sample_shop / "logos" / "Kavoa.png").read_bytes()


def test_a_back_office_manages_brands(start: Start, logo: bytes) -> None:
    """Brands and their examples are added, changed, listed and forgotten over the API."""
    client = start(ocr="off")
    body = {"aliases": ["Kavoa Home"], "website": "https://kavoa.example"}
    assert client.put("/v1/brands/Kavoa", json=body).status_code == 201
    taught = client.post("/v1/brands/kavoa/examples", files={"image": logo})
    assert taught.status_code == 200
    assert taught.json()["added"] is True
    text = base64.b64encode(logo).decode()
    again = client.post("/v1/brands/kavoa%20home/examples", json={"image": text})
    assert again.json() == {
        "added": False,
        "brand": {"name": "Kavoa", **body, "examples": 1},
    }
    assert client.put("/v1/brands/KAVOA", json={}).json() == {
        "name": "KAVOA",
        "aliases": [],
        "website": "",
        "examples": 1,
    }
    assert client.delete("/v1/brands/kavoa/examples").status_code == 204
    assert client.get("/v1/brands/kavoa").json()["examples"] == 0
    assert [one["name"] for one in client.get("/v1/brands").json()["brands"]] == ["KAVOA"]
    assert client.delete("/v1/brands/kavoa").status_code == 204
    assert client.get("/v1/brands/kavoa").status_code == 404


def test_names_may_hold_slashes(start: Start, logo: bytes) -> None:
    """A brand such as M/Lux is managed under its name, escaped or not; others stay apart."""
    client = start()
    assert client.put("/v1/brands/M%2FLux", json={"aliases": ["A/B/C"]}).status_code == 201
    client.put("/v1/brands/M", json={})
    taught = client.post("/v1/brands/M/Lux/examples", files={"image": logo})
    assert taught.json()["brand"] == {
        "name": "M/Lux",
        "aliases": ["A/B/C"],
        "website": "",
        "examples": 1,
    }
    assert client.get("/v1/brands/A/B/C").json()["name"] == "M/Lux"
    assert client.delete("/v1/brands/M%2FLux/examples").status_code == 204
    assert client.get("/v1/brands/M/Lux").json()["examples"] == 0
    assert client.delete("/v1/brands/M/Lux").status_code == 204
    assert [one["name"] for one in client.get("/v1/brands").json()["brands"]] == ["M"]


def test_a_box_teaches_from_a_photo(start: Start, photo: bytes) -> None:
    """A photo with a box is an example; asked about the same photo, its brand is named."""
    client = start(ocr="off")
    client.put("/v1/brands/Kavoa", json={"website": "https://kavoa.example"})
    client.post(
        "/v1/brands/Kavoa/examples",
        files={"image": photo},
        data={"box": "0.2,0.2,0.8,0.8"},
    )
    answer = client.post("/v1/brand", files={"image": photo}).json()
    assert answer["answer"] == "Kavoa"
    (brand,) = answer["brands"]
    assert brand["website"] == "https://kavoa.example"
    assert brand["box"] is not None
    assert brand["products"] == []
    assert answer["evidence"][0]["kind"] == "logo"
    same = client.post("/v1/brand", json={"image_id": answer["image_id"]}).json()
    assert same["answer"] == "Kavoa"


def test_products_of_the_brand_come_along(client: httpx.Client, photo: bytes) -> None:
    """A known product's picture shows its brand, with products of it, as many as asked for."""
    answer = client.post("/v1/brand", files={"image": photo}, data={"products": "2"}).json()
    assert set(answer["timings_ms"]) >= {"decode", "encode", "search", "total"}
    for brand in answer["brands"]:
        assert len(brand["products"]) <= 2
        assert {product["brand"] for product in brand["products"]} == {brand["name"]}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({}, 422),
        ({"image": "no base64!"}, 422),
        ({"image": base64.b64encode(b"no picture").decode()}, 422),
        ({"image_id": "unknown"}, 404),
        ({"image_id": "unknown", "products": 1000}, 422),
    ],
)
def test_bad_photos_are_problems(
    client: httpx.Client, wrong: dict[str, object], status: int
) -> None:
    """What is no photo is told as a problem."""
    answer = client.post("/v1/brand", json=wrong)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_bad_brands_are_problems(start: Start) -> None:
    """A colliding name, a bad website, a corrupt logo, a box out of the photo, an unknown brand."""
    client = start(ocr="off")
    client.put("/v1/brands/Kavoa", json={"aliases": ["Kavoa Home"]})
    clash = client.put("/v1/brands/kavoa%20HOME", json={})
    assert (clash.status_code, clash.json()["reason"]) == (409, "brand")
    assert "'Kavoa'" in clash.json()["detail"]
    bad = client.put("/v1/brands/Bramlo", json={"website": "nowhere"})
    assert (bad.status_code, bad.json()["reason"]) == (409, "brand")
    corrupt = client.post("/v1/brands/Kavoa/examples", files={"image": b"\x89PNG\r\n\x1a\n"})
    assert (corrupt.status_code, corrupt.json()["reason"]) == (422, "corrupt")
    unknown = client.post("/v1/brands/Bramlo/examples", files={"image": b"\x89PNG\r\n\x1a\n"})
    assert unknown.status_code == 404
    box = {"box": "0.2,0.2,1.8,0.8"}
    outside = client.post("/v1/brands/Kavoa/examples", files={"image": b"x"}, data=box)
    assert outside.status_code in {400, 422}
    assert client.get("/v1/brands/Kavoa").json()["examples"] == 0
