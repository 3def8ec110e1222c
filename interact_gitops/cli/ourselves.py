"""Another command of ours, as somebody would type it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    return subprocess.run([*_PROGRAM, *arguments], check=False).returncode  # noqa: S603  # our own program, and no shell


def kept(*arguments: str) -> Said:
    """The same, with what it prints kept; what it says of its failure or its progress is shown as it comes, too."""
    sys.stdout.flush()
    with tempfile.TemporaryFile() as out:
        with subprocess.Popen([*_PROGRAM, *arguments], stdout=out, stderr=subprocess.PIPE) as process:  # noqa: S603
            assert process.stderr is not None
            last: deque[str] = deque(maxlen=_LINES)
            for raw in process.stderr:
                last.append(raw.decode(errors="replace"))
                sys.stderr.write(last[-1])
                sys.stderr.flush()
        out.seek(0)
        return Said(code=process.returncode, text=out.read().decode(errors="replace"), why=_why(last))


def _why(lines: Iterable[str]) -> str:
    """The last failure that was said, as `output.say_failure` says it; without one all that was said."""
    found, rows = "", [line.rstrip("\n") for line in lines]
    for number, row in enumerate(rows):
        if row.startswith(_ANNOTATED):
            found = row.removeprefix(_ANNOTATED).replace("%0A", "\n").replace("%0D", "").replace("%25", "%")
        elif row.startswith(_ERROR):
            found = "\n".join([row.removeprefix(_ERROR), *rows[number + 1 :]])
    return found or "\n".join(rows)
