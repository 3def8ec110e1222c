"""The git program, asked short questions: no shell, no prompt, no network, no repository but the one that is named."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_OF_ONE_REPOSITORY = frozenset(
    {"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
     "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_NAMESPACE", "GIT_SHALLOW_FILE"}
)  # fmt: skip
# A partial clone would fetch what it lacks, a credential helper would ask for a password.
_QUIET = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What git answered: its exit code, its output, and its complaint."""

    code: int
    out: bytes
    complaint: str


def ask_git(folder: Path, *arguments: str, given: bytes | None = None) -> Said | None:
    """Run one git command in `folder`, with `given` as its input; None where there is no git program."""
    # Inside a hook, git's own variables name the repository of the hook, whatever the folder.
    environ = {name: value for name, value in os.environ.items() if name not in _OF_ONE_REPOSITORY}
    try:
        done = subprocess.run(  # noqa: S603  # no shell; callers put `--end-of-options` before what people wrote
            ["git", "-C", str(folder), *arguments],  # noqa: S607  # the git of the PATH, as GitPython's
            capture_output=True,
            check=False,
            env={**environ, **_QUIET},
            input=given or b"",
        )
    except OSError:
        return None
    return Said(code=done.returncode, out=done.stdout, complaint=os.fsdecode(done.stderr).strip())
