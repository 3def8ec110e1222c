"""Figures for Prometheus, in a registry of this server's own. Labels never hold names or ids."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from interact_gitops.server.runs.ending import Outcome
from interact_gitops.server.store import deliveries
from interact_gitops.server.store.chats import StoredChat, count_by_status
from interact_gitops.server.store.database import Database


class _ChatCounts(Collector):
    """Chats by status, counted when asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        found = GaugeMetricFamily("interact_chats", "Chats by status.", labels=["status"])
        with self._database.read() as db:
            for status, count in count_by_status(db).items():
                found.add_metric([status], count)
        yield found

    def describe(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("interact_chats", "Chats by status.", labels=["status"])


class _DeliveryCounts(Collector):
    """Notifications by state, counted when asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        found = next(self.describe())
        with self._database.read() as db:
            for state, count in deliveries.count_by_state(db).items():
                found.add_metric([state], count)
        yield found

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("interact_notifications", "Notifications by state.", labels=["state"])


class Metrics:
    """Requests, run attempts, chats by status, and notifications."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_ChatCounts(database))
        self._registry.register(_DeliveryCounts(database))
        self._deliveries = Counter(
            "interact_delivery_tries", "Tries to deliver a notification.", ["type", "outcome"], registry=self._registry
        )
        self._requests = Counter(
            "interact_requests", "Answered requests.", ["operation", "status"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "interact_request_seconds", "Time to answer a request.", ["operation"], registry=self._registry
        )
        self._dropped = Counter(
            "interact_dropped_connections",
            "Connections dropped by what the client did not do in time (idle, head, body, answer), or because it was"
            " crowded or what it sent malformed.",
            ["reason"],
            registry=self._registry,
        )
        self._attempts = Counter("interact_attempts", "Ended attempts at chats.", ["status"], registry=self._registry)
        self._attempt_seconds = Histogram(
            "interact_attempt_seconds", "Time that an attempt at a chat took.", registry=self._registry
        )

        self._scheduled = Counter(
            "interact_scheduled_runs",
            "Occurrences of schedules by what became of them: missed, skipped_overlap, started and then its end.",
            ["outcome"],
            registry=self._registry,
        )
        self._lateness = Histogram(
            "interact_schedule_lateness_seconds",
            "Time from when an occurrence was due to its start.",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600),
            registry=self._registry,
        )

    def observe_request(self, operation: str, status: int, seconds: float) -> None:
        """Counts an answered request."""
        self._requests.labels(operation, str(status)).inc()
        self._request_seconds.labels(operation).observe(seconds)

    def observe_dropped(self, reason: str) -> None:
        """Counts a connection that was dropped."""
        self._dropped.labels(reason).inc()

    def observe_run(self, _chat: StoredChat, outcome: Outcome, seconds: float) -> None:
        """Counts an attempt's end."""
        self._attempts.labels(outcome.status).inc()
        self._attempt_seconds.observe(seconds)

    def observe_delivery(self, kind: str, outcome: str) -> None:
        """Counts a try to deliver a notification."""
        self._deliveries.labels(kind, outcome.lower()).inc()

    def observe_scheduled(self, outcome: str, count: int = 1) -> None:
        """Counts occurrences of schedules."""
        self._scheduled.labels(outcome).inc(count)

    def observe_lateness(self, seconds: float) -> None:
        """Notes how late an occurrence started."""
        self._lateness.observe(max(0.0, seconds))

    def text(self) -> bytes:
        """The exposition format, version 0.0.4."""
        return generate_latest(self._registry)
