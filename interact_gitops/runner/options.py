"""How a runner behaves, and the clock it goes by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from interact_gitops.runner.recovery import OnUnknown


class Clock(Protocol):
    """The time of day, which decides what is due, and one that nobody sets, for everything that is waited for."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def seconds(self) -> float:
        """Seconds since whenever."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """See `Clock`."""
        return datetime.now(UTC)

    def seconds(self) -> float:
        """See `Clock`. It goes on while the machine sleeps, as leases do."""
        return _seconds()


def _since_boot() -> Callable[[], float]:
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if clock is None else lambda: time.clock_gettime(clock)


_seconds = _since_boot()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """All times in seconds. `parallelism` bounds requests under way; `most_active` bounds runs followed at once.

    A request ends well inside `lease`: whoever takes a run over must find none still under way.
    """

    parallelism: int = 16
    most_active: int = 10_000
    lease: float = 120.0
    request: float = 30.0
    listing_lag: float = 30.0
    on_unknown: OnUnknown = "hold"
    poll_first: float = 1.0
    poll_last: float = 15.0
    sweep: float = 5.0  # between looks at what others left behind, at cancellations and alarms
    hold: float = 600.0  # for which a target that refused the key is left alone

    def __post_init__(self) -> None:
        if self.lease < self.request * 3 + 10:
            raise ValueError("a lease has to last more than three times as long as a request")
