"""The clock that leases run on. Not the time of day: that may be set two hours back while a request is under way.

On one machine the time since boot serves: every process reads the same one, nobody can set it, and it goes on while
the machine sleeps. After a boot it starts anew, so a lease names the boot it belongs to. A lease of another boot
has lost its clock and, as a rule, its owner; it ends by the time of day, which at worst makes a take-over late. (Ending
it at once would be right after a restart, but not for two virtual machines that share a folder against our advice.)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTime:
    """A moment: `seconds` count within an `epoch`; `wall` is the time of day, for other epochs and for people."""

    epoch: str
    seconds: float
    wall: datetime


LeaseClock: TypeAlias = Callable[[], LeaseTime]


def boot_clock() -> LeaseClock:
    """This machine's clock."""
    try:
        epoch = _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):  # no Linux: the boot's own time of day will do, to the minute
        epoch = f"boot {round((time.time() - time.monotonic()) / 60)}"
    clock = getattr(time, "CLOCK_BOOTTIME", None)

    def now() -> LeaseTime:
        seconds = time.monotonic() if clock is None else time.clock_gettime(clock)
        return LeaseTime(epoch=epoch, seconds=seconds, wall=datetime.now(UTC))

    return now
