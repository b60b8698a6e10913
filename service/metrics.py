"""Metrics in Prometheus' text form; the processes of a server share them through files where there are several."""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """What a server counts. Labels are route templates, never what a client wrote."""

    def __init__(self) -> None:
        # A time of creation beside every counter doubles what is scraped, and nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types
        to = self._registry = CollectorRegistry()
        self.requests = Counter("cozone_requests", "Requests answered", ("route", "method", "status"), registry=to)
        self.seconds = Histogram("cozone_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=to)
        self.sent = Counter("cozone_sent_bytes", "Bytes of bodies sent", registry=to)
        self.inside = self._gauge("cozone_requests_inside", "Requests being answered")
        self.working = self._gauge("cozone_work_inside", "Requests that run or wait in the pool")
        self.tile_hits = self._gauge("cozone_tiles_from_memory", "Tiles answered from memory")
        self.tile_misses = self._gauge("cozone_tiles_drawn", "Tiles drawn")
        self.tile_bytes = self._gauge("cozone_tile_cache_bytes", "Bytes of tiles in memory")

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self._registry, multiprocess_mode="livesum")

    def text(self) -> bytes:
        """All of it, of all processes."""
        if _SHARED not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types
        return generate_latest(registry)
