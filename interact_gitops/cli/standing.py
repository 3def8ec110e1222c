"""How a job stands on the target: in sync or not, and its last run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from interact_gitops.cli.output import instant, note
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.cli.standstill import Standstill
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary, RemoteJob
    from interact_gitops.jobs.model import Definition
    from interact_gitops.schedule import Schedule

RECENT = 500  # chats looked through for last runs: one page of the list


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`state` is in sync, changed, not applied, not ours or paused; where the API is public, bound, unbound, ambiguous
    or refused. `last` is the newest run that is known, `pause` what keeps its schedule from starting it."""

    state: str
    last: ChatSummary | None
    pause: Standstill | None = None

    def last_words(self, schedule: Schedule | None) -> str:
        """`Mon 2026-11-23 08:00 CET succeeded`, in the zone in which the next run is said; or a dash."""
        if self.last is None or self.last.created_at is None:
            return "—"
        when = self.last.created_at.astimezone(ZoneInfo(schedule.timezone) if schedule else None)
        return f"{instant(when)} {self.last.state}"

    def last_json(self) -> dict[str, Any] | None:
        """The last run's id, state and time."""
        if self.last is None:
            return None
        when = self.last.created_at
        return {"id": self.last.id, "state": self.last.state, "createdAt": when.isoformat() if when else None}


def read_standings(workspace: Workspace, definitions: Sequence[Definition]) -> dict[str, Standing]:
    """The standing of each definition by key; nothing, with a note, when the target cannot be asked."""
    from interact_gitops.cli.assembly import evaluates
    from interact_gitops.cli.standstill import pauses_in_ledger

    try:
        with workspace.client() as client:
            if client.surface() == "public":
                from interact_gitops.cli.hosted import standings_there

                found = standings_there(workspace, client, definitions)
            else:
                found = _standings(workspace, client, definitions)
            pauses = pauses_in_ledger(workspace) if evaluates(workspace, client) else {}
    except Failure as failure:
        note(f"note: {failure}")
        return {}
    return {key: _paused(standing, pauses.get(key)) for key, standing in found.items()}


def _paused(standing: Standing, pause: Standstill | None) -> Standing:
    if pause is None:
        return standing
    runs = standing.state in {"in sync", "changed", "bound"}  # what cannot run is worth more than that it may not
    return replace(standing, state="paused" if runs else standing.state, pause=pause)


def _standings(workspace: Workspace, client: Client, definitions: Sequence[Definition]) -> dict[str, Standing]:
    from interact_gitops.cli.standstill import pause_there
    from interact_gitops.config import owner

    jobs = {job.key: job for job in client.jobs()}
    managed_by = owner(workspace.settings)
    last: dict[str | None, ChatSummary] = {}
    for chat in islice(client.chats(most=RECENT), RECENT):
        last.setdefault(chat.job_id, chat)
    standings = {}
    for definition in definitions:
        remote = jobs.get(definition.job.key)
        state = _state(definition, remote, managed_by)
        standings[definition.job.key] = Standing(
            state=state, last=last.get(remote.id) if remote else None, pause=pause_there(remote) if remote else None
        )
    return standings


def _state(definition: Definition, remote: RemoteJob | None, managed_by: str) -> str:
    from interact_gitops.jobs.wire import definition_hash, job_to_wire

    if remote is None:
        return "not applied"
    if remote.managed_by != managed_by:
        return "not ours"
    if remote.paused:
        return "paused"
    return "in sync" if definition_hash(job_to_wire(definition.job)) == remote.definition_hash else "changed"
