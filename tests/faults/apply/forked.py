"""The command line, many times over, each time as a process of its own that can be killed.

A helper process imports everything once and forks: a run costs a tenth of a second instead of a whole one.
Run as a script it is that helper; `Forkery` is its other end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Ended:
    """How a run ended: `code` is its exit code, or the negative number of the signal that killed it."""

    code: int
    out: str
    err: str


class Forkery:
    """Starts runs, one at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.pid: int | None = None

    def __enter__(self) -> Self:
        self._helper = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        assert self._helper.stdin is not None
        assert self._helper.stdout is not None
        self._helper.stdin.close()
        self._helper.wait(10)
        self._helper.stdout.close()

    def run(self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Ended:
        """One run, from its start to its end."""
        out, err = self._folder / "out", self._folder / "err"
        order = {
            "arguments": list(arguments), "folder": str(folder), "environment": dict(environment), "out": str(out),
            "err": str(err),
        }  # fmt: skip
        assert self._helper.stdin is not None
        self._helper.stdin.write(json.dumps(order) + "\n")
        self._helper.stdin.flush()
        self.pid = self._read()
        code = self._read()
        self.pid = None
        return Ended(code, out.read_text(), err.read_text())

    def kill(self) -> None:
        """Kills the run in progress, at once."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)

    def _read(self) -> int:
        assert self._helper.stdout is not None
        return int(self._helper.stdout.readline())


def help_forking() -> None:
    """The helper: an order a line in, the process's number and then its exit code out."""
    import interact_gitops.cli.apply
    import interact_gitops.cli.declared
    import interact_gitops.config.settings
    import interact_gitops.gitops.checkout
    import interact_gitops.interact.client
    import interact_gitops.planning.rendering.text  # noqa: F401  # all of these are imported for the forks to have

    __import__("httpx")
    answers = os.dup(1)
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(order)
        os.write(answers, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(order: Mapping[str, Any]) -> None:
    from interact_gitops.cli.main import main

    for number, name in ((1, "out"), (2, "err")):
        file = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    main(order["arguments"])


if __name__ == "__main__":
    help_forking()
