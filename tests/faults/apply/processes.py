"""The real command as a process beside the test, and a front that keeps its requests waiting."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...contract.client.scripted import Reply, Request
from .conftest import Room

JOB = """
key: job-{number}
name: Job {number}
agent: paid-search-analyst
prompt: What was spent?
"""


class Held:
    """Keeps requests waiting from the `first` of one kind on, until they are let go; `reached` when so many wait."""

    def __init__(self, room: Room, method: str, path: str, *, first: int, waiting: int) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self._last = first + waiting - 1
        self._wanted, self._first, self._count = (method, path), first, 0
        self._front, self._answer = room.front, room.front.answer
        self._front.answer = self._ask

    def _ask(self, request: Request) -> Reply:
        if (request.method, request.path) == self._wanted:
            self._count += 1
            if self._count == self._last:
                self.reached.set()
            if self._count >= self._first:
                self.go.wait(20)
        return self._answer(request)

    def end(self) -> None:
        self.go.set()
        self._front.answer = self._answer


def repository(folder: Path) -> None:
    (folder / "interact-gitops.yaml").write_text("managed_by: acme/jobs\n")
    (folder / "jobs.d").mkdir()
    for number in range(12):
        (folder / "jobs.d" / f"{number}.yaml").write_text(JOB.format(number=number))


def environment(room: Room, folder: Path, *, direct: bool = False) -> dict[str, str]:
    headers = room.fronted._transport._httpx.headers
    return {
        **os.environ, "INTERACT_URL": room.direct._transport.url if direct else room.front.url,
        "INTERACT_API_KEY": headers["X-API-Key"], "INTERACT_ORG_ID": headers["X-Organization-Id"],
        "HOME": str(folder), "PYTHONUTF8": "1", "GITHUB_RUN_ID": "",
    }  # fmt: skip


def command(*options: str, lease_seconds: int | None = None) -> list[str]:
    start = ["-m", "interact_gitops"] if lease_seconds is None else ["-c", _SHORT_LEASE.format(lease_seconds)]
    return [sys.executable, *start, "apply", "--yes", "--parallelism", "2", *options]


_SHORT_LEASE = """
from interact_gitops.cli.main import main
from interact_gitops.interact import locks

locks.LEASE_SECONDS = {}
main()
"""


@contextmanager
def start(
    room: Room, folder: Path, *options: str, direct: bool = False, lease_seconds: int | None = None, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """An apply beside the test; `direct` is not kept waiting by the front, `more` is of its environment."""
    with subprocess.Popen(
        command(*options, lease_seconds=lease_seconds), cwd=folder, text=True,
        env={**environment(room, folder, direct=direct), **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()  # a test that fails must not wait for a process that stands still


def finish(room: Room, folder: Path) -> None:
    """Running it again, without trouble, ends at git's state; a lock that was left behind would be in the way."""
    again = subprocess.run(
        command("--lock-timeout", "0"), cwd=folder, env=environment(room, folder), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert len(room.keys()) == 12
