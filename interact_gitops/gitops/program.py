"""The git program, asked short questions: no shell, no prompt, no network, no repository but the one that is named."""

from __future__ import annotations

import os
import re
from pathlib import Path

from interact_gitops.errors import Failure
from interact_gitops.programs import Said, run_program

LONGEST = 120  # seconds that a question may take: a disk over the network that hangs must not hang us

# Of git's variables only those that say how git is set up on this machine, such as which folders it may trust.
# Others name another repository or commit (inside a hook those of the hook), or make git write traces.
_OF_THE_MACHINE = re.compile(
    r"(?!GIT_)|GIT_(CONFIG_(COUNT|KEY_\d+|VALUE_\d+|GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|CEILING_DIRECTORIES"
    r"|DISCOVERY_ACROSS_FILESYSTEM)$"
)
# A partial clone would fetch what it lacks, a credential helper would ask for a password; complaints in one language.
_QUIET = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def top_of(folder: Path) -> Path | None:
    """The folder that git keeps its own in, at or above `folder`, whether or not git can read it; None without one."""
    above = folder.resolve()
    return next((parent for parent in (above, *above.parents) if os.path.lexists(parent / ".git")), None)


def ask_git(folder: Path, *arguments: str, given: bytes | None = None) -> Said | None:
    """Run one git command in the repository that holds `folder`, with `given` as its input; None where there is no
    git program.

    Git itself would also take a folder of committed files that looks like a bare repository for one, with its own
    history and configuration: it is run where the nearest `.git` is, and told to discover no bare one.

    Raises Failure when it takes longer than two minutes.
    """
    environ = {name: value for name, value in os.environ.items() if _OF_THE_MACHINE.match(name)} | _QUIET
    # Callers put `--end-of-options` before what people wrote.
    git = ["git", "-C", str(top_of(folder) or folder), "-c", "safe.bareRepository=explicit", *arguments]
    try:
        said = run_program(git, folder=Path(), environ=environ, seconds=LONGEST, given=given)
    except OSError:
        return None
    if said is None:
        slow = f"git {arguments[0]} gave no answer within {LONGEST} s in {str(folder)!r}"
        raise Failure(slow, remedy="check the disk that the repository is on")
    return said
