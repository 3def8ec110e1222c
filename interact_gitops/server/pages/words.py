"""Instants, durations and values as pages say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from interact_gitops.jobs.model import Scalar
from interact_gitops.notify.messages.cleaning import one_line, shown
from interact_gitops.server.clock import from_text


def instant(when: datetime) -> str:
    """An aware instant as people read it, with its zone: `Mon 2026-11-23 08:00 CET`."""
    return when.strftime("%a %Y-%m-%d %H:%M %Z")


def to_the_second(when: datetime) -> str:
    """`2026-11-23 08:00:12 CET`."""
    return when.strftime("%Y-%m-%d %H:%M:%S %Z")


def at(text: str) -> datetime:
    """A stored time, in UTC."""
    return from_text(text)


def machine(when: datetime) -> str:
    """As the attribute `datetime` wants it."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """How long something took: `40 ms`, `4.2 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3_600:,} h {whole % 3_600 // 60:02d} min"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 job`, `1,204 jobs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def values(parameters: Mapping[str, Scalar]) -> str:
    """`campaign_id CMP-2026-001, days 7`."""
    return one_line(", ".join(f"{name} {shown(value)}" for name, value in parameters.items()), 300)


def sentence(text: str) -> str:
    """A message with a capital letter and a full stop, as it stands alone; nothing for nothing."""
    return text and text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def again_words(*, fan_out: bool, failed: bool) -> str:
    """What a button says that runs again what did not complete. Where nothing failed, it was cancelled."""
    if not fan_out:
        return "Run again"
    return "Run failed again" if failed else "Run the rest again"


def short_commit(commit: str) -> str:
    """The beginning of a commit's hash, enough to know it by."""
    return commit[:10]


TRIGGERS: Mapping[str, str] = {
    "manual": "Manual",
    "api": "API",
    "schedule": "Schedule",
    "backfill": "Backfill",
    "retry": "Run again",
}


def who(initiator: str) -> str:
    """Who started a run: `key:ci` → `key ci`, `ui:ada` → `ada`."""
    kind, _, name = initiator.partition(":")
    return {"key": f"key {name}", "ui": name}.get(kind, initiator) if name else initiator


FILTERS: Mapping[str, Callable[..., Any]] = {
    "instant": instant,
    "second": to_the_second,
    "machine": machine,
    "duration": duration,
    "count": count,
    "shown": shown,
    "short": short_commit,
}
