"""What a server counts, for Prometheus; no names of files, no addresses of clients."""

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pose_activity.serving.service import Service

_PREFIX = "pose_activity_"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The counts of one application, and the middleware that counts its requests."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter(
            f"{_PREFIX}requests", "Requests that were answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            f"{_PREFIX}request_seconds",
            "Time to the end of an answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def watch(self, service: Service) -> None:
        """Adds the state of a service, as it is when somebody looks."""
        self.registry.register(_State(service))

    def counting(self, app: ASGIApp) -> ASGIApp:
        """Returns an application that counts what another one answers."""

        async def count(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            started, status = time.monotonic(), "500"

            async def send_noting(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = str(message["status"])
                await send(message)

            try:
                await app(scope, receive, send_noting)
            finally:
                # The pattern, not the path: ids and names are nobody's business.
                route = getattr(scope.get("route"), "path", "other")
                self._requests.labels(scope["method"], route, status).inc()
                self._seconds.labels(route).observe(time.monotonic() - started)

        return count


class _State(Collector):
    """Queues and jobs of a service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yields them."""
        service = self._service
        jobs = GaugeMetricFamily(
            f"{_PREFIX}jobs", "Jobs that are kept, by state.", labels=["state"]
        )
        for state in ("waiting", "running", "done", "failed", "cancelled"):
            jobs.add_metric([state], service.jobs.count(state))
        yield jobs
        taken = GaugeMetricFamily(
            f"{_PREFIX}places_taken", "Files that are worked on or wait.", labels=["of"]
        )
        taken.add_metric(["pictures"], service.pictures.taken)
        taken.add_metric(["videos"], service.jobs.places.taken)
        yield taken
        yield GaugeMetricFamily(
            f"{_PREFIX}free_disk_bytes", "Room for visitors' files.", value=service.free_disk()
        )
