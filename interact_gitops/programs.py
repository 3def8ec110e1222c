"""Another program, run within a time, and ended with everything that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a program answered: its exit code, its output, and its complaint."""

    code: int
    out: bytes
    complaint: str


def run_program(
    arguments: Sequence[str], *, folder: Path, environ: Mapping[str, str], seconds: float, given: bytes | None = None
) -> Said | None:
    """What a program said that was run in `folder` with nothing but `environ`, and `given` as its input; None when it
    took longer than `seconds` and was ended. Raises OSError where there is no such program."""
    process = subprocess.Popen(  # noqa: S603  # a list of arguments, no shell; what they are is the caller's business
        arguments, cwd=folder, env=environ, stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            out, complaint = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)
    return Said(code=process.returncode, out=out, complaint=complaint.decode("utf-8", "replace").strip())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a program and of all that it started: helpers outlive a program that was killed."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nothing is left
    process.wait()
    # Where we are a container's first process, what it leaves behind becomes ours to bury.
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-process.pid, os.WNOHANG)[0]:
            pass
