"""The outermost layer: request ids, figures, safe headers, and a last net for errors."""

from __future__ import annotations

import logging
import time
import uuid

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopsight.api.history import History
from shopsight.api.metrics import Metrics
from shopsight.api.problems import ProblemError, respond
from shopsight.api.security import protect

log = logging.getLogger(__name__)

_FAILED = 500
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestContext:
    """Middleware around everything else.

    Args:
        app: The application.
        metrics: Where requests are counted.
        history: Where failures are noted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, history: History) -> None:
        self._app = app
        self._metrics = metrics
        self._history = history

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                protect(headers)
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except ClientDisconnect:
            log.debug("Request %s: the client hung up.", request_id)
        except Exception:
            log.exception("Request %s to %s failed", request_id, scope["path"])
            if status:
                raise  # half an answer is out: only a closed connection tells that it is incomplete
            await respond(scope, _unexpected(request_id))(scope, receive, send_safely)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            seconds = time.perf_counter() - started
            self._metrics.request(method, _template(scope), status, seconds)
            if status >= _FAILED:
                self._history.error()
            log.debug("%s %s: %d in %.1f ms", method, scope["path"], status, seconds * 1000)


def _template(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "other"


def _unexpected(request_id: str) -> ProblemError:
    return ProblemError(
        500,
        "internal",
        f"Something unforeseen happened: see the request id {request_id} in the server's log.",
    )
