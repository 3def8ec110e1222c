"""A runner's figures for Prometheus, served over HTTP. Labels never hold names or ids."""

from __future__ import annotations

from collections.abc import Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Histogram, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from interact_gitops.errors import Failure
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.standing import Standing

_COUNTERS = {
    "decided": ("due", "Occurrences that were decided."),
    "claimed": ("claimed", "Runs that this runner claimed."),
    "taken_over": ("taken_over", "Runs whose runner was gone."),
    "answer_started": ("sent", "Requests that started a run."),
    "answer_unknown": ("unknown", "Requests of which nobody knew whether they started a run."),
    "notice_missed_run": ("missed", "Alarms about missed runs."),
    "ledger_failures": ("ledger_failures", "Times that the ledger could not be used."),
    "target_silent": ("target_silent", "Looks that the target did not answer."),
}
_LATENESS = (0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 21_600)


class Figures:
    """Counts from the journal, gauges from the newest standing. `update` is called after every round."""

    def __init__(self, journal: Journal) -> None:
        self.registry = CollectorRegistry()
        self._journal = journal
        self._lateness = Histogram(
            "interact_runner_lateness_seconds", "From due to sent.", buckets=_LATENESS, registry=self.registry
        )
        self.standing: Standing | None = None
        self.registry.register(_Collected(journal, self))

    def update(self, standing: Standing) -> None:
        """How the runner stands now."""
        self.standing = standing
        late, self._journal.lateness = self._journal.lateness, []
        for seconds in late:
            self._lateness.observe(max(0.0, seconds))

    def serve(self, port: int, host: str = "127.0.0.1") -> int:
        """Serve `/metrics` until the process ends; the port. Raises Failure when it is taken."""
        try:
            server, _ = start_http_server(port, addr=host, registry=self.registry)
        except OSError as error:
            said = f"the metrics cannot be served on {host}:{port}: {error.strerror}"
            raise Failure(said, remedy="choose another --metrics-port; 0 picks a free one") from error
        assert isinstance(server, WSGIServer)
        return int(server.server_port)


class _Collected(Collector):
    def __init__(self, journal: Journal, figures: Figures) -> None:
        self._journal, self._figures = journal, figures

    def collect(self) -> Iterator[Metric]:
        counts = dict(self._journal.counts)
        for name, (metric, said) in _COUNTERS.items():
            yield CounterMetricFamily(f"interact_runner_{metric}", said, value=counts.get(name, 0))
        ended = CounterMetricFamily("interact_runner_ended", "Runs that ended, by state.", labels=["state"])
        for name in sorted(counts):
            if name.startswith("ended_"):
                ended.add_metric([name.removeprefix("ended_")], counts[name])
        yield ended
        latency = self._journal.ledger_seconds
        if latency is not None:
            yield GaugeMetricFamily("interact_runner_ledger_seconds", "How long the newest claim took.", value=latency)
        standing = self._figures.standing
        if standing is None:
            return
        gauges = {
            "jobs": ("Jobs that are defined.", standing.jobs),
            "active": ("Runs that this runner answers for.", standing.active),
            "sending": ("Requests under way.", standing.sending),
            "doubtful": ("Runs of which it is not known whether they started.", standing.unknown),
            "held": ("Whether the target refuses the key.", standing.held is not None),
            "ledger_down": ("Whether the ledger cannot be used.", standing.ledger_down is not None),
        }
        for metric, (said, value) in gauges.items():
            yield GaugeMetricFamily(f"interact_runner_{metric}", said, value=float(value))

    def describe(self) -> Iterator[Metric]:
        return iter(())
