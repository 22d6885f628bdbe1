"""Slows those down who try keys."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from shopsight.api.problems import ProblemError

_REMEMBERED = 10_000
"""Callers remembered at most; the one that failed longest ago is forgotten first."""


class Throttle:
    """Refuses callers that failed too often of late. In memory only, and safe between threads.

    Args:
        most: Failures allowed within the window.
        window_s: Seconds after which a failure is forgotten.
        clock: Seconds that never go back.
    """

    def __init__(
        self, *, most: int, window_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, caller: str) -> None:
        """Let a caller try.

        Raises:
            ProblemError: 429; ``Retry-After`` says when to come back.
        """
        with self._lock:
            recent = self._recent(caller)
            if len(recent) < self._most:
                return
            wait = recent[0] + self._window_s - self._clock()
        raise ProblemError(
            429,
            "too_many_tries",
            f"That was wrong {self._most} times: try again in {max(1, round(wait / 60))} minutes.",
            headers={"Retry-After": str(max(1, round(wait)))},
        )

    def failed(self, caller: str) -> None:
        """Note that a caller was wrong."""
        with self._lock:
            self._failures[caller] = [*self._recent(caller), self._clock()]
            self._failures.move_to_end(caller)
            while len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, caller: str) -> None:
        """Forget a caller's failures."""
        with self._lock:
            self._failures.pop(caller, None)

    def _recent(self, caller: str) -> list[float]:
        since = self._clock() - self._window_s
        return [at for at in self._failures.get(caller, ()) if at > since][-self._most :]
