"""How every job of an organisation stands at this moment, worked out once for all who look."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from interact_gitops.server.instance import Instance
from interact_gitops.server.pages.standing import Standing, judge, sync_items
from interact_gitops.server.store import overview, sync
from interact_gitops.server.store.overview import JobLine

_MOST = 100  # organisations that are looked at within one minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A job and how it stands. `sought` is what a search looks into."""

    job: JobLine
    standing: Standing
    agent: str
    sought: str


class Board:
    """Keeps what it worked out until something is written to the store, or the minute is over."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._lock = threading.Lock()
        self._known: dict[str, tuple[tuple[int, str], tuple[Entry, ...]]] = {}

    def entries(self, organisation_id: str) -> tuple[Entry, ...]:
        """Every job, by agent and name."""
        mark = (self._instance.database.commits, self._instance.now()[:16])
        # One at a time: a second one who asks meanwhile takes what the first one found.
        with self._lock:
            known = self._known.get(organisation_id)
            if known is not None and known[0] == mark:
                return known[1]
            found = self._read(organisation_id)
            while len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[organisation_id] = (mark, found)
            return found

    def _read(self, organisation_id: str) -> tuple[Entry, ...]:
        now = self._instance.clock()
        with self._instance.database.read() as db:
            jobs = overview.jobs(db, organisation_id)
            items = sync_items(sync.every(db, organisation_id))
        names = {agent.id: agent.name for agent in self._instance.crew.agents}
        entries = [
            Entry(
                job=job,
                standing=judge(job, items, now=now),
                agent=names.get(job.agent_id, "An agent that is no longer configured"),
                sought=f"{job.name}\n{job.key}".casefold(),
            )
            for job in jobs
        ]
        return tuple(sorted(entries, key=lambda one: (one.agent.casefold(), one.job.name.casefold(), one.job.key)))
