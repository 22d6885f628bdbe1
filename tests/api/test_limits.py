from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

Start = Callable[..., httpx.Client]


def pieces(total: int, size: int = 50_000) -> Iterator[bytes]:
    """A body of unannounced length."""
    for _ in range(total // size):
        yield b"x" * size


def talk(client: httpx.Client, request: bytes, *, wait_s: float = 5) -> bytes:
    """Send raw bytes and read all that comes back until the server closes the line."""
    where = urlsplit(str(client.base_url))
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=wait_s) as line:
        line.sendall(request)
        answer = b""
        while part := line.recv(65_536):
            answer += part
    return answer


def test_announced_lengths_are_refused_unread(start: Start) -> None:
    """A body that announces too many bytes is answered before a single one was sent."""
    client = start(max_upload_bytes=1_000_000)
    head = (
        b"POST /v1/search HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Content-Length: 1000001\r\n\r\n"
    )
    answer = talk(client, head)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer
    assert b"1,000,000 bytes" in answer


@pytest.mark.parametrize("path", ["/v1/search", "/v1/products/M1", "/v1/products/batch"])
def test_unannounced_lengths_are_cut_off(start: Start, path: str) -> None:
    """A chunked body is stopped when it passes the limit, in forms and in JSON."""
    client = start(max_upload_bytes=100_000)
    method = "PUT" if path.endswith("M1") else "POST"
    kinds = ["application/json"]
    if path == "/v1/search":
        kinds.append("multipart/form-data; boundary=x")
    for kind in kinds:
        part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        body = [part, *pieces(150_000)] if "multipart" in kind else pieces(150_000)
        answer = client.request(method, path, content=iter(body), headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")


def test_feeds_have_a_limit_of_their_own(start: Start) -> None:
    """A feed may be larger than a photo, up to its own limit; what was uploaded is removed."""
    client = start(max_upload_bytes=10_000, max_feed_bytes=300_000)
    feed = b"id,title,image_link\n" + b"#" * 200_000
    assert client.post("/v1/feeds", files={"feed": feed}).status_code == 202
    answer = client.post("/v1/feeds", files={"feed": b"x" * 400_000})
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")


def test_slow_bodies_are_given_up(start: Start) -> None:
    """A client that sends a byte now and then is cut off after the time limit."""
    client = start(request_timeout_s=0.3)
    head = (
        b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{"
    )
    began = time.monotonic()
    answer = talk(client, head)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"upload_timeout" in answer
    assert 0.2 < time.monotonic() - began < 3


def test_slow_uploads_do_not_hold_up_others(start: Start) -> None:
    """While 40 clients send nothing more, another one is answered at once."""
    client = start(request_timeout_s=5)
    where = urlsplit(str(client.base_url))
    head = b"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    address = (where.hostname or "", where.port or 0)
    lines = [socket.create_connection(address) for _ in range(40)]
    try:
        for line in lines:
            line.sendall(head)
        began = time.monotonic()
        assert client.get("/v1/products").status_code == 200
        assert time.monotonic() - began < 1
    finally:
        for line in lines:
            line.close()


def test_a_slow_link_is_given_up_in_time(start: Start) -> None:
    """A picture server that never answers costs its asker an error, not the server a thread."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = f"http://127.0.0.1:{silent.getsockname()[1]}/photo.jpg"
        client = start(request_timeout_s=0.4, fetch_total_timeout_s=2, fetch_read_timeout_s=2)
        answer = client.post("/v1/search", json={"image_url": link})
        assert (answer.status_code, answer.json()["reason"]) == (504, "timeout")
        assert client.get("/v1/products").status_code == 200


def test_an_endless_field_is_refused(client: httpx.Client) -> None:
    """Text fields of a form and their number are bounded more tightly than the file."""
    long = client.post("/v1/search", files={"filter": (None, "x" * 70_000)})
    assert (long.status_code, long.json()["reason"]) == (422, "validation")
    many = client.post("/v1/search", files={f"field{n}": (None, "x") for n in range(40)})
    assert "more than 32 fields" in many.json()["detail"]


def test_many_searches_at_once_are_all_answered(client: httpx.Client, photo: bytes) -> None:
    """Forty simultaneous searches from eight clients get the same, right answer."""

    def ask(_: int) -> str:
        answer = client.post("/v1/search", files={"image": photo}, timeout=30)
        return str(answer.json()["hits"][0]["product"]["id"])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(40))) == {"MUG001"}
