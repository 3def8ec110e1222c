"""Past runs, the target's chats and the ledger's runs as one list, newest first, each run once.

A chat is told by the target, and the ledger adds which run it is of. A run has a line of its own where no chat tells
of it: it was missed, skipped, refused or waits, or nobody knows what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.chats import parameters_words
from interact_gitops.cli.output import instant, shorten

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.interact.records import ChatSummary
    from interact_gitops.ledger.records import Run, RunLine
    from interact_gitops.ledger.states import State

_UNTOLD = frozenset({"planned", "claimed", "sending", "needs_operator"})
"""States in which a run has news that no chat of its earlier attempts tells."""
_ITS_OWN = frozenset({"needs_operator", "timed_out"})
"""States that say more of a run's only chat than the target does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One line: a chat, with its run where the ledger has it, or a run without one."""

    at: datetime | None
    chat: ChatSummary | None
    run: Run | RunLine | None

    @property
    def state(self) -> str:
        """How it ended, or stands, in our words."""
        if self.run is not None and (self.chat is None or self.run.state in _ITS_OWN):
            return self.run.state
        return self.chat.state if self.chat is not None else "unknown"

    def row(self) -> list[str]:
        """The cells of a table."""
        when = instant(self.at.astimezone()) if self.at else "—"
        if self.chat is None:
            assert self.run is not None
            return [self.run.key, self.state, self.run.job, when, self._by(), shorten(self._why(), 90)]
        chat = self.chat
        state = chat.status if self.state == "active" else self.state  # queued and running are worth telling apart
        words = shorten(parameters_words(chat.parameters), 60)
        if self._why():
            words = f"{words}  {shorten(self._why(), 90)}" if words != "—" else shorten(self._why(), 90)
        return [chat.id, state, chat.job_key or chat.job_name or "—", when, self._by(), words]

    def json(self) -> dict[str, Any]:
        """The target's record where there is one, our state, and what the ledger has of its run."""
        told = None if self.run is None else {
            "key": self.run.key, "kind": self.run.kind, "state": self.run.state, "attempt": self.run.attempt,
            "scheduledAt": _utc(self.run.scheduled_at), "reason": self.run.reason, "inTheWay": self.run.in_the_way,
            "requestedBy": self.run.requested_by, "commit": self.run.git_commit,
        }  # fmt: skip
        if self.chat is not None:
            return {**self.chat.raw, "state": self.state, "run": told}
        assert self.run is not None
        job = {"id": None, "key": self.run.job}
        return {"id": self.run.key, "state": self.state, "createdAt": _utc(self.run.scheduled_at), "job": job,
                "run": told}  # fmt: skip

    def _by(self) -> str:
        if self.run is not None and self.run.kind in {"manual", "backfill"}:
            return self.run.requested_by or self.run.kind
        if self.run is not None and self.run.kind == "schedule":
            return "schedule"
        return (self.chat.initiator if self.chat is not None else None) or "—"

    def _why(self) -> str:
        run = self.run
        if run is None:
            return ""
        if self.chat is not None and run.state not in _ITS_OWN:
            return f"for {instant(run.scheduled_at.astimezone())}" if run.kind == "backfill" else ""
        if run.state == "skipped_overlap":
            return f"in the way: {run.in_the_way}" if run.in_the_way else run.reason or ""
        return run.reason or ""


def with_ledger(
    book: Book, chats: Sequence[ChatSummary], *, job: str | None, status: str | None, count: int
) -> list[PastRun]:
    """The chats and the ledger's runs, newest first, at most `count`. `status` is a state of either."""
    from interact_gitops.ledger.requests import RunFilter
    from interact_gitops.ledger.states import STATES

    owners = book.ledger.owners_of_chats(book.space, [chat.id for chat in chats])
    known = {run.key: run for run in book.ledger.runs(book.space, sorted(set(owners.values())))}
    states: tuple[State, ...] = tuple(state for state in STATES if state == status)
    lines: Sequence[RunLine] = ()
    if status is None or states:
        lines = book.ledger.history(book.space, RunFilter(job=job, states=states, limit=count))
    rows = [PastRun(at=chat.created_at, chat=chat, run=known.get(owners.get(chat.id, ""))) for chat in chats]
    rows += [PastRun(at=line.scheduled_at, chat=None, run=line) for line in lines if _untold(line, known)]
    return newest(rows, count)


def without_ledger(chats: Sequence[ChatSummary], count: int) -> list[PastRun]:
    """The chats alone."""
    return newest([PastRun(at=chat.created_at, chat=chat, run=None) for chat in chats], count)


def newest(rows: Sequence[PastRun], count: int) -> list[PastRun]:
    """The newest first; what has no time last, each in the order in which it came."""
    dated = [(row.at, row) for row in rows if row.at is not None]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    return [*(row for _, row in dated), *(row for row in rows if row.at is None)][:count]


def _untold(line: RunLine, known: Mapping[str, Run]) -> bool:
    """Whether no chat in the list tells of the run. Of one with a single chat, that chat's line says its state."""
    if line.key not in known:
        return True
    return line.state in _UNTOLD and (line.state != "needs_operator" or len(known[line.key].parts) > 1)


def _utc(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
