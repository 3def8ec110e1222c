"""Runners as processes of their own, many of them: `interact-gitops runner`, forked from a helper that has imported
everything, so that one that is killed is replaced in a tenth of a second.

They are the real command but for two things. The time of day is moved by what stands in a file, so that a test can set
it. And their patience is a tenth: leases, time limits and lags of seconds instead of minutes.
Run as a script it is the helper; `Forkery` is its other end.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

LEASE = 5.0  # seconds
LEDGER = ("decide", "claim", "move", "renew", "take_over", "release")
TARGET = ("start", "chats")
GIT = ("swap", "commit")


class Forkery:
    """Starts runners; `code` says how one ended: its exit code, or the negative number of a signal."""

    def __init__(self) -> None:
        self._codes: dict[int, int] = {}
        self._news = threading.Condition()
        self._ordering = threading.Lock()
        self._started: list[int] = []

    def __enter__(self) -> Self:
        # A process group of its own: Ctrl-C in the tests' terminal is not for the runners.
        self._helper = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._helper.stdin is not None
        self._helper.stdin.close()
        self._helper.wait(20)
        self._reader.join()

    def start(
        self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: Path, trap: str = "",
        disk: int | None = None,
    ) -> int:  # fmt: skip
        """A new process's number. `trap` is `CALL:before|after:NUMBER:kill|stop`; `disk` is the largest size of a file
        that it may write, in bytes."""
        order = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment),
                 "log": str(log), "trap": trap, "disk": disk}  # fmt: skip
        with self._ordering, self._news:
            assert self._helper.stdin is not None
            self._helper.stdin.write(json.dumps(order) + "\n")
            self._helper.stdin.flush()
            assert self._news.wait_for(lambda: bool(self._started), 30), "the helper is gone"
            return self._started.pop()

    def code(self, pid: int) -> int | None:
        """How it ended; None while it lives."""
        with self._news:
            return self._codes.get(pid)

    def wait(self, pid: int, seconds: float = 30.0) -> int:
        """How it ended, waited for."""
        with self._news:
            assert self._news.wait_for(lambda: pid in self._codes, seconds), f"{pid} does not end"
            return self._codes[pid]

    def _read(self) -> None:
        assert self._helper.stdout is not None
        with self._helper.stdout as lines:
            for line in lines:
                what, pid, *code = line.split()
                with self._news:
                    if what == "started":
                        self._codes.pop(int(pid), None)
                        self._started.append(int(pid))
                    else:
                        self._codes[int(pid)] = int(code[0])
                    self._news.notify_all()


def help_forking() -> None:
    """The helper: an order a line in; `started PID` and `ended PID CODE` out. It ends with everybody it started."""
    _import_everything()
    answers, children, pending = os.dup(1), set(), b""
    while True:
        if select.select([0], [], [], 0.02)[0]:
            read = os.read(0, 65_536)
            if not read:
                break
            *lines, pending = (pending + read).split(b"\n")
            for line in lines:
                if (pid := os.fork()) == 0:
                    _become(json.loads(line))
                children.add(pid)
                os.write(answers, f"started {pid}\n".encode())
        for pid in list(children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                children.discard(pid)
                os.write(answers, f"ended {pid} {os.waitstatus_to_exitcode(status)}\n".encode())
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _import_everything() -> None:
    import importlib

    # What a runner imports once it is at work, for the forks to have.
    for name in ("cli.main", "cli.runner", "cli.running", "cli.assembly", "config.settings",
                 "gitops.checkout", "interact.client", "runner.runner", "runner.metrics", "runner.ping",
                 "runner.journal", "runner.defined", "runner.remote", "ledger.relational", "ledger.sqlite",
                 "ledger.postgres", "ledger.git.database"):  # fmt: skip
        importlib.import_module(f"interact_gitops.{name}")
    for name in ("httpx", "psycopg", "rich.status", "rich.console"):
        importlib.import_module(name)


def _become(order: Mapping[str, Any]) -> None:
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    empty = os.open(os.devnull, os.O_RDONLY)
    for number, file in ((0, empty), (1, log), (2, log)):
        os.dup2(file, number)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    _set_clock(Path(order["environment"]["CLOCK"]))
    _hurry()
    if order["trap"]:
        _set_trap(*order["trap"].split(":"))
    if order["disk"] is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (order["disk"], resource.RLIM_INFINITY))
    from interact_gitops.cli.main import main

    main(order["arguments"])


def _set_clock(file: Path) -> None:
    """The time of day is so many seconds ahead of this machine's as the file says, at every look."""
    import mmap
    from datetime import UTC, datetime, timedelta
    from types import SimpleNamespace

    from interact_gitops.interact import transport
    from interact_gitops.runner.options import SystemClock

    with file.open("rb") as opened:
        shared = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)

    def ahead() -> float:
        return float(struct.unpack("d", shared[:8])[0])

    SystemClock.now = lambda _self: datetime.now(UTC) + timedelta(seconds=ahead())  # type: ignore[method-assign]  # the seam
    transport.time = SimpleNamespace(time=lambda: time.time() + ahead(), monotonic=time.monotonic)  # type: ignore[assignment]  # the seam


def _hurry() -> None:
    from datetime import timedelta

    from interact_gitops.cli import running
    from interact_gitops.runner import recovering, recovery, runner, sending
    from interact_gitops.runner.options import RunnerOptions

    RunnerOptions.__post_init__ = lambda _self: None  # type: ignore[method-assign]  # its shortest lease is 25 seconds
    running.runner_options = lambda parallelism, _lease, on_unknown: RunnerOptions(  # type: ignore[assignment]  # the seam
        parallelism=parallelism, on_unknown=on_unknown, lease=LEASE, request=1.0, listing_lag=2.0, poll_first=0.1,
        poll_last=0.5, sweep=0.5,
    )  # fmt: skip
    sending.START_WITHIN = 0.5
    runner.WHILE_AWAY = 0.5
    # Who compares times that the target tells to the second must wait for longer than what is left of them.
    recovering.CLOCKS_APART = recovery.CLOCKS_APART = timedelta(seconds=1.5)
    recovering.FIRST_PAUSE = 0.2
    recovering.LONGEST_PAUSE = 2.0


def _set_trap(call: str, when: str, number: str, what: str) -> None:
    """At the n-th call of a method of the ledger or of the target, before or after it, the process stops or dies.

    A claim that finds nothing does not count: it is made every second.
    """
    from interact_gitops.ledger.git.repository import Repository
    from interact_gitops.ledger.relational import RelationalLedger
    from interact_gitops.runner.remote import RemoteTarget

    owner: Any = RemoteTarget if call in TARGET else Repository if call in GIT else RelationalLedger
    real = getattr(owner, call)
    left = [int(number)]

    def spring() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL if what == "kill" else signal.SIGSTOP)

    def trapped(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            spring()
        result = real(*arguments, **named)
        if when == "after" and (result or call not in {"claim", "take_over"}):
            spring()
        return result

    setattr(owner, call, trapped)


if __name__ == "__main__":
    help_forking()
