from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

Finished = Callable[[httpx.Client, str], dict[str, Any]]
Start = Callable[..., httpx.Client]


def table(web: str, count: int = 4) -> str:
    """A feed of mugs whose pictures are on the web."""
    rows = [f"M{n},Mug {n},{web}/images/MUG00{n}.jpg,{n}.50" for n in range(1, count + 1)]
    return "\n".join(["id,title,image_link,price", *rows, ""])


def test_an_uploaded_feed_becomes_products(
    start: Start, web: str, finished: Finished, tmp_path: Path
) -> None:
    """An upload answers with a job, whose end brings the products and leaves no file behind."""
    client = start()
    answer = client.post(
        "/v1/feeds", files={"feed": ("mugs.csv", table(web))}, data={"currency": "EUR"}
    )
    assert answer.status_code == 202
    job_id = answer.json()["id"]
    assert answer.headers["Location"] == f"/v1/jobs/{job_id}"
    job = finished(client, job_id)
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["progress"]["products_created"] == 4
    assert job["progress"]["images_encoded"] == 4
    assert job["request"]["name"] == "mugs.csv"
    assert str(tmp_path) not in str(job)
    prices = [product["price"] for product in client.get("/v1/products").json()["products"]]
    assert prices[0] == {"amount": "1.50", "currency": "EUR"}
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


def test_a_feed_on_the_web_becomes_products(start: Start, web: str, finished: Finished) -> None:
    """A feed is fetched from its address, with pictures relative to it."""
    client = start()
    answer = client.post("/v1/feeds", json={"url": f"{web}/feed.csv"})
    assert answer.status_code == 202
    job = finished(client, answer.json()["id"])
    assert (job["state"], job["error"]) == ("succeeded", None)
    assert job["request"]["url"] == f"{web}/feed.csv"
    picture = client.get("/v1/products/W1/images/0")
    assert (picture.status_code, picture.headers["Location"]) == (307, f"{web}/images/MUG001.jpg")


def test_options_reach_the_feed(start: Start, web: str, finished: Finished) -> None:
    """Format, mapping and sync do what they do on the command line."""
    client = start()
    client.post("/v1/feeds", files={"feed": table(web)}, data={"currency": "EUR"})
    odd = f"key,name,picture\nM1,New,{web}/images/MUG001.jpg\n"
    options = {
        "format": "table",
        "mapping": '{"id": "key", "title": "name", "image_link": "picture"}',
        "sync": "false",
    }
    job_id = client.post("/v1/feeds", files={"feed": odd}, data=options).json()["id"]
    assert finished(client, job_id)["state"] == "succeeded"
    assert client.get("/v1/products/M1").json()["title"] == "New"
    assert len(client.get("/v1/products").json()["products"]) == 4
    three = {"feed": table(web, 3)}
    job_id = client.post("/v1/feeds", files=three, data={"sync": "true"}).json()["id"]
    assert finished(client, job_id)["progress"]["products_removed"] == 1
    assert len(client.get("/v1/products").json()["products"]) == 3


def test_an_uploaded_feed_reads_no_file_of_the_server(
    start: Start, sample_shop: Path, finished: Finished
) -> None:
    """Links to local files are refused row by row and listed; nothing of them can be fetched."""
    client = start()
    local = sample_shop / "images" / "MUG001.jpg"
    rows = f"id,title,image_link\nL1,Local,{local}\nL2,File,file://{local}\n"
    job_id = client.post("/v1/feeds", files={"feed": rows}).json()["id"]
    job = finished(client, job_id)
    assert job["progress"]["images_encoded"] == 0
    assert job["progress"]["images_failed"] == 2
    for product_id in ("L1", "L2"):
        assert client.get(f"/v1/products/{product_id}/images/0").status_code == 404
        product = client.get(f"/v1/products/{product_id}").json() | {"title": "Again"}
        assert client.put(f"/v1/products/{product_id}", json=product).status_code == 422
        answer = client.post("/v1/search", json={"product_id": product_id})
        assert answer.status_code == 404
    problems = client.get(f"/v1/jobs/{job_id}/problems")
    assert problems.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "L1" in problems.text
    assert "L2" in problems.text


def test_a_feed_of_no_known_format_fails_with_words(start: Start, finished: Finished) -> None:
    """The job fails, says what is wrong, and has no list of problems."""
    client = start()
    job_id = client.post("/v1/feeds", files={"feed": b"\x00\x01\x02" * 100}).json()["id"]
    job = finished(client, job_id)
    assert job["state"] == "failed"
    assert job["error"]
    assert client.get(f"/v1/jobs/{job_id}/problems").status_code == 404


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"format": "nosuch"}, "body.format"),
        ({"currency": "euro"}, "body.currency"),
        ({"mapping": "title=name"}, "body.mapping"),
        ({"mapping": "[1]"}, "body.mapping"),
        ({"sync": "perhaps"}, "body.sync"),
        ({"colour": "red"}, "body.colour"),
        ({"path": "/etc/passwd"}, "body.path"),
    ],
)
def test_bad_options_are_refused_by_name(
    start: Start, data: dict[str, str], field: str, tmp_path: Path
) -> None:
    """A wrong option is named, no job is made, and the upload is not kept."""
    client = start()
    answer = client.post("/v1/feeds", files={"feed": "id,title\n"}, data=data)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert client.get("/v1/jobs").json() == {"jobs": []}
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "file:///etc/passwd"},
        {"url": "ftp://shop.example/feed"},
        {"url": "http://shop.example/feed", "path": "/etc/passwd"},
        {"url": "http://shop.example/feed", "format": "nosuch"},
    ],
)
def test_bad_addresses_are_refused(admin: httpx.Client, body: dict[str, str]) -> None:
    """Only http and https addresses and known options make a job."""
    assert admin.post("/v1/feeds", json=body).status_code == 422
    assert admin.get("/v1/jobs").json() == {"jobs": []}


def test_a_form_without_a_file_is_refused(admin: httpx.Client) -> None:
    """The field of the file is named when it is missing."""
    answer = admin.post("/v1/feeds", files={"sync": (None, "true")})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body.feed")


def test_jobs_are_listed_newest_first(start: Start, web: str, finished: Finished) -> None:
    """The list begins with the newest job and can be shortened."""
    client = start()
    made = [client.post("/v1/feeds", files={"feed": table(web)}).json()["id"] for _ in range(3)]
    listed = client.get("/v1/jobs", params={"limit": 2}).json()["jobs"]
    assert [job["id"] for job in listed] == made[:0:-1]
    for job_id in made:
        assert finished(client, job_id)["state"] == "succeeded"


def test_unknown_jobs_are_not_found(admin: httpx.Client) -> None:
    """Reading, cancelling and listing problems of a job that is not there answer 404."""
    for call in (admin.get, admin.delete):
        assert call("/v1/jobs/nosuch").status_code == 404
    assert admin.get("/v1/jobs/nosuch/problems").status_code == 404


def test_a_job_can_be_cancelled(start: Start, finished: Finished, tmp_path: Path) -> None:
    """A job whose picture server never answers ends as cancelled, without its file."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = f"http://127.0.0.1:{silent.getsockname()[1]}"
        client = start(fetch_total_timeout_s=1, fetch_read_timeout_s=1)
        job_id = client.post("/v1/feeds", files={"feed": table(link)}).json()["id"]
        deadline = time.monotonic() + 10
        while client.get(f"/v1/jobs/{job_id}").json()["state"] == "queued":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        answer = client.delete(f"/v1/jobs/{job_id}")
        assert answer.json()["state"] in {"cancelling", "cancelled"}
        assert finished(client, job_id)["state"] == "cancelled"
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


def test_an_upload_that_cannot_be_kept_is_explained(start: Start, tmp_path: Path) -> None:
    """When the data folder cannot take the file, the answer says so to those with a key."""
    client = start()
    (tmp_path / "data" / "uploads").write_text("in the way")
    answer = client.post("/v1/feeds", files={"feed": "id,title\n"})
    assert (answer.status_code, answer.json()["reason"]) == (503, "storage")
    assert "uploads" in answer.json()["detail"]


def test_an_upload_that_breaks_off_leaves_nothing(start: Start, tmp_path: Path) -> None:
    """A client that hangs up in the middle leaves no file, no job, and no error in the log."""
    client = start()
    where = client.base_url
    head = (
        f"POST /v1/feeds HTTP/1.1\r\nHost: x\r\nX-API-Key: {client.headers['X-API-Key']}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="feed"; filename="a"\r\n\r\nid,title\n'
    )
    uploads = tmp_path / "data" / "uploads"
    with socket.create_connection((where.host, where.port or 0)) as line:
        line.sendall(head.encode())
        deadline = time.monotonic() + 5
        while not (uploads.is_dir() and list(uploads.iterdir())):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    while list(uploads.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert client.get("/v1/jobs").json() == {"jobs": []}
