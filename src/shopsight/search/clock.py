"""Times the stages of a search."""

from __future__ import annotations

import time


class Clock:
    """Milliseconds between laps; laps of one name add up."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Note the time since the last lap under a name."""
        now = time.perf_counter()
        self._laps[name] = round(self._laps.get(name, 0.0) + (now - self._last) * 1000, 3)
        self._last = now

    def timings(self) -> dict[str, float]:
        """Milliseconds by name, and in total."""
        return self._laps | {"total": round((self._last - self._start) * 1000, 3)}
