"""Another command of ours, as somebody would type it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys


def ourselves(*arguments: str, kept: bool = False) -> subprocess.CompletedProcess[str]:
    """Run it with this process's environment and folder; `kept`: its output is given back and not shown.

    Nothing is imported from that folder (-P): it is a repository of definitions, which anybody may add files to.
    """
    sys.stdout.flush()
    return subprocess.run(  # noqa: S603  # our own program, and no shell
        [sys.executable, "-P", "-m", "interact_gitops", *arguments], stdout=subprocess.PIPE if kept else None,
        text=True, check=False, encoding="utf-8", errors="replace",
    )  # fmt: skip
