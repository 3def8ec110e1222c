"""The files by which a step tells its runner something: outputs, and the job's summary.

Source: GitHub's documentation of workflow commands: `name<<DELIMITER` lines, a summary of at most 1 MiB a step.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

MOST_SUMMARY = 900_000  # bytes; a step may write 1 MiB in all
CUT = "\n\n… cut here: a summary holds no more\n"


def write_outputs(environ: Mapping[str, str], **values: str) -> None:
    """Outputs of the step, where it has a runner. A delimiter that nobody could foresee keeps a value a value."""
    place = environ.get("GITHUB_OUTPUT")
    if not place:
        return
    lines = []
    for name, value in values.items():
        delimiter = f"end-{secrets.token_hex(16)}"
        lines.append(f"{name.replace('_', '-')}<<{delimiter}\n{value}\n{delimiter}\n")
    _append(Path(place), "".join(lines))


def write_summary(environ: Mapping[str, str], markdown: str) -> None:
    """More of the job's summary, cut with a note where it is too long. What was done stays done where it cannot be
    written: that is a line on stderr."""
    place = environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        return
    raw = markdown.encode(errors="replace")
    try:
        taken = Path(place).stat().st_size if Path(place).exists() else 0
        room = max(0, MOST_SUMMARY - taken)
        if len(raw) > room:
            raw = raw[: max(0, room - len(CUT.encode()))] + CUT.encode()
        _append(Path(place), raw.decode(errors="ignore").rstrip("\n") + "\n")
    except OSError as error:
        sys.stderr.write(f"the summary cannot be written: {error.strerror}\n")


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
