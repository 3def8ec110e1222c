"""Several parts in one process, each in a thread of its own, each started again when it fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from interact_gitops.cli.bug import write_bug_report
from interact_gitops.errors import Failure

LOGGER = logging.getLogger("interact_gitops.runner.parts")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds until a part that failed is started again
LONG_ENOUGH = 60.0  # seconds after which a failure is a new one, and not the one before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`work` returns when `stop` was called, which may be before it began; it may raise anything at any time."""

    name: str
    work: Callable[[], object]
    stop: Callable[[], object]


def supervise(parts: Sequence[Part], stopped: threading.Event, *, drain_seconds: float) -> list[str]:
    """Run the parts until `stopped`, then stop them; the names of those that did not end within `drain_seconds`."""
    threads = {part.name: threading.Thread(target=_keep, args=(part, stopped), name=part.name, daemon=True)
               for part in parts}  # fmt: skip
    for thread in threads.values():
        thread.start()
    stopped.wait()
    for part in parts:
        part.stop()
    until = time.monotonic() + drain_seconds
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    return [name for name, thread in threads.items() if thread.is_alive()]


def _keep(part: Part, stopped: threading.Event) -> None:
    """One part, over and over until it is stopped."""
    pause = FIRST_PAUSE
    while not stopped.is_set():
        began = time.monotonic()
        try:
            part.work()
            said = "it ended by itself"
        except Failure as failure:
            said = f"{failure.message}; {failure.remedy}" if failure.remedy else failure.message
        except Exception as bug:  # noqa: BLE001  # a bug of one part must not stop the others
            said = f"this is a bug: {type(bug).__name__}; please report it with {write_bug_report(bug)}"
        if stopped.is_set():
            return
        if time.monotonic() - began > LONG_ENOUGH:
            pause = FIRST_PAUSE
        fields = {"part": part.name, "why": said, "again_seconds": pause}
        LOGGER.error("the %s stopped, and is started again in %g s: %s", part.name, pause, said,
                     extra={"event": "part_stopped", "fields": fields})  # fmt: skip
        stopped.wait(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
