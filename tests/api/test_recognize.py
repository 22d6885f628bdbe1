from __future__ import annotations

import base64
import io

import httpx
import numpy as np
import pytest
import zxingcpp
from PIL import Image


@pytest.fixture
def back() -> bytes:
    """A photo of the barcode of MUG001."""
    code = zxingcpp.create_barcode("2070824820410", zxingcpp.BarcodeFormat.EAN13)
    image = Image.new("L", (640, 480), 255)
    image.paste(Image.fromarray(np.asarray(code.to_image(scale=3))), (120, 140))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_the_product_comes_with_the_answer(client: httpx.Client, back: bytes) -> None:
    """All that a shopper wants to know of the product comes with the answer, and why it is that."""
    answers = [
        client.post("/v1/recognize", files={"image": ("mug.png", back)}),
        client.post("/v1/recognize", json={"image": base64.b64encode(back).decode()}),
    ]
    for answer in answers:
        assert answer.status_code == 200
        found = answer.json()
        assert not found["unknown"]
        assert found["product"]["id"] == "MUG001"
        assert {"title", "price", "sale_price", "availability", "stock", "rating", "link"} <= set(
            found["product"]
        )
        (evidence,) = found["evidence"]
        assert (evidence["kind"], evidence["answer"]) == ("barcode", "MUG001")
        assert 0 < evidence["box"]["x1"] < evidence["box"]["x2"] < 1
        assert set(found["timings_ms"]) == {"decode", "barcodes", "total"}


def test_the_photo_serves_further_requests(client: httpx.Client, photo: bytes) -> None:
    """An answer names the photo, which can then be asked about again, also a part of it."""
    first = client.post("/v1/recognize", files={"image": ("mug.jpg", photo)}).json()
    box = {"x1": 0, "y1": 0, "x2": 0.3, "y2": 0.3}
    asked = {"image_id": first["image_id"], "box": box}
    again = client.post("/v1/recognize", json=asked)
    assert again.status_code == 200
    assert again.json()["image_id"] == first["image_id"]
    assert again.json()["confidence"] < first["confidence"]
    searched = client.post("/v1/search", json={"image_id": first["image_id"]})
    assert searched.json()["hits"][0]["product"]["id"] == "MUG001"


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"json": {}}, 422, "validation"),
        ({"json": {"image": "%%%"}}, 422, "validation"),
        ({"json": {"image": "aGVsbG8="}}, 422, "not_an_image"),
        ({"json": {"image_id": "gone"}}, 404, "not_found"),
        ({"json": {"image_id": "gone", "image_url": "https://a.example/"}}, 422, "validation"),
        ({"json": {"image": "aGVsbG8=", "text": "mug"}}, 422, "validation"),
        ({"json": {"image_url": "http://10.1.2.3/a.jpg"}}, 422, "blocked_address"),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415, "content_type"),
    ],
)
def test_bad_requests_are_told_what_is_wrong(
    client: httpx.Client, sent: dict[str, object], status: int, reason: str
) -> None:
    """Missing, doubled and broken photos are refused with the reason."""
    answer = client.post("/v1/recognize", **sent)  # type: ignore[arg-type]  # of each case its own
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) in {
        (status, reason),
        (status, "blocked_address"),
    }


def test_a_box_must_make_sense(client: httpx.Client, photo: bytes) -> None:
    """A reversed box is the caller's mistake."""
    sent = {"box": "0.9,0.1,0.2,0.8"}
    answer = client.post("/v1/recognize", files={"image": ("mug.jpg", photo)}, data=sent)
    assert (answer.status_code, answer.json()["reason"]) == (400, "query")
