"""The ledger that commands work with: which one, opened for the time of a command, and this target's part of it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interact_gitops.errors import SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.ledger.protocol import FullLedger
    from interact_gitops.ledger.records import Run, RunLine

SHOWN = 5  # of several runs that a beginning may mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An open ledger, and the part of it that belongs to one target and one repository."""

    ledger: FullLedger
    space: str

    def line(self, named: str) -> RunLine:
        """The run with this key or chat id, or with the only one that begins so. Raises SelectionInvalid."""
        found = self.ledger.find(self.space, named, limit=SHOWN + 1)
        if len(found) == 1:
            return found[0]
        if not found:
            said = f"there is no run {named!r} in the ledger"
            raise SelectionInvalid(said, remedy="see `interact-gitops history`, or `interact-gitops ledger list`")
        keys = ", ".join(line.key for line in found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
        raise SelectionInvalid(f"{named!r} is the beginning of several runs: {keys}", remedy="give more of it")

    def run(self, named: str) -> Run:
        """As `line`, with everything that the ledger knows of the run."""
        return self.ledger.runs(self.space, [self.line(named).key])[0]


def ledger_url(workspace: Workspace) -> str:
    """The ledger's address: --ledger, else the configuration's. Raises Failure for a reference that leads nowhere."""
    from interact_gitops.config import resolve_reference

    settings = workspace.settings
    if workspace.ledger_named:
        return workspace.ledger_named
    return resolve_reference(
        settings.ledger, workspace.environ, f"{settings.file or 'interact-gitops.yaml'}: ledger", folder=settings.folder
    )


def space_of(workspace: Workspace) -> str:
    """What this repository's runs on this target are kept under. Raises Failure where nothing says who manages them.

    Two repositories on one ledger and one target must not touch each other's: a job that is no longer defined is
    forgotten.
    """
    from interact_gitops.config import owner
    from interact_gitops.ledger.keys import target_name

    target = workspace.target
    return f"{target_name(target.url, target.organization)} {owner(workspace.settings)}"


@contextmanager
def open_book(workspace: Workspace) -> Iterator[Book]:
    """The ledger, opened; made where there is none. Raises LedgerFailure."""
    from interact_gitops.ledger.opening import open_ledger

    space = space_of(workspace)
    ledger = open_ledger(ledger_url(workspace), folder=workspace.settings.folder)
    try:
        yield Book(ledger=ledger, space=space)
    finally:
        ledger.close()


def person() -> str:
    """Who acts, for the history of a run: `anna@laptop`."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = f"uid {os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def runner_id() -> str:
    """A name that no other runner has, now or later."""
    import secrets

    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
