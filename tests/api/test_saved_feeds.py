from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

Finished = Callable[[httpx.Client, str], dict[str, Any]]
Start = Callable[..., httpx.Client]

ROWS = "\n".join(
    ["Nr,Name,Bild,Preis", *(f"M{n},Mug {n},pics/MUG00{n}.jpg,{n}.50" for n in range(1, 4)), ""]
)


def archive(sample_shop: Path, names: dict[str, str]) -> bytes:
    """A ZIP archive: name in it -> picture of the sample shop."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, source in names.items():
            packed.write(sample_shop / "images" / source, name)
    return file.getvalue()


def mugs(sample_shop: Path) -> bytes:
    """An archive of the pictures that the rows name, in another folder."""
    files = [f"MUG00{n}.jpg" for n in range(1, 4)]
    return archive(sample_shop, {f"export/{name}": name for name in files})


def test_a_table_with_pictures_becomes_searchable(
    start: Start, sample_shop: Path, finished: Finished, photo: bytes
) -> None:
    """A table with columns of its own, and its pictures as a ZIP, are found by photo at the end."""
    client = start()
    sent = client.put("/v1/feeds/mugs/file", params={"name": "mugs.csv"}, content=ROWS)
    assert (sent.status_code, sent.json()["file"]) == (200, "mugs.csv")
    seen = client.get("/v1/feeds/mugs/preview").json()
    assert seen["columns"] == ["Nr", "Name", "Bild", "Preis"]
    assert seen["missing"] == ["id"]
    assert seen["rows"][0] == {
        "Nr": "M1", "Name": "Mug 1", "Bild": "pics/MUG001.jpg", "Preis": "1.50"
    }  # fmt: skip
    client.put("/v1/feeds/mugs", json={"mapping": {"id": "Nr"}, "currency": "EUR"})
    seen = client.get("/v1/feeds/mugs/preview").json()
    assert (seen["missing"], seen["failure"], seen["mapping"]["id"]) == ([], "", "Nr")
    assert seen["pictures"]["missing"] == 3
    done = client.put("/v1/feeds/mugs/pictures", content=mugs(sample_shop))
    assert done.json() == {"kept": 3, "left_out": 0, "reasons": {}}
    checked = client.get("/v1/feeds/mugs/check").json()
    assert (checked["feed"]["products"], checked["pictures"]["missing"]) == (3, 0)
    job = client.post("/v1/feeds/mugs/jobs")
    assert job.status_code == 202
    ended = finished(client, job.json()["id"])
    assert (ended["state"], ended["progress"]["images_encoded"]) == ("succeeded", 3)
    hits = client.post("/v1/search", files={"image": photo}).json()["hits"]
    assert hits[0]["product"]["id"] == "M1"
    picture = client.get("/v1/products/M1/images/0")
    assert picture.content == photo
    assert client.get("/v1/feeds").json()["feeds"][0]["mapping"] == {"id": "Nr"}
    found = client.get("/v1/products", params={"q": "mUG 2"}).json()["products"]
    assert [one["id"] for one in found] == ["M2"]


def test_a_forgotten_feed_leaves_the_pictures_of_its_products(
    start: Start, sample_shop: Path, finished: Finished, photo: bytes, tmp_path: Path
) -> None:
    """Pictures of products stay when their feed is forgotten; those of none go with it."""
    client = start()
    folder = tmp_path / "data" / "saved-feeds" / "mugs"

    def index(rows: str) -> None:
        client.put("/v1/feeds/mugs/file", content=rows)
        client.put("/v1/feeds/mugs", json={"mapping": {"id": "Nr"}, "currency": "EUR"})
        client.put("/v1/feeds/mugs/pictures", content=mugs(sample_shop))
        job = client.post("/v1/feeds/mugs/jobs").json()
        assert finished(client, job["id"])["state"] == "succeeded"

    index("\n".join(ROWS.splitlines()[:2]))
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 4
    assert client.delete("/v1/feeds/mugs").status_code == 204
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["MUG001.jpg"]
    assert client.get("/v1/products/M1/images/0").content == photo
    index(ROWS)
    for product in ("M1", "M2", "M3"):
        client.delete(f"/v1/products/{product}")
    assert client.delete("/v1/feeds/mugs").status_code == 204
    assert not folder.exists()


def test_a_kept_feed_reads_no_other_file_of_the_server(
    start: Start, sample_shop: Path, finished: Finished
) -> None:
    """Paths and file links that lead out of the feed's own pictures are refused."""
    client = start()
    local = sample_shop / "images" / "MUG001.jpg"
    rows = f"id,title,image_link\nL1,A,{local}\nL2,B,file://{local}\nL3,C,../../catalog.sqlite\n"
    client.put("/v1/feeds/evil/file", content=rows)
    assert client.get("/v1/feeds/evil/preview").json()["pictures"]["missing"] == 3
    job = finished(client, client.post("/v1/feeds/evil/jobs").json()["id"])
    assert (job["progress"]["images_encoded"], job["progress"]["images_failed"]) == (0, 3)


def test_a_feed_on_the_web_is_kept(start: Start, web: str, finished: Finished) -> None:
    """An address is looked at, and fetched anew for each job."""
    client = start()
    client.put("/v1/feeds/web", json={"url": f"{web}/feed.csv"})
    seen = client.get("/v1/feeds/web/preview").json()
    assert [one["id"] for one in seen["products"]] == ["W1"]
    job = finished(client, client.post("/v1/feeds/web/jobs").json()["id"])
    assert job["progress"]["products_created"] == 1
    assert client.delete("/v1/feeds/web").status_code == 204
    assert client.get("/v1/feeds").json() == {"feeds": []}
    assert client.get("/v1/products/W1").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/feeds/nosuch/preview", 404),
        ("GET", "/v1/feeds/nosuch/check", 404),
        ("POST", "/v1/feeds/nosuch/jobs", 404),
        ("DELETE", "/v1/feeds/nosuch", 404),
        ("PUT", "/v1/feeds/nosuch/pictures", 404),
        ("PUT", "/v1/feeds/NoSuch/file", 422),
        ("PUT", "/v1/feeds/a..b/file", 422),
        ("PUT", f"/v1/feeds/{'a' * 65}/file", 422),
    ],
)
def test_names_of_feeds_are_checked(
    admin: httpx.Client, method: str, path: str, status: int
) -> None:
    """Unknown feeds are not found; names that are none cannot be kept."""
    assert admin.request(method, path, content=b"x").status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"url": "file:///etc/passwd"},
        {"format": "nosuch"},
        {"currency": "euro"},
        {"path": "/etc/passwd"},
        {"file": "x"},
    ],
)
def test_bad_options_are_not_kept(admin: httpx.Client, body: dict[str, str]) -> None:
    """Only known options with sensible values are kept."""
    assert admin.put("/v1/feeds/bad", json=body).status_code == 422
    assert admin.get("/v1/feeds").json() == {"feeds": []}


def test_what_is_no_feed_is_explained(start: Start, tmp_path: Path) -> None:
    """Bytes that are no feed, a missing file, and a bad archive are answered with words."""
    client = start()
    client.put("/v1/feeds/odd", json={})
    assert "upload one" in client.get("/v1/feeds/odd/preview").json()["detail"]
    client.put("/v1/feeds/odd/file", content=b"\x00\x01\x02" * 100)
    answer = client.get("/v1/feeds/odd/preview")
    assert (answer.status_code, answer.json()["reason"]) == (422, "feed")
    assert str(tmp_path) not in answer.text
    answer = client.put("/v1/feeds/odd/pictures", content=b"no archive")
    assert (answer.status_code, answer.json()["reason"]) == (422, "feed")
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


def test_jobs_rebuild_calibrate_and_measure(
    start: Start, sample_shop: Path, finished: Finished, tmp_path: Path
) -> None:
    """Re-indexing, calibration and measuring run as jobs; labelled photos are gone afterwards."""
    client = start()
    client.put("/v1/feeds/mugs/file", content=ROWS.replace("Nr", "id"))
    client.put("/v1/feeds/mugs/pictures", content=mugs(sample_shop))
    finished(client, client.post("/v1/feeds/mugs/jobs").json()["id"])
    for kind in ("reindex", "calibrate"):
        job = client.post("/v1/jobs", json={"kind": kind})
        assert finished(client, job.json()["id"])["state"] == "succeeded"
    (version, _) = client.get("/v1/indexes").json()["indexes"]
    assert (version["active"], version["rows"]) == (True, 3)
    assert version["bytes"] > 0
    file = BytesIO(archive(sample_shop, {"set/a.jpg": "MUG001.jpg", "set/b.jpg": "MUG002.jpg"}))
    with zipfile.ZipFile(file, "a") as packed:
        labels = "photo,product_id\na.jpg,M1\nb.jpg,M2\nc.jpg,M3\n../../../catalog.sqlite,M1\n"
        packed.writestr("set/photos.csv", labels)
    job = client.post("/v1/evaluations", content=file.getvalue())
    ended = finished(client, job.json()["id"])
    assert ended["state"] == "succeeded"
    assert ended["progress"]["recall@1"] == pytest.approx(2 / 3, abs=1e-3)
    assert list(ended["progress"]["failed"]) == ["c.jpg"]
    assert list((tmp_path / "data" / "uploads").iterdir()) == []
    bad = client.post("/v1/evaluations", content=b"no archive")
    assert finished(client, bad.json()["id"])["state"] == "failed"
    assert client.post("/v1/jobs", json={"kind": "delete"}).status_code == 422


def test_different_things_are_remembered(
    start: Start, sample_shop: Path, finished: Finished
) -> None:
    """A group of products marked as different things is not listed again, until taken back."""
    client = start()
    rows = "id,title,image_link\nA,Mug,pics/a.jpg\nB,Mug,pics/a.jpg\n"
    client.put("/v1/feeds/twins/file", content=rows)
    client.put("/v1/feeds/twins/pictures", content=archive(sample_shop, {"a.jpg": "MUG001.jpg"}))
    finished(client, client.post("/v1/feeds/twins/jobs").json()["id"])
    assert client.get("/v1/duplicates").json()["total"] == 1
    pair = {"product_ids": ["B", "A"]}
    assert client.post("/v1/duplicates/distinct", json=pair).status_code == 204
    assert client.post("/v1/duplicates/distinct", json=pair).status_code == 204
    assert client.get("/v1/duplicates").json()["total"] == 0
    every = client.get("/v1/duplicates", params={"include_distinct": True}).json()
    assert every["total"] == 1
    client.post("/v1/duplicates/distinct", json=pair | {"distinct": False})
    assert client.get("/v1/duplicates").json()["total"] == 1
    assert client.post("/v1/duplicates/distinct", json={"product_ids": ["A"]}).status_code == 422


def test_health_tells_of_the_last_hour(admin: httpx.Client) -> None:
    """The page's charts have memory and readiness from the first moment on."""
    health = admin.get("/v1/health").json()
    assert health["ready"] is True
    assert health["memory_bytes"] > 10_000_000
    assert isinstance(health["samples"], list)
