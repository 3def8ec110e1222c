"""The server's folder: who owns it now, and the credentials that local tools read."""

from __future__ import annotations

import fcntl
import os
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

from interact_gitops.errors import Refused

CREDENTIALS = "credentials.env"
LOCK = "server.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a client needs, as the shell assignments INTERACT_URL, INTERACT_API_KEY and INTERACT_ORG_ID."""

    url: str
    api_key: str
    organization_id: str


class FolderLock:
    """Holds a folder for one server. The kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder when it is not there. Raises Refused when another server has it."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Refused(f"the data folder {folder} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            other = os.pread(self._file, 20, 0).decode(errors="replace").strip()
            os.close(self._file)
            process = f" (process {other})" if other else ""
            raise Refused(
                f"another server{process} uses the data folder {folder}",
                remedy="stop it, or choose another folder with --data",
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Lets go of the folder. The file stays: removing it would let two servers lock two files."""
        os.close(self._file)


def read_credentials(folder: Path) -> Credentials | None:
    """The credentials in the folder; None when there are none, or they cannot be read as such."""
    try:
        text = (folder / CREDENTIALS).read_text(encoding="utf-8")
        words = dict(word.partition("=")[::2] for word in shlex.split(text, comments=True))
        return Credentials(
            url=words["INTERACT_URL"],
            api_key=words["INTERACT_API_KEY"],
            organization_id=words["INTERACT_ORG_ID"],
        )
    except (OSError, ValueError, KeyError):
        return None


def write_credentials(folder: Path, credentials: Credentials) -> None:
    """Writes the file whole or not at all, readable by its owner only. Raises Refused."""
    lines = [
        "# Written by interact-gitops serve; read by the default local target.",
        f"INTERACT_URL={shlex.quote(credentials.url)}",
        f"INTERACT_API_KEY={shlex.quote(credentials.api_key)}",
        f"INTERACT_ORG_ID={shlex.quote(credentials.organization_id)}",
    ]
    try:
        file, name = tempfile.mkstemp(dir=folder, prefix=f".{CREDENTIALS}.")  # mode 0600
        try:
            with os.fdopen(file, "w", encoding="utf-8") as out:
                out.write("\n".join(lines) + "\n")
                out.flush()
                os.fsync(out.fileno())
            os.replace(name, folder / CREDENTIALS)
        except OSError:
            os.unlink(name)
            raise
    except OSError as error:
        raise Refused(f"{folder / CREDENTIALS} cannot be written: {error.strerror}") from error
