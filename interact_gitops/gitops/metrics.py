"""The loop's figures for Prometheus. Labels never hold names or ids."""

from __future__ import annotations

from interact_gitops.gitops.report import Report
from interact_gitops.gitops.standing import Standing

_COUNTERS = {
    "passes": "Passes that ended.",
    "failed": "Passes that failed.",
    "holds": "Plans that had to wait for somebody.",
    "hook_wake": "Webhook deliveries that woke the loop.",
    "hook_forged": "Webhook deliveries with a wrong signature.",
}


def exposition(report: Report, standing: Standing) -> tuple[str, str]:
    """(the figures as text, its media type)."""
    from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_LATEST

    registry = CollectorRegistry()
    for name, said in _COUNTERS.items():
        Counter(f"interact_sync_{name}", said, registry=registry).inc(report.counts[name])
    applied = Counter("interact_sync_applied", "Changes that were written.", ["action"], registry=registry)
    for action, count in sorted(report.applied.items()):
        applied.labels(action).inc(count)
    gauges = {
        "last_success_timestamp_seconds": ("When a pass last succeeded.", _epoch(standing.succeeded_at)),
        "last_pass_seconds": ("How long the last pass took.", standing.seconds),
        "jobs": ("Jobs that git defines.", standing.jobs),
        "synced": ("Whether the target is what git says.", standing.sync == "Synced"),
        "degraded": ("Whether the loop cannot do its work.", standing.health == "Degraded"),
        "suspended": ("Whether somebody suspended it.", standing.health == "Suspended"),
        "held": ("Whether a plan waits for somebody.", standing.hold is not None),
        "failures_in_a_row": ("Passes that failed since the last good one.", standing.failures),
    }
    for name, (said, value) in gauges.items():
        Gauge(f"interact_sync_{name}", said, registry=registry).set(float(value))
    items = Gauge("interact_sync_items", "Jobs and channels that differ, by why.", ["state"], registry=registry)
    for state in ("pending", "drifted", "fighting", "failed", "refused"):
        items.labels(state).set(sum(item.state == state for item in standing.items))
    return generate_latest(registry).decode(), CONTENT_TYPE_LATEST


def _epoch(when: object) -> float:
    return float(when.timestamp()) if hasattr(when, "timestamp") else 0.0
