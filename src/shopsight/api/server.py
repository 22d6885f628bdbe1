"""Runs the application with uvicorn."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from shopsight.api.app import create_app
from shopsight.errors import SettingsError, ShopsightError
from shopsight.wiring import Shop

log = logging.getLogger(__name__)

_BACKLOG = 2048
_GRACE_S = 10
"""Seconds that requests under way are given when the server is told to stop."""

_START_S = 30.0


def serve(
    shop: Shop,
    host: str | None = None,
    port: int | None = None,
    *,
    samples: Sequence[Path] = (),
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serve a shop until the process is told to stop (Ctrl-C or SIGTERM).

    It listens at once and loads the encoder in the background: ``/readyz`` says when that is done,
    and a search that
    comes earlier waits for it.

    Args:
        shop: The shop. It stays open.
        host: Address to listen on; the setting's when not given.
        port: Port; 0: any free one; the setting's when not given.
        samples: Photos that the page offers to try.
        on_listening: Called with the server's address once connections are accepted.

    Raises:
        SettingsError: The address cannot be listened on.
    """
    settings = shop.settings
    listener = listen(
        settings.host if host is None else host, settings.port if port is None else port
    )
    with listener:
        server = _server(shop, samples)
        if on_listening is not None:
            on_listening(address_of(listener))
        server.run(sockets=[listener])


@contextmanager
def serving(shop: Shop, *, samples: Sequence[Path] = (), ready: bool = True) -> Iterator[str]:
    """Serve a shop from a thread of this process, on a free local port: for tests and notebooks.

    Args:
        shop: The shop. It stays open.
        samples: Photos that the page offers to try.
        ready: Wait until searches are answered at full speed.

    Yields:
        Address of the server, such as ``http://127.0.0.1:49152``.

    Raises:
        ShopsightError: It did not start.
    """
    listener = listen("127.0.0.1", 0)
    server = _server(shop, samples)
    with running(server, listener, is_ready=server.is_ready if ready else lambda: True):
        yield address_of(listener)


@contextmanager
def running(
    server: uvicorn.Server, listener: socket.socket, *, is_ready: Callable[[], bool] = lambda: True
) -> Iterator[None]:
    """Run a server in a thread of this process.

    Args:
        server: The server.
        listener: Where it listens, from :func:`listen`; closed at the end.
        is_ready: Waited for, besides the server's start.

    Raises:
        ShopsightError: It did not start.
    """
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="server", daemon=True
    )
    thread.start()
    try:
        deadline = time.monotonic() + _START_S
        while not (server.started and is_ready()):
            if not thread.is_alive() or time.monotonic() > deadline:
                raise ShopsightError("The server did not start: its log tells why.")
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join(_START_S)
        listener.close()


class _Server(uvicorn.Server):
    """A server that knows whether its application is ready."""

    def __init__(self, config: uvicorn.Config, is_ready: Callable[[], bool]) -> None:
        super().__init__(config)
        self.is_ready = is_ready


def _server(shop: Shop, samples: Sequence[Path]) -> _Server:
    app = create_app(shop, samples=samples)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the application logs requests itself, with their ids
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
    )
    upkeep = app.state.parts.upkeep
    return _Server(config, lambda: upkeep.ready)


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections.

    Args:
        host: Name or address of this machine.
        port: Port; 0: any free one.

    Raises:
        SettingsError: The address is none of this machine, or the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise SettingsError(
            f"The address {host!r} is none of this machine: {error.strerror}"
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # An answer goes out in two parts; without this the second waits 40 ms for the client's ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"Port {port} of {host} cannot be listened on ({error.strerror}): another program uses "
            "it, or it needs more rights. Choose another one with --port."
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Where a server that listens there can be reached from this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared with, not bound to
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
