"""Figures for Prometheus. Every application has its own, so that two in a process do not mix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from shopsight.search.cache import CacheStats

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """What one application counts."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # Memory, processor time and open files of the process.
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "shopsight_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._request_seconds = Histogram(
            "shopsight_request_seconds",
            "Seconds from the first byte of a request to the last of its answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stage_seconds = Histogram(
            "shopsight_search_stage_seconds",
            "Seconds of a search by stage.",
            ("stage",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._sizes = Gauge(
            "shopsight_catalog",
            "Size of the catalogue and its index.",
            ("what",),
            registry=self._registry,
        )
        self._jobs = Gauge("shopsight_jobs", "Jobs by state.", ("state",), registry=self._registry)
        self._caches = Gauge(
            "shopsight_cache",
            "What caches have done since the start, and hold.",
            ("cache", "what"),
            registry=self._registry,
        )
        self._ready = Gauge(
            "shopsight_ready", "1 when searches are answered.", registry=self._registry
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request.

        Args:
            method: HTTP method.
            route: Template of the path, not the path: there are few templates and endless paths.
            status: HTTP status.
            seconds: How long it took.
        """
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def search(self, timings_ms: Mapping[str, float]) -> None:
        """Count the stages of one search."""
        for stage, milliseconds in timings_ms.items():
            self._stage_seconds.labels(stage).observe(milliseconds / 1000)

    def sizes(self, values: Mapping[str, int]) -> None:
        """Set sizes, such as ``products`` and ``rows``."""
        for what, value in values.items():
            self._sizes.labels(what).set(value)

    def jobs(self, counts: Mapping[str, int]) -> None:
        """Set numbers of jobs by state."""
        for state, value in counts.items():
            self._jobs.labels(state).set(value)

    def cache(self, name: str, stats: CacheStats) -> None:
        """Set what a cache has done and holds."""
        for what, value in asdict(stats).items():
            self._caches.labels(name, what).set(value)

    def ready(self, value: bool) -> None:
        """Set whether searches are answered."""
        self._ready.set(int(value))

    def render(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)
