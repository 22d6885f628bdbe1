from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from shopsight.errors import BlockedAddressError, FetchError, StorageError
from shopsight.images import hosts
from shopsight.images.addresses import AllowList
from shopsight.images.connections import public_session
from shopsight.images.fetch import Fetched, Fetcher, FetchLimits, NotModified, Validators

LIMITS = FetchLimits(
    max_bytes=10_000,
    allow_hosts=("127.0.0.1",),
    connect_timeout_s=2,
    read_timeout_s=0.3,
    total_timeout_s=2,
    retries=2,
    max_redirects=3,
    backoff_s=0.01,
)
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Names(AbstractResolver):
    """A name service that answers from a list, one entry per question; the last one stays."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The next answer for a name; unknown names do not exist."""
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        rounds = self.answers[host]
        addresses = rounds[min(self.asked[host], len(rounds) - 1)]
        self.asked[host] += 1
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


class Server:
    """A web server on loopback that counts what it is asked."""

    def __init__(self) -> None:
        self.application = web.Application()
        self.asked: list[web.Request] = []
        self.address = ""
        self.port = 0

    def on(self, path: str, answer: Answer) -> None:
        """Answer requests for a path."""

        async def counted(request: web.Request) -> web.StreamResponse:
            self.asked.append(request)
            return await answer(request)

        self.application.router.add_get(path, counted)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Serve on a free port."""
        runner = web.AppRunner(self.application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self.address = f"http://127.0.0.1:{self.port}"
        try:
            yield self
        finally:
            await runner.cleanup()


def picture(data: bytes = b"picture", **headers: str) -> Answer:
    """Answer with these bytes."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=data, content_type="image/jpeg", headers=headers)

    return answer


def status(*codes: int, **headers: str) -> Answer:
    """Answer with one status after the other; the last one stays."""
    left = list(codes)

    async def answer(_: web.Request) -> web.StreamResponse:
        code = left.pop(0) if len(left) > 1 else left[0]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, body=b"picture", headers=named)

    return answer


def redirect(target: str, code: int = 302) -> Answer:
    """Send to another address."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": target})

    return answer


def fetch(
    server: Server,
    path: str = "/a.jpg",
    *,
    limits: FetchLimits = LIMITS,
    validators: Validators | None = None,
    names: Names | None = None,
    host: str = "",
) -> Fetched | NotModified:
    """Start the server, fetch once."""

    async def run() -> Fetched | NotModified:
        async with server.running(), Fetcher(limits, resolver=names) as fetcher:
            base = f"http://{host}:{server.port}" if host else server.address
            return await fetcher.fetch(base + path, validators)

    return asyncio.run(run())


def failure(server: Server, *args: object, **named: object) -> FetchError:
    """The error of a fetch that must fail."""
    with pytest.raises(FetchError) as caught:
        fetch(server, *args, **named)
    return caught.value


def test_fetches_a_picture():
    """The bytes, the validators, the type and the final address come back; we say who we are."""
    server = Server()
    server.on("/a.jpg", picture(b"abc", ETag='"1"', **{"Last-Modified": "yesterday"}))
    fetched = fetch(server)
    assert isinstance(fetched, Fetched)
    assert fetched.data == b"abc"
    assert fetched.validators == Validators('"1"', "yesterday")
    assert fetched.content_type == "image/jpeg"
    assert fetched.final_url == server.address + "/a.jpg"
    headers = server.asked[0].headers
    assert headers["User-Agent"].startswith("Shopsight/")
    assert headers["Accept-Encoding"] == "identity"
    assert "If-None-Match" not in headers
    assert "Cookie" not in headers


def test_unchanged_picture_is_not_sent_again():
    """With validators the server is asked conditionally, and its 304 means unchanged."""

    async def answer(request: web.Request) -> web.StreamResponse:
        same = request.headers.get("If-None-Match") == '"1"'
        return web.Response(status=304 if same else 200, body=None if same else b"new")

    server = Server()
    server.on("/a.jpg", answer)
    assert isinstance(fetch(server, validators=Validators('"1"', "Mon, 01 Jan")), NotModified)
    assert server.asked[0].headers["If-Modified-Since"] == "Mon, 01 Jan"
    server = Server()
    server.on("/a.jpg", answer)
    fetched = fetch(server, validators=Validators('"0"'))
    assert isinstance(fetched, Fetched)
    assert fetched.data == b"new"


def test_not_modified_without_being_asked_is_an_error():
    """A server that answers 304 although nothing is held yet gives an error, not nothing."""
    server = Server()
    server.on("/a.jpg", status(304))
    assert failure(server).reason == "server_error"


@pytest.mark.parametrize(
    ("code", "reason", "requests"),
    [
        (404, "not_found", 1),
        (410, "gone", 1),
        (401, "forbidden", 1),
        (403, "forbidden", 1),
        (418, "forbidden", 1),
        (500, "server_error", 3),
        (503, "server_error", 3),
        (501, "server_error", 1),
        (429, "rate_limited", 3),
        (408, "timeout", 3),
        (300, "server_error", 1),
    ],
)
def test_answers_without_a_picture(code: int, reason: str, requests: int):
    """Each kind of refusal has its reason, and only those that may pass are asked again."""
    server = Server()
    server.on("/a.jpg", status(code))
    error = failure(server)
    assert error.reason == reason
    assert f"{server.address}/a.jpg" in str(error)
    assert len(server.asked) == requests


def test_passing_failures_are_asked_again():
    """A picture that comes at the third attempt is had."""
    server = Server()
    server.on("/a.jpg", status(500, 503, 200))
    assert isinstance(fetch(server), Fetched)
    assert len(server.asked) == 3


@pytest.mark.parametrize("value", ["1", "date"])
def test_retry_after_is_heeded(value: str):
    """A busy server is not asked again before the time it names, in seconds or as a date."""
    from email.utils import formatdate

    when = formatdate(time.time() + 2, usegmt=True) if value == "date" else value
    server = Server()
    server.on("/a.jpg", status(429, 200, Retry_After=when))
    began = time.monotonic()
    assert isinstance(fetch(server), Fetched)
    assert time.monotonic() - began > 0.95


def test_long_retry_after_closes_the_host():
    """A server that asks for much patience is left alone, for its other pictures too."""
    server = Server()
    server.on("/a.jpg", status(429, Retry_After="600"))
    server.on("/b.jpg", picture())

    async def run() -> list[FetchError]:
        errors = []
        async with server.running(), Fetcher(LIMITS) as fetcher:
            for path in ("/a.jpg", "/b.jpg"):
                with pytest.raises(FetchError, match="left alone") as caught:
                    await fetcher.fetch(server.address + path)
                errors.append(caught.value)
        return errors

    assert [error.reason for error in asyncio.run(run())] == ["rate_limited"] * 2
    assert len(server.asked) == 1


def test_slow_drip():
    """A server that sends a byte now and then is given up after the total time, once."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.05)

    server = Server()
    server.on("/a.jpg", drip)
    began = time.monotonic()
    error = failure(server, limits=replace(LIMITS, total_timeout_s=0.5))
    assert error.reason == "timeout"
    assert "fetch_total_timeout_s" in str(error)
    assert 0.4 < time.monotonic() - began < 1.5
    assert len(server.asked) == 1


def test_silent_server():
    """A server that says nothing is given up after the read time, and asked again."""

    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    server = Server()
    server.on("/a.jpg", silent)
    error = failure(server, limits=replace(LIMITS, retries=1))
    assert error.reason == "timeout"
    assert "fetch_read_timeout_s" in str(error)
    assert len(server.asked) == 2


def test_redirects_are_followed():
    """Absolute and relative redirects lead to the picture, and the final address is told."""
    server = Server()
    server.on("/a.jpg", redirect("/b/c.jpg", 301))
    server.on("/b/c.jpg", redirect("d.jpg", 308))
    server.on("/b/d.jpg", picture(b"there"))
    fetched = fetch(server)
    assert isinstance(fetched, Fetched)
    assert fetched.data == b"there"
    assert fetched.final_url.endswith("/b/d.jpg")


def test_redirect_loop():
    """A redirect loop ends after the allowed number of hops."""
    server = Server()
    server.on("/a.jpg", redirect("/a.jpg"))
    assert failure(server).reason == "too_many_redirects"
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://[::ffff:10.0.0.1]/a.jpg",
        "http://inside.example/a.jpg",
    ],
)
def test_redirect_to_a_closed_address(target: str):
    """A redirect to an address that is not public is refused, and the way to open it named."""
    server = Server()
    server.on("/a.jpg", redirect(target))
    names = Names({"inside.example": [["192.168.0.9"]]})
    error = failure(server, names=names)
    assert isinstance(error, BlockedAddressError)
    assert "--allow-host" in str(error)
    assert len(server.asked) == 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://a.example/x", "javascript:1"])
def test_redirect_to_another_scheme(target: str):
    """A redirect to anything but http and https is refused."""
    server = Server()
    server.on("/a.jpg", redirect(target))
    assert failure(server).reason == "bad_url"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "127.1", "2130706433"]
)
def test_closed_addresses_as_written(host: str):
    """Without being opened, loopback is refused in every spelling, and never asked."""
    server = Server()
    server.on("/a.jpg", picture())
    error = failure(server, limits=replace(LIMITS, allow_hosts=()), host=host)
    assert error.reason in {"blocked_address", "bad_url"}
    assert server.asked == []


def test_number_for_a_name():
    """A number in another base, which only the name service understands, is refused."""
    server = Server()
    server.on("/a.jpg", picture())
    limits = replace(LIMITS, allow_hosts=())
    names = Names({"0x7f000001": [["127.0.0.1"]]})
    assert isinstance(
        failure(server, limits=limits, host="0x7f000001", names=names), BlockedAddressError
    )
    assert server.asked == []


def test_name_with_a_closed_address():
    """A public-looking name whose address is private is refused; the message names both."""
    server = Server()
    server.on("/a.jpg", picture())
    limits = replace(LIMITS, allow_hosts=())
    error = failure(
        server, limits=limits, host="shop.example", names=Names({"shop.example": [["127.0.0.1"]]})
    )
    assert isinstance(error, BlockedAddressError)
    assert "shop.example" in str(error)
    assert "127.0.0.1" in str(error)
    assert server.asked == []


def test_allowed_name_reaches_a_closed_address():
    """A name that was opened is reached whatever its address is; its neighbour is not."""
    server = Server()
    server.on("/a.jpg", picture(b"inside"))
    limits = replace(LIMITS, allow_hosts=("images.internal",))
    names = Names({"images.internal": [["127.0.0.1"]], "other.internal": [["127.0.0.1"]]})
    fetched = fetch(server, limits=limits, host="images.internal", names=names)
    assert isinstance(fetched, Fetched)
    assert server.asked[0].headers["Host"] == f"images.internal:{server.port}"
    server = Server()
    server.on("/a.jpg", picture())
    assert isinstance(
        failure(server, limits=limits, host="other.internal", names=names), BlockedAddressError
    )


def test_name_service_that_changes_its_answer():
    """A name that first leads to an open address and then to a closed one is not followed there."""
    server = Server()
    server.on("/a.jpg", picture())
    # 127.0.0.2 was opened, but nobody listens there; the server at 127.0.0.1 stays closed.
    names = Names({"rebind.example": [["127.0.0.2"], ["127.0.0.1"]]})
    limits = replace(LIMITS, allow_hosts=("127.0.0.2",), retries=0)

    async def run() -> list[str]:
        reasons = []
        async with server.running():
            for _ in range(2):
                # A new fetcher has no remembered answers, as after the time they are kept.
                async with Fetcher(limits, resolver=names) as fetcher:
                    with pytest.raises(FetchError) as caught:
                        await fetcher.fetch(f"http://rebind.example:{server.port}/a.jpg")
                    reasons.append(caught.value.reason)
        return reasons

    assert asyncio.run(run()) == ["connection", "blocked_address"]
    assert names.asked["rebind.example"] == 2
    assert server.asked == []


def test_mixed_answer_of_the_name_service():
    """Of an open and a closed address only the open one is tried."""
    server = Server()
    server.on("/a.jpg", picture())
    names = Names({"mixed.example": [["127.0.0.1", "127.0.0.2"]]})
    limits = replace(LIMITS, allow_hosts=("127.0.0.2",), retries=0)
    assert failure(server, limits=limits, host="mixed.example", names=names).reason == "connection"
    assert server.asked == []


def test_resolver_is_not_the_only_guard():
    """Even an answer that slips past the name check is refused where the socket is made."""
    server = Server()
    server.on("/a.jpg", picture())

    async def run() -> None:
        allowed = AllowList([])
        async with server.running(), public_session(Names({}), allowed, connections=1) as session:
            # The connector's memory of answers is filled by hand, as a faulty resolver might.
            entry = {"hostname": "x", "host": "127.0.0.1", "port": server.port}
            entry |= {"family": socket.AF_INET, "proto": 0, "flags": 0}
            session.connector._cached_hosts.add(("x.example", server.port), [entry])
            async with session.get(f"http://x.example:{server.port}/a.jpg"):
                pass

    with pytest.raises(BlockedAddressError):
        asyncio.run(run())
    assert server.asked == []


def test_unknown_name():
    """A host name that does not exist is reported as such, and not asked again."""
    names = Names({})
    error = failure(Server(), host="no.example", names=names)
    assert error.reason == "dns"
    assert "no.example" in str(error)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "ftp://a.example/x.jpg",
        "http:///x.jpg",
        "a.jpg",
        "http://a.example:99999/",
        "http://[::1",
        "http://a b/",
    ],
)
def test_bad_links(link: str):
    """What is no http or https link is refused without asking anybody."""

    async def run() -> None:
        async with Fetcher(LIMITS, resolver=Names({})) as fetcher:
            await fetcher.fetch(link)

    with pytest.raises(FetchError) as caught:
        asyncio.run(run())
    assert caught.value.reason in {"bad_url", "dns"}


def test_refused_connection():
    """A port where nobody listens is a connection error, after the retries."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def run() -> None:
        async with Fetcher(LIMITS) as fetcher:
            await fetcher.fetch(f"http://127.0.0.1:{port}/a.jpg")

    with pytest.raises(FetchError, match="run again later") as caught:
        asyncio.run(run())
    assert caught.value.reason == "connection"


async def _raw_server(answer: bytes, *, reset: bool = False) -> tuple[asyncio.Server, str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(answer)
        await writer.drain()
        if reset:
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 seconds: closing resets
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.jpg"


def _raw_failure(answer: bytes, *, reset: bool = False, scheme: str = "http") -> FetchError:
    async def run() -> None:
        server, link = await _raw_server(answer, reset=reset)
        async with server, Fetcher(LIMITS) as fetcher:
            await fetcher.fetch(link.replace("http", scheme, 1))

    with pytest.raises(FetchError) as caught:
        asyncio.run(run())
    return caught.value


def test_connection_reset():
    """A connection that breaks before or in the middle of the picture is a connection error."""
    assert _raw_failure(b"", reset=True).reason == "connection"
    partly = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this"
    assert _raw_failure(partly).reason == "connection"
    assert _raw_failure(partly, reset=True).reason == "connection"


def test_answer_that_is_not_http():
    """Bytes that are not HTTP, and endless headers, are connection errors."""
    assert _raw_failure(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").reason == "connection"
    endless = b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n"
    assert _raw_failure(endless).reason == "connection"


def test_broken_tls():
    """A host that does not speak TLS where it should is a TLS error, and not asked again."""
    assert _raw_failure(b"HTTP/1.1 400 Bad Request\r\n\r\n", scheme="https").reason == "tls"


def test_announced_size_over_the_limit():
    """A picture announced as too large is not read."""
    server = Server()
    server.on("/a.jpg", picture(b"x" * 10_001))
    error = failure(server)
    assert error.reason == "too_many_bytes"
    assert "image_max_bytes" in str(error)
    server = Server()
    server.on("/a.jpg", picture(b"x" * 10_000))
    assert isinstance(fetch(server), Fetched)


def test_unannounced_size_over_the_limit():
    """An endless stream without a length is cut off at the limit."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 200_000_000:
            await response.write(b"x" * 65_536)
            sent += 65_536
        return response

    server = Server()
    server.on("/a.jpg", endless)
    assert failure(server).reason == "too_many_bytes"
    assert sent < 50_000_000


def test_gzip_bomb():
    """The limit counts unpacked bytes, so that a small answer cannot unpack to a huge one."""
    bomb = gzip.compress(b"\x00" * 100_000_000)
    assert len(bomb) < 100_000
    server = Server()
    server.on("/a.jpg", picture(bomb, **{"Content-Encoding": "gzip"}))
    error = failure(server, limits=replace(LIMITS, max_bytes=200_000))
    assert error.reason == "too_many_bytes"


def test_content_encoding_is_undone():
    """A server that compresses although it was asked not to is understood."""
    server = Server()
    server.on("/a.jpg", picture(gzip.compress(b"abc"), **{"Content-Encoding": "gzip"}))
    fetched = fetch(server)
    assert isinstance(fetched, Fetched)
    assert fetched.data == b"abc"


def test_damaged_content_encoding():
    """An answer that is not what its encoding says is a connection error."""
    server = Server()
    server.on("/a.jpg", picture(b"no gzip", **{"Content-Encoding": "gzip"}))
    assert failure(server).reason == "connection"


def test_user_name_and_password():
    """They are sent to the host in the link only, and neither they nor the query are shown."""
    server, other = Server(), Server()
    server.on("/a.jpg", redirect("/b.jpg?token=hidden"))
    server.on("/b.jpg", status(404))

    async def run() -> None:
        async with server.running(), other.running(), Fetcher(LIMITS) as fetcher:
            link = server.address.replace("//", "//ann:secret@") + "/a.jpg?token=hidden"
            await fetcher.fetch(link)

    with pytest.raises(FetchError) as caught:
        asyncio.run(run())
    first, second = server.asked
    assert first.headers["Authorization"].startswith("Basic ")
    assert "Authorization" not in second.headers
    assert second.query_string == "token=hidden"
    for word in ("ann", "secret", "hidden"):
        assert word not in str(caught.value)


def test_cookies_are_not_kept():
    """A cookie set by one answer is not sent with the next request."""
    server = Server()
    server.on("/a.jpg", status(500, 200, Set_Cookie="visitor=1"))
    fetch(server)
    assert len(server.asked) == 2
    assert "Cookie" not in server.asked[1].headers


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch):
    """A proxy named in the environment, which would connect unchecked, is ignored."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = Server()
    server.on("/a.jpg", picture())
    assert isinstance(fetch(server), Fetched)


@pytest.mark.parametrize(("per_host", "at_once", "most"), [(2, 10, 2), (10, 3, 3)])
def test_concurrency_is_bounded(per_host: int, at_once: int, most: int):
    """Just as many requests as allowed are under way, to one host and altogether."""
    under_way, peak = 0, 0

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return web.Response(body=b"x")

    server = Server()
    server.on("/{name}", slow)

    async def run() -> None:
        limits = replace(LIMITS, per_host=per_host, concurrency=at_once)
        async with server.running(), Fetcher(limits) as fetcher:
            await asyncio.gather(*(fetcher.fetch(f"{server.address}/{n}.jpg") for n in range(20)))

    asyncio.run(run())
    assert peak == most
    assert len(server.asked) == 20


def test_slow_host_does_not_hold_up_others():
    """While one host uses all its turns, pictures of another host are fetched."""

    async def stuck(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.25)
        return web.Response(body=b"x")

    slow, quick = Server(), Server()
    slow.on("/{name}", stuck)
    quick.on("/{name}", picture())
    names = Names({"slow.internal": [["127.0.0.1"]], "quick.internal": [["127.0.0.1"]]})
    limits = replace(
        LIMITS, allow_hosts=("slow.internal", "quick.internal"), per_host=1, concurrency=2
    )

    async def run() -> float:
        async with slow.running(), quick.running(), Fetcher(limits, resolver=names) as fetcher:
            waiting = [
                asyncio.create_task(fetcher.fetch(f"http://slow.internal:{slow.port}/{n}.jpg"))
                for n in range(4)
            ]
            await asyncio.sleep(0.05)
            began = time.monotonic()
            for number in range(3):
                await fetcher.fetch(f"http://quick.internal:{quick.port}/{number}.jpg")
            took = time.monotonic() - began
            await asyncio.gather(*waiting)
            return took

    assert asyncio.run(run()) < 0.2


def test_dead_host_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """A host that never answers is not asked for each of its thousands of pictures."""
    monkeypatch.setattr(hosts, "_FAILURES_UNTIL_CLOSED", 3)
    connections = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    async def run() -> list[FetchError]:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        link = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.jpg"
        errors = []
        async with server, Fetcher(replace(LIMITS, retries=0)) as fetcher:
            for _ in range(20):
                with pytest.raises(FetchError) as caught:
                    await fetcher.fetch(link)
                errors.append(caught.value)
        return errors

    errors = asyncio.run(run())
    assert {error.reason for error in errors} == {"connection"}
    assert "left alone" in str(errors[-1])
    assert connections < 8


def test_many_hosts_are_forgotten(monkeypatch: pytest.MonkeyPatch):
    """What is remembered of hosts does not grow without end; hosts in use or closed are kept."""
    monkeypatch.setattr(hosts, "_HOSTS_REMEMBERED", 10)

    async def run() -> set[str]:
        politeness = hosts.Hosts(at_once=5, per_host=1)
        politeness.postpone("closed.example", 100, FetchError("busy", reason="rate_limited"))
        async with politeness.turn("used.example"):
            for number in range(50):
                async with politeness.turn(f"host{number}.example"):
                    pass
            return set(politeness._hosts)

    kept = asyncio.run(run())
    assert {"closed.example", "used.example"} <= kept
    assert len(kept) <= 11


def _download(server: Server, destination: Path, max_bytes: int = 1_000_000) -> Validators:
    async def run() -> Validators:
        async with server.running(), Fetcher(LIMITS) as fetcher:
            return await fetcher.download(server.address + "/feed.csv", destination, max_bytes)

    return asyncio.run(run())


def test_download_appears_whole(tmp_path: Path):
    """A feed of many pieces, whose first attempt fails, ends up whole under its name."""
    body = bytes(range(256)) * 2000
    server = Server()
    answers = [status(500), picture(body, ETag='"7"')]

    async def answer(request: web.Request) -> web.StreamResponse:
        return await answers.pop(0)(request)

    server.on("/feed.csv", answer)
    destination = tmp_path / "feed.csv"
    destination.write_bytes(b"old")
    assert _download(server, destination).etag == '"7"'
    assert destination.read_bytes() == body
    assert list(tmp_path.iterdir()) == [destination]


def test_failed_download_leaves_the_old_file(tmp_path: Path):
    """A feed that is too large or breaks off replaces nothing and leaves nothing behind."""
    destination = tmp_path / "feed.csv"
    destination.write_bytes(b"old")
    server = Server()
    server.on("/feed.csv", picture(b"x" * 2000))
    with pytest.raises(FetchError, match="max_feed_bytes"):
        _download(server, destination, max_bytes=1000)
    assert destination.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [destination]


def test_download_to_a_full_or_missing_place(tmp_path: Path):
    """A place that cannot be written is a storage error, not a network error, and not retried."""
    server = Server()
    server.on("/feed.csv", picture())
    with pytest.raises(StorageError, match="cannot be written"):
        _download(server, tmp_path / "missing" / "feed.csv")
    assert server.asked == []


def test_download_to_a_full_disk(tmp_path: Path):
    """A disk that fills up is a storage error at once, and the half file is removed."""
    server = Server()
    server.on("/feed.csv", picture(b"x" * 800_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="free some space"):
            _download(server, tmp_path / "feed.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(server.asked) == 1
    assert list(tmp_path.iterdir()) == []
