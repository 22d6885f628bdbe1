from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopsight.settings import Settings
from shopsight.testing.shops import ShapesShop
from shopsight.wiring import Shop


def test_a_photo_in_a_form_finds_its_product(client: httpx.Client, photo: bytes) -> None:
    """The catalogue picture of a product, sent as a form, finds that product first."""
    sent = {"limit": "3", "regions": "false"}
    answer = client.post("/v1/search", files={"image": ("mug.jpg", photo)}, data=sent)
    assert answer.status_code == 200
    body = answer.json()
    assert body["hits"][0]["product"]["id"] == "MUG001"
    assert len(body["hits"]) == 3
    assert body["hits"][0]["score"] == pytest.approx(1, abs=1e-3)
    assert body["total"] == 12
    assert len(body["query_id"]) == 32
    assert set(body["timings_ms"]) >= {"decode", "encode", "search", "hydrate", "total"}


def test_the_three_ways_to_send_a_photo_answer_alike(
    client: httpx.Client, photo: bytes, web: str
) -> None:
    """A form, base64 and an address of the same picture get the same products and scores."""
    encoded = base64.b64encode(photo).decode()
    answers = [
        client.post("/v1/search", files={"image": ("mug.jpg", photo)}),
        client.post("/v1/search", json={"image": encoded}),
        client.post("/v1/search", json={"image": f"data:image/jpeg;base64,{encoded}"}),
        client.post("/v1/search", json={"image_url": f"{web}/images/MUG001.jpg"}),
        client.post("/v1/search", files={"image_url": (None, f"{web}/images/MUG001.jpg")}),
    ]
    found = [[(hit["product"]["id"], hit["score"]) for hit in a.json()["hits"]] for a in answers]
    assert all(hits == found[0] for hits in found)


def test_a_product_finds_its_like_but_not_itself(client: httpx.Client, photo: bytes) -> None:
    """A search by product id answers much as its picture does, without the product."""
    by_photo = client.post("/v1/search", files={"image": photo}, data={"limit": "6"}).json()
    by_id = client.post("/v1/search", json={"product_id": "MUG001", "limit": 5}).json()
    ids = [hit["product"]["id"] for hit in by_photo["hits"]]
    alike = [hit["product"]["id"] for hit in by_id["hits"]]
    assert len(alike) == 5
    assert "MUG001" not in alike
    assert len(set(alike) & set(ids)) >= 3  # it has a second picture, which counts as much
    assert by_id["total"] == by_photo["total"] - 1


def test_pages_of_a_search_by_product_join(client: httpx.Client) -> None:
    """Two pages hold what one large page holds."""

    def ids(offset: int, limit: int) -> list[str]:
        body = {"product_id": "MUG001", "offset": offset, "limit": limit}
        return [hit["product"]["id"] for hit in client.post("/v1/search", json=body).json()["hits"]]

    assert ids(0, 3) + ids(3, 3) == ids(0, 6)


def test_offset_and_filter_narrow_the_answer(client: httpx.Client, photo: bytes) -> None:
    """A filter leaves only products that match, and an offset skips the first of them."""
    where = {"filter": 'brand = "Kavoa"'}
    every = client.post("/v1/search", files={"image": photo}, data=where | {"limit": "100"}).json()
    assert 0 < len(every["hits"]) < 12
    assert {hit["product"]["brand"] for hit in every["hits"]} == {"Kavoa"}
    assert every["total"] == len(every["hits"])
    rest = client.post("/v1/search", files={"image": photo}, data=where | {"offset": "1"}).json()
    assert rest["hits"][0] == every["hits"][1]


@pytest.fixture
def shapes(start: Callable[..., httpx.Client], tmp_path: Path) -> httpx.Client:
    """A client of a server that has every shape in every colour, and tells both apart."""
    settings = Settings(data=tmp_path / "data", encoder="two-part", store="exact", threads=1)
    with Shop.open(settings=settings) as shop:
        shop.index(ShapesShop(tmp_path / "feed").feed)
    return start(encoder="two-part", store="exact")


def test_a_search_can_focus(shapes: httpx.Client, tmp_path: Path) -> None:
    """In forms, in JSON and for products, the focus says what comes first."""
    photo = ShapesShop(tmp_path / "photos").draw("circle", "red", side=48).read_bytes()

    def ids(answer: httpx.Response, count: int) -> list[str]:
        return [hit["product"]["id"] for hit in answer.json()["hits"][:count]]

    by_form = shapes.post("/v1/search", files={"image": photo}, data={"focus": "color"})
    assert all(key.startswith("red") for key in ids(by_form, 3))
    body = {"image": base64.b64encode(photo).decode(), "focus": "shape"}
    assert all(key.endswith("circle") for key in ids(shapes.post("/v1/search", json=body), 3))
    body = {"product_id": "blue-bar", "focus": "color"}
    alike = ids(shapes.post("/v1/search", json=body), 2)
    assert sorted(alike) == ["blue-circle", "blue-pole"]


def test_options_tell_what_can_be_asked(client: httpx.Client, shapes: httpx.Client) -> None:
    """Colour can be focused on only where the encoder has a part for it; fields are all listed."""
    found = client.get("/v1/search/options").json()
    assert found["focuses"] == ["shape", "balanced"]
    assert found["fields"]["price"] == "number"
    assert found["video"] is True
    assert shapes.get("/v1/search/options").json()["focuses"] == ["shape", "balanced", "color"]


def test_a_focus_the_encoder_lacks_says_so(client: httpx.Client, photo: bytes) -> None:
    """Asked for colour, an encoder without a colour part is named, with what to do."""
    answer = client.post("/v1/search", files={"image": photo}, data={"focus": "color"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "query")
    assert "'thumbnail' have no part for it" in answer.json()["detail"]
    other = client.post("/v1/search", files={"image": photo}, data={"focus": "shape"})
    assert other.status_code == 200


def test_pictures_of_hits_can_be_loaded(client: httpx.Client, photo: bytes) -> None:
    """The picture's address of a hit leads to the picture; no path of the machine is shown."""
    answer = client.post("/v1/search", files={"image": photo})
    hit = answer.json()["hits"][0]
    assert hit["image_url"] == "/v1/products/MUG001/images/0"
    assert hit["product"]["image_link"] == hit["image_url"]
    assert client.get(hit["image_url"]).content == photo
    assert "sample_shop" not in answer.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "image"),
        ({"image": "aGk=", "product_id": "MUG001"}, "image and product_id"),
        ({"image": "aGk=", "colour": "red"}, "body.colour"),
        ({"image": "aGk=", "limit": 0}, "body.limit"),
        ({"image": "aGk=", "limit": 101}, "body.limit"),
        ({"image": "aGk=", "offset": -1}, "body.offset"),
        ({"image": "aGk=", "focus": "colour"}, "body.focus"),
        ({"image": "aGk=", "offset": 100_000}, "body.offset"),
        ({"image": "no base64!"}, "body.image"),
        ({"image": ["aGk="]}, "body.image"),
        ([1, 2], "body"),
    ],
)
def test_senseless_requests_name_the_field(client: httpx.Client, body: Any, field: str) -> None:
    """A body with too many, missing, unknown or impossible fields is refused by its field."""
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["reason"] == "validation"
    assert field in problem["detail"]
    assert problem["errors"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just words in a file called photo.jpg", "not_an_image"),
        (b"<!doctype html><html><body>404</body></html>", "html"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
    ],
)
def test_files_that_are_no_photos_say_so(client: httpx.Client, content: bytes, reason: str) -> None:
    """What only pretends to be a photo is refused with a stable reason."""
    answer = client.post("/v1/search", files={"image": ("photo.jpg", content, "image/jpeg")})
    assert answer.status_code == 422
    assert answer.json()["reason"] == reason


def test_a_truncated_photo_says_so(client: httpx.Client, photo: bytes) -> None:
    """Half a JPEG is refused, not searched with grey in place of what is missing."""
    answer = client.post("/v1/search", files={"image": photo[: len(photo) // 2]})
    assert (answer.status_code, answer.json()["reason"]) == (422, "truncated")


def test_a_bad_filter_says_where(client: httpx.Client, photo: bytes) -> None:
    """A filter that cannot be parsed or names an unknown field is refused as such."""
    for text in ("brand =", "no_such_field = 1"):
        answer = client.post("/v1/search", files={"image": photo}, data={"filter": text})
        assert (answer.status_code, answer.json()["reason"]) == (422, "filter")


def test_private_addresses_are_not_fetched(start: Callable[..., httpx.Client], web: str) -> None:
    """A link to the server's own network is refused, so that nobody looks around through it."""
    client = start(allow_hosts=[])
    for link in (f"{web}/images/MUG001.jpg", "http://169.254.169.254/", "http://localhost:1/"):
        answer = client.post("/v1/search", json={"image_url": link})
        assert (answer.status_code, answer.json()["reason"]) == (422, "blocked_address")


def test_links_that_lead_nowhere_say_so(client: httpx.Client, web: str) -> None:
    """A missing file and a link that is no web address are told apart."""
    missing = client.post("/v1/search", json={"image_url": f"{web}/images/none.jpg"})
    assert (missing.status_code, missing.json()["reason"]) == (422, "not_found")
    local = client.post("/v1/search", json={"image_url": "file:///etc/passwd"})
    assert (local.status_code, local.json()["reason"]) == (422, "bad_url")


def test_an_unknown_product_is_not_found(client: httpx.Client) -> None:
    """A search for what looks like a product that does not exist says so."""
    answer = client.post("/v1/search", json={"product_id": "nosuch"})
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


def test_other_content_types_are_refused(client: httpx.Client, photo: bytes) -> None:
    """Bytes that are neither a form nor JSON are refused with the types that are taken."""
    answer = client.post("/v1/search", content=photo, headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_broken_bodies_are_refused(client: httpx.Client) -> None:
    """JSON that is cut off or nested without end, and a form without an end, are refused."""
    json_type = {"Content-Type": "application/json"}
    for content in (b'{"image": "', b"\xff\xfe", b"[" * 100_000):
        answer = client.post("/v1/search", content=content, headers=json_type)
        assert (answer.status_code, answer.json()["reason"]) == (400, "json")
    form_type = {"Content-Type": "multipart/form-data; boundary=x"}
    cut = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc'
    for content in (b"", b"nonsense", cut):
        answer = client.post("/v1/search", content=content, headers=form_type)
        assert (answer.status_code, answer.json()["reason"]) == (400, "form")


def test_a_search_before_anything_was_indexed_is_out_of_order(
    start: Callable[..., httpx.Client], photo: bytes, tmp_path: Path
) -> None:
    """Those who run the shop read what to do; strangers read no path and no command."""
    client = start()
    told = client.post("/v1/search", files={"image": photo})
    assert told.status_code == 503
    assert "shopsight index" in told.json()["detail"]
    stranger = httpx.post(f"{client.base_url}/v1/search", files={"image": photo})
    assert stranger.status_code == 503
    assert "shopsight index" not in stranger.text
    assert str(tmp_path) not in stranger.text
