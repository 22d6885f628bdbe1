from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from shopsight.settings import Settings
from shopsight.wiring import Shop


def mug(web: str, **fields: Any) -> dict[str, Any]:
    """A product as it is sent, with a picture on the web."""
    return {"id": "M1", "title": "Mug", "image_link": f"{web}/images/MUG001.jpg"} | fields


def test_a_product_can_be_read(client: httpx.Client) -> None:
    """A product has all its fields; money is text with its currency."""
    product = client.get("/v1/products/MUG001").json()
    assert product["title"] == "Kavoa Fjord dipped mug, sage"
    assert product["price"] == {"amount": "14.90", "currency": "EUR"}
    assert product["availability"] == "in_stock"
    assert product["attributes"]["material"] == "stoneware"


def test_products_are_listed_in_pages(client: httpx.Client) -> None:
    """Following `next` passes every product once, in the order of the ids."""
    ids: list[str] = []
    after: str | None = ""
    while after is not None:
        page = client.get("/v1/products", params={"limit": 5, "after": after}).json()
        assert len(page["products"]) <= 5
        ids += [product["id"] for product in page["products"]]
        after = page["next"]
    assert len(ids) == 12
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"limit": "x"}])
def test_bad_page_sizes_are_refused(client: httpx.Client, query: dict[str, Any]) -> None:
    """A page size out of range is refused by its name."""
    answer = client.get("/v1/products", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.limit"


def test_a_written_product_is_found_and_can_be_deleted(
    start: Callable[..., httpx.Client], web: str, photo: bytes
) -> None:
    """A product that was put is searchable at once, changes with the next put, and goes."""
    client = start()
    created = client.put("/v1/products/M1", json=mug(web))
    assert (created.status_code, created.json()["status"]) == (201, "created")
    hits = client.post("/v1/search", files={"image": photo}).json()["hits"]
    assert [hit["product"]["id"] for hit in hits] == ["M1"]
    assert hits[0]["image_url"] == f"{web}/images/MUG001.jpg"
    assert client.post("/v1/search", json={"product_id": "M1"}).json()["hits"] == []
    updated = client.put("/v1/products/M1", json=mug(web, title="Cup"))
    assert (updated.status_code, updated.json()["status"]) == (200, "updated")
    assert client.get("/v1/products/M1").json()["title"] == "Cup"
    assert client.put("/v1/products/M1", json=mug(web, title="Cup")).json()["status"] == "unchanged"
    assert client.delete("/v1/products/M1").status_code == 204
    assert client.get("/v1/products/M1").status_code == 404
    assert client.delete("/v1/products/M1").status_code == 404
    assert client.post("/v1/search", files={"image": photo}).json()["hits"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "other"}, "body.id"),
        ({"title": ""}, "body.title"),
        ({"price": {"amount": "-1", "currency": "EUR"}}, "body.price.amount"),
        ({"price": {"amount": "1", "currency": "euro"}}, "body.price.currency"),
        ({"gtin": "123"}, "body.gtin"),
        ({"colour": "red"}, "body.colour"),
        ({"rating": 6}, "body.rating"),
    ],
)
def test_bad_products_are_refused_by_field(
    admin: httpx.Client, change: dict[str, Any], field: str
) -> None:
    """A product with a wrong or unknown field is refused, and the field is named."""
    answer = admin.put("/v1/products/M1", json=mug("http://127.0.0.1:1", **change))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert admin.get("/v1/products/M1").status_code == 404


@pytest.mark.parametrize("link", ["/etc/passwd", "file:///etc/passwd", "../images/MUG001.jpg"])
def test_products_may_not_name_files_of_the_server(
    start: Callable[..., httpx.Client], link: str
) -> None:
    """A picture that is a file of the server's machine is refused, and nothing is kept."""
    client = start()
    answer = client.put("/v1/products/M1", json=mug("", image_link=link))
    assert answer.status_code == 422
    assert "http" in answer.json()["detail"]
    assert client.get("/v1/products/M1").status_code == 404


def test_a_product_whose_picture_fails_says_so(
    start: Callable[..., httpx.Client], web: str
) -> None:
    """The reason names the picture; the product is kept for the next attempt."""
    client = start()
    answer = client.put("/v1/products/M1", json=mug(web, image_link=f"{web}/none.jpg"))
    assert (answer.status_code, answer.json()["reason"]) == (422, "image")
    assert "404" in answer.json()["detail"] or "none.jpg" in answer.json()["detail"]
    assert client.get("/v1/products/M1").status_code == 200


def test_a_batch_judges_every_item(start: Callable[..., httpx.Client], web: str) -> None:
    """Bad items fail with their reason and id; the good ones around them are done, in order."""
    client = start()
    body = {
        "upsert": [
            mug(web, id="A"),
            {"id": "B", "title": "No picture"},
            mug(web, id="C", image_link="/etc/passwd"),
            {"nonsense": 1},
            mug(web, id="D"),
        ],
        "delete": ["A", "nosuch"],
    }
    answer = client.post("/v1/products/batch", json=body)
    assert answer.status_code == 200
    items = [(item["id"], item["status"], item["error"]) for item in answer.json()["items"]]
    assert [item[:2] for item in items] == [
        ("A", "created"),
        ("B", "failed"),
        ("C", "failed"),
        ("", "failed"),
        ("D", "created"),
        ("A", "deleted"),
        ("nosuch", "not_found"),
    ]
    assert "image_link" in items[1][2]
    assert "/etc/passwd" in items[2][2]
    listed = client.get("/v1/products").json()["products"]
    assert [product["id"] for product in listed] == ["D"]


def test_batches_are_bounded(admin: httpx.Client) -> None:
    """More items than one batch may hold are refused at once, as is a batch that is no object."""
    answer = admin.post("/v1/products/batch", json={"delete": ["x"] * 1001})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.delete")
    assert admin.post("/v1/products/batch", json={"remove": ["x"]}).status_code == 422
    assert admin.post("/v1/products/batch", json=[]).status_code == 422


@pytest.mark.parametrize(
    "product_id", ["a/b", "ä ö/ü", "100%", "x?y#z", "a/images/b", "..", "batch"]
)
def test_odd_ids_work_everywhere(
    start: Callable[..., httpx.Client], web: str, product_id: str
) -> None:
    """Ids with slashes, spaces, percent signs and other letters can be put, read and deleted."""
    client = start()
    path = f"/v1/products/{quote(product_id, safe='').replace('.', '%2E')}"
    assert client.put(path, json=mug(web, id=product_id)).status_code == 201
    assert client.get(path).json()["id"] == product_id
    assert client.get(f"{path}/images/0").status_code == 307
    assert client.delete(path).status_code == 204


def test_a_local_product_can_be_read_changed_and_sent_back(
    start: Callable[..., httpx.Client], feed: Path, sample_shop: Path, tmp_path: Path, photo: bytes
) -> None:
    """A product with pictures on the shop's machine keeps them when its title changes."""
    data = tmp_path / "data"
    with Shop.open(settings=Settings(data=data, encoder="thumbnail")) as shop:
        shop.index(feed, image_root=sample_shop)
    client = start(data=data)
    product = client.get("/v1/products/MUG001").json()
    answer = client.put("/v1/products/MUG001", json=product | {"title": "New title"})
    assert (answer.status_code, answer.json()["status"]) == (200, "updated")
    assert client.get("/v1/products/MUG001/images/0").content == photo
    hit = client.post("/v1/search", files={"image": photo}).json()["hits"][0]
    assert (hit["product"]["id"], hit["product"]["title"]) == ("MUG001", "New title")


def test_pictures_are_cached_and_typed(client: httpx.Client, photo: bytes) -> None:
    """A local picture comes with its type and an ETag, with which it is not sent again."""
    first = client.get("/v1/products/MUG001/images/0")
    assert first.content == photo
    assert first.headers["Content-Type"] == "image/jpeg"
    assert "max-age" in first.headers["Cache-Control"]
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    etag = first.headers["ETag"]
    again = client.get("/v1/products/MUG001/images/0", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_missing_pictures_are_not_found(client: httpx.Client) -> None:
    """An unknown product, a number beyond the last, and a number that is none lead nowhere."""
    assert client.get("/v1/products/nosuch/images/0").status_code == 404
    assert client.get("/v1/products/MUG001/images/7").status_code == 404
    assert client.get("/v1/products/MUG001/images/x").status_code == 404


def test_files_that_are_gone_or_changed_are_not_shown(
    start: Callable[..., httpx.Client], sample_shop: Path, tmp_path: Path
) -> None:
    """When a picture's file is deleted, or becomes something else, it is not found."""
    picture = tmp_path / "picture.jpg"
    picture.write_bytes((sample_shop / "images" / "MUG001.jpg").read_bytes())
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title,image_link\nM1,Mug,picture.jpg\n")
    data = tmp_path / "data"
    with Shop.open(settings=Settings(data=data, encoder="thumbnail")) as shop:
        shop.index(feed)
    client = start(data=data)
    assert client.get("/v1/products/M1/images/0").status_code == 200
    picture.write_text("a page with <script>")
    assert client.get("/v1/products/M1/images/0").status_code == 404
    picture.unlink()
    assert client.get("/v1/products/M1/images/0").status_code == 404
    # What is like it is known from the index.
    assert client.post("/v1/search", json={"product_id": "M1"}).status_code == 200
