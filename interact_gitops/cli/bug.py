"""The report that a bug leaves behind: a traceback in a file, with no values of variables in it."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from pathlib import Path

from interact_gitops import __version__


def write_bug_report(bug: BaseException) -> Path:
    """Write the traceback below the user's state folder, or the temporary folder; returns the file."""
    from interact_gitops.config.references import secrets_read
    from interact_gitops.interact.masking import Mask

    # No line of a traceback has a variable's value, but the message of an error that nobody expected may.
    text = Mask(secrets_read()).text("".join(traceback.format_exception(bug)))
    head = f"interact-gitops {__version__}, Python {platform.python_version()}, {sys.platform}\n\n"
    home = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
    for folder in (Path(home) / "interact-gitops", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=folder, prefix="bug-", suffix=".log", delete=False, encoding="utf-8"
            ) as stream:
                stream.write(head + text)
            return Path(stream.name)
        except OSError:
            continue
    sys.stderr.write(head + text)
    return Path("the traceback above")
