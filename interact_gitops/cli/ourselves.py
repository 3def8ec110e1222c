"""Another command of ours, as somebody would type it: in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace


_PROGRAM = (sys.executable, "-P", "-m", "interact_gitops")
_LINES = 200  # of what is said beside the output, kept
_ANNOTATED, _ERROR = "::error title=interact-gitops::", "error: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a command ended: its exit code, what it printed, and why it failed."""

    code: int
    text: str
    why: str


def chosen(workspace: Workspace) -> list[str]:
    """The options with which this command was told where to work: another one would else work somewhere else."""
    given = {"--config": workspace.config, "--target": workspace.target_named,
             "--definitions": workspace.definitions_named, "--ledger": workspace.ledger_named}  # fmt: skip
    return [part for option, value in given.items() if value is not None for part in (option, str(value))]


def ourselves(*arguments: str) -> int:
    """Run it with this process's environment, folder and outputs; its exit code.

    Nothing is imported from that folder (-P): it is a repository of definitions, which anybody may add files to.
    """
    sys.stdout.flush()
    with _begun(arguments) as process:
        return process.wait()


def kept(*arguments: str, show: bool = False) -> Said:
    """The same, with what it prints kept, and with `show` shown as it comes; what it says of its failure or its
    progress is shown in any case."""
    sys.stdout.flush()
    text: list[str] = []
    last: deque[str] = deque(maxlen=_LINES)
    with _begun(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        beside = threading.Thread(target=_take, args=(process.stderr, last, sys.stderr))
        beside.start()
        _take(process.stdout, text, sys.stdout if show else None)
        beside.join()
    return Said(code=process.returncode, text="".join(text), why=_why(last))


@contextmanager
def _begun(arguments: Sequence[str], **pipes: int) -> Iterator[subprocess.Popen[bytes]]:
    """The command, in a session of its own: who asks us to stop is heard by it once, and it ends as it must.

    GitHub's runner asks the process of a step alone, and kills what is there some seconds later.
    """
    before = {}
    with subprocess.Popen([*_PROGRAM, *arguments], start_new_session=True, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                before[number] = signal.signal(number, lambda asked, _frame: process.send_signal(asked))
            yield process
            process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _take(lines: IO[bytes], into: MutableSequence[str], shown: IO[str] | None) -> None:
    for raw in lines:
        into.append(raw.decode(errors="replace"))
        if shown is not None:
            shown.write(into[-1])
            shown.flush()


def _why(lines: Iterable[str]) -> str:
    """The last failure that was said, as `output.say_failure` says it; without one all that was said."""
    found, rows = "", [line.rstrip("\n") for line in lines]
    for number, row in enumerate(rows):
        if row.startswith(_ANNOTATED):
            found = row.removeprefix(_ANNOTATED).replace("%0A", "\n").replace("%0D", "").replace("%25", "%")
        elif row.startswith(_ERROR):
            found = "\n".join([row.removeprefix(_ERROR), *rows[number + 1 :]])
    return found or "\n".join(rows)
