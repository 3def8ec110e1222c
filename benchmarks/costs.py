"""What a command costs: its own CPU, the time on the clock, and its largest memory, from the kernel's account of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU (user and system) and wall seconds, and the peak of resident memory in MiB."""

    cpu: float
    wall: float
    peak: float


def measure(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    times: int = 1,
    exits: int = 0,
) -> Cost:
    """The least that `command` cost in `times` runs: what else the machine does can only add to it.

    Fails loudly when it ends with another code than `exits`.
    """
    costs = [_once(command, folder, environment or {}, exits) for _ in range(times)]
    return Cost(
        cpu=min(cost.cpu for cost in costs),
        wall=min(cost.wall for cost in costs),
        peak=max(cost.peak for cost in costs),
    )


def _once(command: Sequence[str], folder: Path, environment: Mapping[str, str], exits: int) -> Cost:
    # As installed programs run: their byte code is there already, and written where it is not.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    said = folder / "bench.log"
    with said.open("wb") as log:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env={**environ, **environment}, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for: Popen need not
    if process.returncode != exits:
        tail = said.read_text(errors="replace")[-2_000:]
        raise SystemExit(f"{Path(command[0]).name} {' '.join(command[1:4])} … ended with {process.returncode}:\n{tail}")
    kibibytes = used.ru_maxrss / (1_024 if sys.platform == "darwin" else 1)
    return Cost(cpu=used.ru_utime + used.ru_stime, wall=wall, peak=kibibytes / 1_024)
