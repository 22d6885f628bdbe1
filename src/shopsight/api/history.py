"""How the server did in the last hour: a short memory for the charts of the back office."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_SPAN_S = 3600.0
_STEP_S = 15.0
_LATENCIES = 5000


@dataclass(frozen=True, slots=True)
class Sample:
    """Some seconds of the server's life.

    Attributes:
        at: Their end, in seconds since 1970.
        memory_bytes: Memory that the process holds.
        processor: Share of one core that it used.
        searches: Searches answered.
        p50_ms: Half of them took no longer; ``None`` where there were none.
        p95_ms: As ``p50_ms``, for 95 of 100.
        errors: Answers with a status of 500 or more.
    """

    at: float
    memory_bytes: int
    processor: float
    searches: int
    p50_ms: float | None
    p95_ms: float | None
    errors: int


class History:
    """Samples of the last hour. Safe to use from several threads.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque(maxlen=round(_SPAN_S / _STEP_S))
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)
        self._searches = self._errors = 0
        self._since = clock()
        self._processor_s = time.process_time()

    def search(self, milliseconds: float) -> None:
        """Note a search."""
        with self._lock:
            self._searches += 1
            self._latencies.append(milliseconds)

    def error(self) -> None:
        """Note an answer that says that the server failed."""
        with self._lock:
            self._errors += 1

    def sample(self) -> None:
        """Take a sample, if it is time for one."""
        now, used = self._clock(), time.process_time()
        with self._lock:
            passed = now - self._since
            if passed < _STEP_S:
                return
            ordered = sorted(self._latencies)
            self._samples.append(
                Sample(
                    at=now,
                    memory_bytes=memory_bytes(),
                    processor=round((used - self._processor_s) / passed, 4),
                    searches=self._searches,
                    p50_ms=_share(ordered, 0.5),
                    p95_ms=_share(ordered, 0.95),
                    errors=self._errors,
                )
            )
            self._latencies.clear()
            self._searches = self._errors = 0
            self._since, self._processor_s = now, used

    def samples(self) -> list[Sample]:
        """All samples, oldest first."""
        with self._lock:
            return list(self._samples)


def memory_bytes() -> int:
    """Memory that this process holds; where the system does not tell, the most it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def _share(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
