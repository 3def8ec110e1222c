"""The `Target` seam in this process: runs are started, looked at and cancelled without HTTP."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime

from interact_gitops.runner.target import Answer, ChatState, Request, SeenChat, TargetSilent
from interact_gitops.server.api.digests import body_digest
from interact_gitops.server.clock import from_text, to_text
from interact_gitops.server.failures import AlreadyFinished, Declined, NotFound, RunInProgress
from interact_gitops.server.runs.requests import RunRequest, Started
from interact_gitops.server.runs.starting import ScheduleOff
from interact_gitops.server.store import chats
from interact_gitops.server.store.database import Database

log = logging.getLogger(__name__)

INITIATOR = "schedule"
OFF_AGAIN = 1.0  # seconds until a run whose schedule was just switched off is looked at again
_STATES: Mapping[str, ChatState] = {
    "queued": "active", "running": "active", "completed": "succeeded", "failed": "failed", "cancelled": "cancelled"
}  # fmt: skip

Start = Callable[[str, str, RunRequest], Started]
Cancel = Callable[[str, str], object]


class OwnTarget:
    """One organisation of this server. It honours idempotency keys for ever, tries failed runs again and times them
    out by itself."""

    repeats = True
    retries = True

    def __init__(self, organisation_id: str, database: Database, *, start: Start, cancel: Cancel) -> None:
        self._organisation = organisation_id
        self._database = database
        self._start = start
        self._cancel = cancel

    def start(self, request: Request) -> Answer:
        """See `Target`."""
        body = json.loads(request.payload)
        combinations = body.get("combinations")
        asked = RunRequest(
            initiator=INITIATOR,
            digest=body_digest(body),
            parameters=body.get("parameters"),
            combinations=None if combinations is None else tuple(combinations),
            max_parallel=body.get("maxParallel"),
            scheduled_at=from_text(body["scheduledAt"]),
            trigger=body["trigger"],
            idempotency_key=request.idempotency_key,
            of_schedule=True,
        )
        try:
            started = self._start(self._organisation, request.remote_job, asked)
        except RunInProgress as busy:
            return Answer(verdict="busy", said=busy.message, in_the_way=busy.members["chatId"])
        except ScheduleOff as off:
            return Answer(verdict="later", said=off.message, retry_after=OFF_AGAIN)
        except Declined as declined:
            return Answer(verdict="refused", said=str(declined))
        except sqlite3.Error as error:
            # Whether it was written is known when the same request is made again.
            log.warning("the run %s could not be stored: %s", request.idempotency_key, error)
            return Answer(verdict="unknown", said=f"the store could not be written: {error}")
        return Answer(verdict="started", chats=tuple(chat_id for chat_id, _ in started.chats))

    def chats(self, remote_job: str, *, since: datetime) -> Mapping[str, SeenChat]:
        """See `Target`."""
        try:
            with self._database.read() as db:
                found = chats.standings(db, self._organisation, remote_job, since=to_text(since))
        except sqlite3.Error as error:
            raise TargetSilent(f"the store could not be read: {error}") from error
        return {
            chat.id: SeenChat(
                id=chat.id,
                state=_STATES[chat.status],
                status=chat.status,
                created_at=from_text(chat.created_at),
                run_key=chat.run_key,
                error=chat.error.message if chat.error else None,
            )
            for chat in found
        }

    def cancel(self, chat: str) -> bool:
        """See `Target`."""
        try:
            self._cancel(self._organisation, chat)
        except AlreadyFinished:
            return True
        except NotFound:
            return False
        except sqlite3.Error as error:
            raise TargetSilent(f"the store could not be written: {error}") from error
        return True
