"""Runs that commands start, written down in the ledger where this repository has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.ledgers import open_book, person, runner_id
from interact_gitops.cli.output import note
from interact_gitops.cli.times import now
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.cli.ledgers import Book
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary, RemoteJob, Triggered
    from interact_gitops.jobs.model import Job
    from interact_gitops.ledger.records import Run
    from interact_gitops.runner.booking import Booking
    from interact_gitops.runner.catalogue import RunnableJob
    from interact_gitops.runner.target import Answer, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An open ledger, who acts on it, and the target as a runner sees it."""

    book: Book
    client: Client

    @property
    def booking(self) -> Booking:
        """The ledger's side of a run that is sent from here."""
        from interact_gitops.runner.booking import Booking

        return Booking(ledger=self.book.ledger, space=self.book.space, by=runner_id(), now=now)

    def send(self, key: str, remote_job: str, start: Callable[[Request], Triggered]) -> Triggered:
        """Send a planned run with `start`, and write down what became of it. Raises what `start` raises."""
        from interact_gitops.runner.remote import RemoteTarget

        booking = self.booking
        run = booking.claim(key, RemoteTarget(self.client))
        request = booking.intend(run, remote_job) if run is not None else None
        if request is None:
            return _known(booking.sent_by_a_runner(key))
        try:
            triggered = start(request)
        except Failure as failure:
            self._tell(partial(_refused, booking, key, failure))
            raise
        self._tell(lambda: booking.answered(key, _started(triggered)))
        return triggered

    def again(self, run: Run) -> Run:
        """A run that did not succeed, planned for its next attempt, to be sent with `send`. Raises Refused."""
        from interact_gitops.runner.remote import RemoteTarget

        self.booking.look_at([run], RemoteTarget(self.client))  # it may have ended since anybody looked
        return self.booking.again(ledger_run(self, run.key), by=person())

    def seen(self, key: str, ends: Mapping[str, ChatSummary]) -> None:
        """How the chats of a run that was waited for ended."""
        from interact_gitops.runner.remote import seen_chat

        self._tell(lambda: self.booking.seen(key, {chat_id: seen_chat(chat) for chat_id, chat in ends.items()}))

    def _tell(self, write: Callable[[], object]) -> None:
        """The run goes on whatever becomes of the ledger: a runner finds out later."""
        from interact_gitops.ledger.errors import LedgerFailure

        try:
            write()
        except LedgerFailure as failure:
            note(f"the ledger could not be told what became of the run: {failure.message}")


@contextmanager
def desk_of(workspace: Workspace, client: Client) -> Iterator[Desk | None]:
    """The ledger's part of this repository; None where nothing says whose its jobs are, as in a plain folder: then
    a run is the target's business alone."""
    from interact_gitops.config import owner

    try:
        owner(workspace.settings)
    except Failure:
        yield None
        return
    with open_book(workspace) as book:
        yield Desk(book=book, client=client)


def add_manual(
    desk: Desk, runnable: RunnableJob, combinations: Sequence[Mapping[str, Any]], *, fan_out: bool, most: int | None
) -> str:
    """Write down a run by hand, to be sent with `Desk.send`; its key."""
    from interact_gitops.runner.asked import manual_run

    new = manual_run(
        runnable, tuple(dict(one) for one in combinations), now(), by=person(), fan_out=fan_out, max_parallel=most,
        target_judges=desk.client.surface() == "full",
    )  # fmt: skip
    desk.book.ledger.add(desk.book.space, [new], by=person(), now=now())
    return new.key


def applied_job(remote: RemoteJob) -> RunnableJob:
    """A job of a target with the definitions API, as it was applied. Raises UnexpectedAnswer."""
    from interact_gitops.jobs.wire import definition_hash, job_from_wire
    from interact_gitops.planning.remote import read_definition
    from interact_gitops.runner.catalogue import RunnableJob

    wire, commit = read_definition(remote), remote.raw.get("commit")
    return RunnableJob(
        job=job_from_wire(wire), definition_hash=remote.definition_hash or definition_hash(wire),
        git_commit=commit if isinstance(commit, str) else None, remote_id=remote.id,
    )  # fmt: skip


def bound_job(job: Job, remote_id: str, *, sends_body: bool) -> RunnableJob:
    """A job of a public target, which takes parameters only where it opted in."""
    from dataclasses import replace

    from interact_gitops.jobs.wire import definition_hash, job_to_wire
    from interact_gitops.runner.catalogue import RunnableJob

    shown = job if sends_body else replace(job, parameters={}, fan_out=None)
    return RunnableJob(job=shown, definition_hash=definition_hash(job_to_wire(job)), remote_id=remote_id)


def ledger_run(desk: Desk, key: str) -> Run:
    """The run as the ledger has it now."""
    return desk.book.ledger.runs(desk.book.space, [key])[0]


def _known(run: Run) -> Triggered:
    """What a runner started, as the ledger has it."""
    from interact_gitops.interact.records import StartedChat, Triggered

    note(f"a runner started it: {run.owner or 'it has given it back since'}")
    started = [part for part in run.parts if part.chat is not None and part.attempt == run.attempt]
    chats = tuple(StartedChat(id=str(part.chat), parameters=part.parameters) for part in started)
    return Triggered(job_id=run.remote_job, chats=chats)


def _started(triggered: Triggered) -> Answer:
    from interact_gitops.runner.target import Answer

    return Answer(verdict="started", chats=tuple(chat.id for chat in triggered.chats))


def _refused(booking: Booking, key: str, failure: Failure) -> None:
    from interact_gitops.interact.starting import StartUnknown
    from interact_gitops.runner.remote import answer_of

    if isinstance(failure, StartUnknown):
        booking.unknown(key, failure.message)
        return
    booking.answered(key, answer_of(failure))
