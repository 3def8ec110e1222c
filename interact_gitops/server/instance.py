"""One server's parts, wired together; everything but HTTP."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable

from interact_gitops.errors import Failure
from interact_gitops.server.agents.catalog import load_agents
from interact_gitops.server.clock import Clock, to_text, utc_now
from interact_gitops.server.metrics import Metrics
from interact_gitops.server.notifying.courier import Courier
from interact_gitops.server.notifying.means import read_means
from interact_gitops.server.options import ServerOptions
from interact_gitops.server.password import Password, guesses
from interact_gitops.server.runs.crew import AgentCrew
from interact_gitops.server.runs.ending import Outcome
from interact_gitops.server.runs.pool import RunPool
from interact_gitops.server.runs.requests import RunRequest, Started
from interact_gitops.server.runs.starting import start_run
from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.scheduling.scheduler import Scheduler
from interact_gitops.server.store import jobs, organisations
from interact_gitops.server.store.chats import StoredChat
from interact_gitops.server.store.database import Database
from interact_gitops.server.store.jobs import StoredJob

_LAST_MESSAGE_SECONDS = 2.0  # that a message under way gets when the server stops; it is sent again otherwise


class Instance:
    """The store, the agents and the pool. `start` before use, `stop` once."""

    def __init__(self, options: ServerOptions, *, clock: Clock = utc_now) -> None:
        """Opens the store and reads the agents. Raises Refused, ConfigurationInvalid, LedgerFailure."""
        self.options = options
        self.clock = clock
        self.means = read_means(options)
        agents = load_agents(options.agents or agents_file(), os.environ)
        self.crew = AgentCrew(agents, sample_folder=options.sample_folder or options.data / "warehouse")
        self.database = Database(options.data / "interact.db")
        self.metrics = Metrics(self.database)
        with self.database.write() as db:
            self.secret = organisations.own_secret(db)
        self.password = Password(options.ui_password, under=self.secret) if options.ui_password else None
        self.guesses = guesses()
        self.runs = RunPool(self.database, self.crew, workers=options.workers, clock=clock, observe=self._attempt_ended)
        self.stopping = threading.Event()
        self.courier = Courier(
            self.database, self.means, clock=clock, patience=options.patience, public_url=options.public_url,
            observe=self.metrics.observe_delivery,
        )  # fmt: skip
        try:
            self.scheduler = self._scheduler() if options.scheduler else None
        except Failure:
            self.database.close()
            raise

    def start(self) -> None:
        """Begins to run chats, to tell of them, and to evaluate schedules."""
        self.runs.start()
        self.courier.start()
        if self.scheduler is not None:
            self.scheduler.start()

    def close(self) -> None:
        """Lets go of the files of an instance that was not started."""
        if self.scheduler is not None:
            self.scheduler.close()
        self.database.close()

    def stop(self, *, drain_seconds: float) -> None:
        """Ends or interrupts what runs, and closes everything."""
        self.stopping.set()
        if self.scheduler is not None:
            self.scheduler.stop(seconds=drain_seconds)
        self.runs.stop(drain_seconds=drain_seconds)
        self.courier.stop(seconds=min(drain_seconds, _LAST_MESSAGE_SECONDS))
        self.crew.close()
        self.database.close()

    def now(self) -> str:
        """The present time as the store keeps it."""
        return to_text(self.clock())

    def trigger(self, organisation_id: str, job_id: str, request: RunRequest) -> Started:
        """Starts a run, whoever asks. Raises what `start_run` raises."""
        started = start_run(
            self.database,
            self.crew,
            organisation_id=organisation_id,
            job_id=job_id,
            request=request,
            clock=self.clock,
        )
        if not started.replayed:
            self.runs.wake()
        return started

    def pause_job(self, organisation_id: str, job_id: str, *, reason: str) -> StoredJob:
        """Pauses a job, whoever asks. A new reason for a pause does not make it a new pause. Raises NotFound."""
        with self.database.write() as db:
            present = jobs.demand(db, organisation_id, job_id)
            jobs.pause(db, present.id, reason=reason, at=present.paused_at or self.now())
            after = jobs.demand(db, organisation_id, job_id)
        self.jobs_changed(organisation_id)
        return after

    def resume_job(self, organisation_id: str, job_id: str) -> StoredJob:
        """Ends a job's pause. Raises NotFound."""
        with self.database.write() as db:
            present = jobs.demand(db, organisation_id, job_id)
            jobs.resume(db, present.id, at=self.now())
            after = jobs.demand(db, organisation_id, job_id)
        self.jobs_changed(organisation_id)
        return after

    def jobs_changed(self, organisation_id: str) -> None:
        """A job was created, changed, deleted, paused or resumed: its schedule follows at once."""
        if self.scheduler is not None:
            self.scheduler.jobs_changed(organisation_id)

    def _scheduler(self) -> Scheduler:
        return Scheduler(
            folder=self.options.data, database=self.database, start=self.trigger, cancel=self.runs.cancel,
            clock=self.clock, metrics=self.metrics,
        )  # fmt: skip

    def _attempt_ended(self, chat: StoredChat, outcome: Outcome, seconds: float) -> None:
        self.metrics.observe_run(chat, outcome, seconds)
        self.courier.wake()
        if self.scheduler is not None:
            self.scheduler.chat_ended(chat)

    def create_organisation(self, name: str) -> str:
        """A new organisation; its id."""
        with self.database.write() as db:
            return organisations.add_organisation(db, name, self.now())

    def create_key(self, organisation_id: str, permissions: Iterable[str], *, name: str) -> str:
        """A new key, which is nowhere to be had again."""
        with self.database.write() as db:
            return organisations.add_key(db, organisation_id, name=name, permissions=permissions, now=self.now())
