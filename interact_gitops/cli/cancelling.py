"""The ways in which a run is stopped: taken back in the ledger, asked of its runner, or at the target."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.output import visible

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.interact.client import Client
    from interact_gitops.ledger.records import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What became of the wish to stop a run of the ledger: `before` and `after` it, with its chats."""

    before: Run
    after: Run
    outcome: str
    chats: Sequence[dict[str, Any]]

    @property
    def words(self) -> str:
        """One line for people."""
        key, after = visible(self.after.key), self.after
        if self.outcome == "ended":
            return f"{key} had already ended: {after.state}."
        if self.outcome == "done":
            what = "given up" if self.before.state == "needs_operator" else "taken back before it was sent"
            return f"{key} is cancelled: {what}."
        if after.ended:
            active = sum(chat["wasActive"] for chat in self.chats)
            count = f": {active} of {len(self.chats)} chats were in progress" if len(self.chats) > 1 else ""
            return f"{key} is {after.state}{count}."
        if after.owner is not None:
            return f"{key} is being stopped by the runner that follows it, {visible(after.owner)}."
        return f"{key} is being stopped at the target; a runner, or the next look, sees its end."

    @property
    def json(self) -> dict[str, Any]:
        """The same for programs."""
        return {"key": self.after.key, "outcome": self.outcome, "was": self.before.state, "state": self.after.state}


def cancel_in_ledger(book: Book, client: Client, named: str, *, whole: bool) -> Stopped | None:
    """Stop a run of the ledger; None for one that it does not know, and for one chat of several.

    Raises Refused where the run goes on since the target has no call for that.
    """
    from interact_gitops.cli.booked import Desk
    from interact_gitops.cli.hosted import refuse_cancel
    from interact_gitops.cli.ledgers import person
    from interact_gitops.runner.remote import RemoteTarget

    run = book.known(named)
    if run is None or not (whole or len(run.parts) == 1 or run.key.startswith(named)):
        return None
    booking, target = Desk(book=book, client=client).booking, RemoteTarget(client)
    booking.look_at([run], target)  # it may have ended since anybody looked
    run = book.ledger.runs(book.space, [run.key])[0]
    waiting = run.open_parts
    said = booking.cancel(run, target, by=person())
    after = book.ledger.runs(book.space, [run.key])[0]
    if said.outcome == "asked" and not after.ended and client.surface() == "public":
        raise refuse_cancel(done=f"the ledger says that {run.key} is to end")
    chats = [
        {"id": part.chat, "status": part.state, "state": _OURS.get(part.state, "active"), "wasActive": was in waiting}
        for was, part in zip(run.parts, after.parts, strict=True)
        if part.chat is not None
    ]
    return Stopped(before=run, after=after, outcome=said.outcome, chats=chats)


_OURS = {"succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled", "timed_out": "failed"}


def cancel_chats(client: Client, named: str, *, whole: bool) -> list[dict[str, Any]]:
    """Stop chats at the target; what each was and is. Raises SelectionInvalid, Refused where it has no such call."""
    from interact_gitops.cli.chats import find_runs
    from interact_gitops.cli.hosted import refuse_cancel

    if client.surface() == "public":
        raise refuse_cancel()
    return [_stop(client, chat_id) for chat_id in find_runs(client, named, whole=whole)]


def _stop(client: Client, chat_id: str) -> dict[str, Any]:
    from interact_gitops.interact.errors import AlreadyFinished

    before = client.chat(chat_id)
    after = before
    if before.state == "active":
        # One that ended while we were asking is no failure.
        with contextlib.suppress(AlreadyFinished):
            client.cancel_chat(chat_id)
        after = client.chat(chat_id)
    return {"id": chat_id, "status": after.status, "state": after.state, "wasActive": before.state == "active"}
