"""Another command of ours, as somebody would type it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace


def chosen(workspace: Workspace) -> list[str]:
    """The options with which this command was told where to work: another one would else work somewhere else."""
    given = {"--config": workspace.config, "--target": workspace.target_named,
             "--definitions": workspace.definitions_named, "--ledger": workspace.ledger_named}  # fmt: skip
    return [part for option, value in given.items() if value is not None for part in (option, str(value))]


def ourselves(*arguments: str, kept: bool = False) -> subprocess.CompletedProcess[str]:
    """Run it with this process's environment and folder; `kept`: its output is given back and not shown.

    Nothing is imported from that folder (-P): it is a repository of definitions, which anybody may add files to.
    """
    sys.stdout.flush()
    return subprocess.run(  # noqa: S603  # our own program, and no shell
        [sys.executable, "-P", "-m", "interact_gitops", *arguments], stdout=subprocess.PIPE if kept else None,
        text=True, check=False, encoding="utf-8", errors="replace",
    )  # fmt: skip
