"""What a pass of the sync loop costs, in a process of its own: `python -m benchmarks.passes TREE` with a target that
already has what the tree says. Prints a line of JSON a pass: name, seconds of CPU (git's included), wall, MiB."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from interact_gitops.cli.options import Workspace
from interact_gitops.cli.syncing import loop_of
from interact_gitops.gitops.loop import Loop

TIMES = 5
OPTIONS = {
    "branch": "main", "path": None, "heal": False, "prune": True, "interval": 60, "compare": 300,
    "require_signed": None, "allowed_signers": None, "credential_helper": None, "ssh_key": None, "known_hosts": None,
    "git_timeout": 60, "max_size": 256, "commit_status": False, "channel_secrets": (), "mark": None,
}  # fmt: skip


def main() -> None:
    """Make a repository of the tree, and one loop over it."""
    tree = Path(sys.argv[1])
    remote = tree.parent / f"{tree.name}.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(remote)], check=True)
    _git(tree, "init", "-q", "-b", "main")
    _git(tree, "remote", "add", "origin", str(remote))
    _commit(tree)
    folder = tree.parent / f"{tree.name}-loop"
    folder.mkdir()
    workspace = Workspace(folder=folder)
    now = [datetime.now(UTC)]
    with workspace.client() as client:
        loop = loop_of(workspace, client, {**OPTIONS, "repo": str(remote), "state": str(folder / "state")})
        loop.now = lambda: now[0]

        def later() -> None:
            now[0] += timedelta(minutes=10)

        report("the first pass, all in step", loop, lambda: None, times=1)
        report("unchanged", loop, lambda: None)
        report("a commit of one file", loop, lambda: _edit(tree))
        report("the whole target compared", loop, later)


def report(name: str, loop: Loop, before: Callable[[], None], *, times: int = TIMES) -> None:
    """The least of some passes, each after `before`."""
    costs = []
    for _ in range(times):
        before()
        cpu, began = _cpu(), time.monotonic()
        standing = loop.once()
        costs.append((_cpu() - cpu, time.monotonic() - began))
        if standing.sync != "Synced":
            raise SystemExit(f"{name}: {standing.sync}, {standing.health_reason or standing.sync_reason}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_024 if sys.platform != "darwin" else 1_048_576)
    cpu, wall = (min(column) for column in zip(*costs, strict=True))
    print(json.dumps({"name": name, "cpu": cpu, "wall": wall, "peak": peak}), flush=True)


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _edit(tree: Path) -> None:
    path = sorted(tree.rglob("job-00007.yaml"))[0]
    text = path.read_text()
    before = text.partition("description: ")[2].partition("\n")[0]
    path.write_text(text.replace(f"description: {before}\n", f"description: {time.monotonic_ns()} is what it says.\n"))
    _commit(tree)


def _commit(tree: Path) -> None:
    _git(tree, "add", "-A")
    _git(tree, "-c", "user.name=Bench", "-c", "user.email=bench@example.com", "commit", "-qm", "a change")
    _git(tree, "push", "-q", "origin", "HEAD:main")


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


if __name__ == "__main__":
    main()
