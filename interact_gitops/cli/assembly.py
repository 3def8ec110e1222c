"""A runner for this repository and target, put together: definitions, target, ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from interact_gitops.cli.ledgers import open_book, runner_id
from interact_gitops.cli.logs import announce
from interact_gitops.cli.options import Workspace

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client
    from interact_gitops.runner.defined import DefinedCatalogue, FolderSource, Source
    from interact_gitops.runner.journal import Journal
    from interact_gitops.runner.options import RunnerOptions
    from interact_gitops.runner.remote import RemoteTarget
    from interact_gitops.runner.runner import Runner
    from interact_gitops.runner.standing import Standing


LAST_WORDS = 5.0  # seconds that a runner which ends gives what is still to be told


@contextmanager
def runner_of(
    workspace: Workspace, options: RunnerOptions, journal: Journal, *, tick: Callable[[Standing], object],
    source: Source | None = None,
) -> Iterator[Runner]:  # fmt: skip
    """A runner that is ready to run, by the folder's definitions or those of `source`.

    Raises DefinitionsInvalid, LedgerFailure, TargetFailure.
    """
    from interact_gitops.runner.runner import Runner

    if source is None:
        workspace.definitions()  # from here on the last good ones stay in force; now there are none
    with open_book(workspace) as book, patient_client(workspace, options) as client:
        catalogue, target = catalogue_and_target(workspace, client, source)
        owner = runner_id()
        if not evaluates(workspace, client):
            said = (
                "the target evaluates its schedules by itself; this runner starts what people ask for, and no schedule"
            )
            announce("schedules_elsewhere", said, target=workspace.target.name)
        with telling(workspace, owner, journal):
            yield Runner(
                target=target, ledger=book.ledger, catalogue=catalogue, space=book.space, owner=owner,
                options=options, journal=journal, tick=tick,
            )  # fmt: skip


@contextmanager
def telling(workspace: Workspace, owner: str, journal: Journal) -> Iterator[None]:
    """People are told of the runner's notices, as far as the configuration says whom; what is left at the end is told
    by the next runner. Raises Refused, LedgerFailure."""
    from interact_gitops.cli.heralds import herald_of
    from interact_gitops.runner.telling import Teller

    stopped, broken_off = threading.Event(), threading.Event()
    herald = herald_of(workspace, broken_off)
    journal.teller = herald is not None
    if herald is None:
        yield
        return
    with open_book(workspace) as book:
        teller = Teller(book.ledger, book.space, owner, herald, journal)
        thread = threading.Thread(target=teller.work, args=(stopped,), name="teller", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join(LAST_WORDS)
            broken_off.set()
            thread.join()


def patient_client(workspace: Workspace, options: RunnerOptions) -> Client:
    """A client that repeats nothing behind the ledger's back, and gives up well inside a lease.

    Raises TargetFailure: which API there is, is asked with all the patience that a start deserves.
    """
    with workspace.client() as asking:
        api = asking.surface()
    return workspace.client(api=api, attempts=1, timeout_seconds=options.request, patience_seconds=options.request)


def catalogue_and_target(
    workspace: Workspace, client: Client, source: Source | None = None
) -> tuple[DefinedCatalogue, RemoteTarget]:
    """The jobs of this repository (or of `source`) on the target, and the target as a runner sees it.

    Raises TargetFailure.
    """
    from interact_gitops.config import owner
    from interact_gitops.runner.defined import DefinedCatalogue, Place
    from interact_gitops.runner.remote import RemoteTarget

    settings, target = workspace.settings, workspace.target
    place = Place(
        name=target.name, shown=f"{target.url} {target.organization}", managed_by=owner(settings),
        schedules=target.schedules, sends_body=target.trigger_body == "send",
    )  # fmt: skip
    catalogue = DefinedCatalogue(source=source or _folder(workspace), client=client, place=place)
    return catalogue, RemoteTarget(client, gone=catalogue.gone)


def evaluates(workspace: Workspace, client: Client) -> bool:
    """Whether a runner evaluates the schedules of this target (scheduling.md, Who evaluates a schedule)."""
    chosen = workspace.target.schedules
    return chosen == "runner" or (chosen is None and client.surface() == "public")


def _folder(workspace: Workspace) -> FolderSource:
    """The definitions in the folder, as they are at each look."""
    from interact_gitops.gitops.checkout import read_checkout
    from interact_gitops.runner.defined import FolderSource

    settings = workspace.settings

    def commit() -> str | None:
        checkout = read_checkout(settings.folder)
        return checkout.commit if checkout else None

    return FolderSource(
        settings.definitions_folder, lambda: workspace.load().valid(settings.definitions), commit
    )  # fmt: skip
