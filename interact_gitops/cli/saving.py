"""Files of a jobs repository written whole or not at all, and never over what somebody else just wrote."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from interact_gitops.errors import Failure


def save(path: Path, raw: bytes, *, before: bytes | None) -> None:
    """Write a file that holds `before` now; None for one that is not there yet, whose folder is made.

    A link stays one: what it leads to is written. The file's mode stays. Raises Failure, and then the file is as it
    was.
    """
    target = Path(os.path.realpath(path))
    try:
        if before is None:
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o666 & ~_umask()
        else:
            mode = target.stat().st_mode & 0o7777
            if target.read_bytes() != before:
                raise Failure(f"{path} was changed meanwhile, and is left as it is", remedy="run the command again")
        if not _put(target, raw, mode, new=before is None):
            raise Failure(f"{path} is there by now, and is left as it is", remedy="run the command again")
    except OSError as error:
        said = f"{path} cannot be written: {error.strerror}"
        raise Failure(said, remedy="what was written before stays; mend this and run the command again") from error


def save_generated(path: Path, text: str) -> None:
    """Write a file of ours, over the one before it. Raises Failure, and then the file is as it was."""
    try:
        before = path.read_bytes() if path.exists() else None
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}", remedy="check its permissions") from error
    save(path, text.encode(), before=before)


def _put(target: Path, raw: bytes, mode: int, *, new: bool) -> bool:
    """Whether the file was written: a new one is not where another came meanwhile."""
    # Hidden, so that nobody takes what a crash may leave for a definition.
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            os.fchmod(stream.fileno(), mode)
        if not new:
            os.replace(name, target)
            return True
        try:
            os.link(name, target)  # unlike a rename, never over what is there
        except FileExistsError:
            return False
        return True
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
