"""A program that makes one pass of the loop, and dies at a step: before it, or when it was done and nobody knows yet.

    python dying.py REPOSITORY STATE NUMBER before|after

Steps are git commands, requests to the target, and files that are put in their place. It prints how many there were.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interact_gitops.cli.options import Workspace
from interact_gitops.cli.syncing import loop_of
from interact_gitops.gitops import controls, memory, network, program, revision, signing, source
from interact_gitops.interact.transport import Transport

repository, state, number, when = sys.argv[1:5]
steps = itertools.count(1)


def deadly(step: Callable[..., Any]) -> Callable[..., Any]:
    def taken(*arguments: Any, **options: Any) -> Any:
        mine = next(steps) == int(number)
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = step(*arguments, **options)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return taken


Transport.send = deadly(Transport.send)  # type: ignore[method-assign]  # what dies is this process
for module, name in ((network, "run_limited"), (signing, "run_limited"), (program, "ask_git"), (source, "ask_git"),
                     (revision, "ask_git"), (controls, "write_json"), (memory, "write_json")):  # fmt: skip
    if hasattr(module, name):
        setattr(module, name, deadly(getattr(module, name)))

workspace = Workspace(folder=Path(state).parent)
options = {
    "repo": repository, "branch": "main", "path": None, "state": state, "heal": True, "prune": True, "interval": 60,
    "compare": 0, "require_signed": None, "allowed_signers": None, "credential_helper": None, "ssh_key": None,
    "known_hosts": None, "git_timeout": 20, "max_size": 64, "commit_status": False, "channel_secrets": (),
    "mark": None,
}  # fmt: skip
with workspace.client() as client:
    loop = loop_of(workspace, client, options)
    loop.once()
print(next(steps) - 1)
