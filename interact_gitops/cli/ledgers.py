"""The ledger that commands work with: which one, opened for the time of a command, and this target's part of it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interact_gitops.errors import Failure, SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.ledger.protocol import FullLedger
    from interact_gitops.ledger.records import Pause, Run

SHOWN = 5  # of several runs that a beginning may mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """An open ledger, and the part of it that belongs to one target and one repository."""

    ledger: FullLedger
    space: str

    def run(self, named: str) -> Run:
        """The run with this key or chat id, or with the only one that begins so. Raises SelectionInvalid."""
        run = self.known(named)
        if run is None:
            said = f"there is no run {named!r} in the ledger"
            raise SelectionInvalid(said, remedy="see `interact-gitops history`, or `interact-gitops ledger list`")
        return run

    def known(self, named: str) -> Run | None:
        """As `run`; None where there is none. Raises SelectionInvalid, with the candidates, where there are several."""
        found = self.ledger.find(self.space, named, limit=SHOWN + 1)
        if len(found) > 1:
            keys = ", ".join(line.key for line in found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
            raise SelectionInvalid(f"{named!r} is the beginning of several runs: {keys}", remedy="give more of it")
        return self.ledger.runs(self.space, [found[0].key])[0] if found else None


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


@contextmanager
def known_book(workspace: Workspace) -> Iterator[Book | None]:
    """The ledger for a command that only looks: None where nothing was ever written down. Raises LedgerFailure."""
    from interact_gitops.config import owner
    from interact_gitops.ledger.opening import sqlite_path

    try:
        owner(workspace.settings)
    except Failure:  # a plain folder, whose jobs are nobody's
        yield None
        return
    url = ledger_url(workspace)
    if url.lower().startswith("sqlite:") and not (workspace.settings.folder / sqlite_path(url)).exists():
        yield None
        return
    with open_book(workspace) as book:
        yield book


def paused_jobs(workspace: Workspace) -> Mapping[str, Pause]:
    """The jobs that the ledger has paused; none, with a note, where it cannot be read."""
    from interact_gitops.cli.output import note

    try:
        with known_book(workspace) as book:
            standings = {} if book is None else book.ledger.jobs(book.space)
    except Failure as failure:
        note(f"note: whether jobs are paused is not known: {failure}")
        return {}
    return {job: standing.pause for job, standing in standings.items() if standing.pause is not None}


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
