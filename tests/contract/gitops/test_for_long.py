"""Many passes: nothing grows, and an unchanged branch costs next to nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .conftest import World, job

PASSES = 500 if os.environ.get("CHAOS") == "all" else 60


def resources() -> tuple[int, int, int]:
    """(open files, children, KiB of memory) of this process."""
    pid = os.getpid()
    children = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid=,args="], capture_output=True, text=True, check=False
    )
    others = [line for line in children.stdout.splitlines() if "ps --ppid" not in line]
    status = Path("/proc/self/status").read_text().splitlines()
    resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return len(os.listdir("/proc/self/fd")), len(others), resident


def test_passes_leave_nothing_behind(world: World) -> None:
    world.repository.commit(**{f"job_{number}": job(f"job-{number}") for number in range(20)})
    settled = (0, 0, 0)
    for number in range(PASSES):
        if number % 5 == 0:
            world.repository.commit(job_3=job("job-3", name=f"Name {number}"))
        if number % 25 == 7:
            world.repository.commit(job_4="nonsense: [")
        if number % 25 == 9:
            world.repository.commit(job_4=job("job-4"))
        world.later(minutes=1)
        standing = world.once()
        assert standing.sync == ("OutOfSync" if number % 25 in (7, 8) else "Synced"), standing
        if number == PASSES // 3:
            settled = resources()
    files, children, memory = resources()
    assert files <= settled[0] + 2
    assert children <= settled[1]
    assert memory < settled[2] * 1.15 + 5_000
    packs = list((world.folder / "state/mirror/.git/objects/pack").glob("*.pack"))
    assert len(packs) <= 51
    print(f"{PASSES} passes: {settled[0]} → {files} files, {settled[2]} → {memory} KiB, {len(packs)} packs")
