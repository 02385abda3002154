"""Numbers for Prometheus: what is counted as it happens, and how the queue stands when it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from labkit_hub.service.context import QueueViews
from labkit_hub.service.identity import HubDoor

__all__ = ["MetricsRoom", "PrometheusMeters"]

_WAIT_S = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)


class PrometheusMeters:
    """Implements `labkit_hub.service.context.Meters` in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._waited = Histogram("labkit_wait_seconds", "How long runs waited for a device", buckets=_WAIT_S, registry=self.registry)
        self._throttled = Counter("labkit_spawn_throttles", "Starts for which the hub was too busy", registry=self.registry)
        self._answers = Counter("labkit_hub_answers", "Answers of the hub", ("call", "kind"), registry=self.registry)

    def waited(self, seconds: float) -> None:
        """Count a run that got its device after so many seconds in the line."""
        self._waited.observe(max(0.0, seconds))

    def spawn_throttled(self) -> None:
        """Count a start for which the hub was too busy."""
        self._throttled.inc()

    def hub_answered(self, call: str, kind: str) -> None:
        """Count one answer of the hub."""
        self._answers.labels(call, kind).inc()


class _Standing:
    """Reads the queue whenever Prometheus asks."""

    def __init__(self, views: QueueViews) -> None:
        self._views = views

    def collect(self) -> Iterator[Metric]:
        counts = self._views.counts()
        runs = GaugeMetricFamily("labkit_runs", "Runs by state, since the beginning", labels=("state",))
        for state, number in sorted(counts.runs.items()):
            runs.add_metric((state,), number)
        yield runs
        devices = GaugeMetricFamily("labkit_devices", "Devices by state", labels=("state",))
        for state, number in sorted(counts.devices.items()):
            devices.add_metric((state,), number)
        yield devices
        yield GaugeMetricFamily("labkit_leases", "Devices that are leased", counts.leases)
        yield GaugeMetricFamily("labkit_line_length", "Runs that wait", counts.waiting)
        yield GaugeMetricFamily("labkit_oldest_wait_seconds", "How long the run that waits longest has waited", counts.oldest_wait_s)
        yield GaugeMetricFamily("labkit_line_paused", "1 while an admin has paused the line", self._views.paused() is not None)


class MetricsRoom:
    """``metrics``: for admins, and for tokens with the scope ``read:metrics``."""

    def __init__(self, meters: PrometheusMeters, views: QueueViews, door: HubDoor) -> None:
        self.router = APIRouter(tags=["metrics"])
        standing = CollectorRegistry()
        standing.register(_Standing(views))

        def metrics(request: Request) -> Response:
            """Return all numbers in Prometheus' text format."""
            return Response(generate_latest(meters.registry) + generate_latest(standing), media_type=CONTENT_TYPE_LATEST)

        self.router.add_api_route("/metrics", metrics, methods=["GET"], dependencies=[Depends(door.reader_of_metrics)])

    def start(self) -> None:
        """Do nothing: no work beside the route."""

    def stop(self) -> None:
        """Do nothing."""
