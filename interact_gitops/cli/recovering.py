"""A run of which nobody knows, settled by hand: what was said is checked against the target and the ledger first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interact_gitops.cli.ledgers import open_book, person
from interact_gitops.cli.times import now
from interact_gitops.errors import Refused, SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.ledger.records import Run, Transition
    from interact_gitops.ledger.requests import Move
    from interact_gitops.runner.settling import FoundChat


def settle(
    workspace: Workspace, named: str, *, adopt: Sequence[str], resend: bool, fail: bool, reason: str | None
) -> tuple[Run, Sequence[Transition]]:
    """The run after it was settled, and its steps. Raises SelectionInvalid, Refused, LedgerFailure."""
    from interact_gitops.runner.settling import given_up, resent

    with open_book(workspace) as book:
        run = book.run(named)
        if fail:
            step = given_up(run, reason or "", by=person())
        elif resend:
            step = resent(run, by=person(), now=now())
        else:
            step = _adoption(workspace, book, run, adopt)
        return _move(book, step)


def _adoption(workspace: Workspace, book: Book, run: Run, adopt: Sequence[str]) -> Move:
    from interact_gitops.runner.settling import adopted

    with workspace.client() as client:
        chats = [_chat(client, named) for named in adopt]
    return adopted(run, chats, book.ledger.owners_of_chats(book.space, [chat.id for chat in chats]), by=person())


def _chat(client: Client, named: str) -> FoundChat:
    from interact_gitops.interact.errors import NotFound
    from interact_gitops.runner.settling import FoundChat

    try:
        chat = client.chat(named)
    except NotFound:
        said = f"there is no chat {named!r} on the target"
        raise SelectionInvalid(said, remedy="give its whole id, as `interact-gitops history` shows it") from None
    return FoundChat(id=chat.id, parameters=chat.parameters, remote_job=chat.job_id)


def _move(book: Book, step: Move) -> tuple[Run, Sequence[Transition]]:
    done = book.ledger.move(book.space, [step], by=person(), now=now()).done
    if not done:
        said = f"the run {step.key} was settled by somebody else just now"
        raise Refused(said, remedy=f"see `interact-gitops ledger show {step.key}`")
    return done[0], book.ledger.transitions(book.space, step.key)
