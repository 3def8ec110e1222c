"""What people tell a running loop: pin, suspend, approve, override. A file beside its mirror, changed under a lock.

Commands write it and the loop reads it at each pass; an approval is taken out when it is used, so that it counts once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from interact_gitops.errors import Failure

FILE, LOCK = "controls.json", "controls.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody told the loop: who, when (UTC), why. `value` is a commit, a digest, or an end in RFC 3339."""

    by: str
    at: str
    reason: str
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """Everything that was told and still counts."""

    pin: Word | None = None
    suspend: Word | None = None
    override: Word | None = None
    approvals: Mapping[str, Word] = field(default_factory=dict)

    def override_until(self, now: datetime) -> datetime | None:
        """Until when windows do not count, where somebody said so and it is not over."""
        if self.override is None:
            return None
        until = datetime.fromisoformat(self.override.value)
        return until if until > now else None


def read_controls(folder: Path) -> Controls:
    """What was told; nothing where there is no file. Raises Failure for one that cannot be read: it may say stop."""
    try:
        raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
        words = {name: Word(**raw[name]) for name in ("pin", "suspend", "override") if raw.get(name)}
        approvals = {digest: Word(**word) for digest, word in raw.get("approvals", {}).items()}
        controls = Controls(**words, approvals=approvals)
        if controls.override is not None:
            datetime.fromisoformat(controls.override.value)
    except FileNotFoundError:
        return Controls()
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        said = f"{str(folder / FILE)!r} cannot be read ({type(error).__name__})"
        raise Failure(said, remedy="remove it and tell the loop again; until then it writes nothing") from error
    return controls


def change_controls(folder: Path, change: Callable[[Controls], Controls]) -> Controls:
    """What counts after `change`, which nobody else changes meanwhile. Raises Failure."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            after = change(read_controls(folder))
            write_json(folder / FILE, asdict(after))
    except OSError as error:
        said = f"{str(folder / FILE)!r} cannot be written: {error.strerror}"
        raise Failure(said, remedy="check the disk and the folder's permissions") from error
    return after


def use_approval(folder: Path, digest: str) -> bool:
    """Whether a plan was approved; from now on it no longer is."""
    used: list[Word] = []

    def take(controls: Controls) -> Controls:
        left = dict(controls.approvals)
        used.extend(word for word in [left.pop(digest, None)] if word is not None)
        return replace(controls, approvals=left)

    if digest not in read_controls(folder).approvals:
        return False
    change_controls(folder, take)
    return bool(used)


def write_json(path: Path, value: Any) -> None:
    """Put a document in a file's place, whole or not at all, and on the disk. Raises OSError."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / LOCK, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
