"""`/`: every job, by agent, with what needs attention on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from urllib.parse import urlencode

from interact_gitops.notify.messages.cleaning import one_line
from interact_gitops.server.pages import timetable
from interact_gitops.server.pages.answers import Page
from interact_gitops.server.pages.bars import Bars, draw_bars
from interact_gitops.server.pages.board import Entry
from interact_gitops.server.pages.standing import HEALTH_WORDS, SYNC_WORDS, Standing, attention_words, tally
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.store import overview

PAGE = 50
BARS = 20
MOST_ATTENTION = 8

STATES: Mapping[str, str] = {"attention": "Needs attention", **HEALTH_WORDS, "running": "Running now", **SYNC_WORDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job in the list; without schedule its words and zone are None. `next_words` says why there is no next run."""

    id: str
    key: str
    name: str
    schedule: str | None
    zone: str | None
    next_run: datetime | None
    next_words: str
    bars: Bars
    standing: Standing
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentGroup:
    """The jobs of one agent on this page of the list."""

    name: str
    rows: tuple[JobRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """A job that somebody should look at, and why."""

    id: str
    name: str
    state: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An entry of a list to choose from, with how many jobs it has."""

    value: str
    words: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsPage:
    """`total` counts all jobs, `found` those that the search left. `first` and `last` are places in these."""

    q: str
    agents: tuple[Choice, ...]
    states: tuple[Choice, ...]
    filtered: bool
    total: int
    found: int
    first: int
    last: int
    number: int
    pages: int
    previous: str | None
    following: str | None
    attention: tuple[Attention, ...]
    attention_left: int
    groups: tuple[AgentGroup, ...]
    summary: tuple[Choice, ...]
    url: str
    busy: bool


def show_jobs(visit: Visit) -> Page:
    """GET /"""
    entries = visit.board.entries(visit.organisation_id)
    q, agent, state = visit.query.text("q").strip(), visit.query.text("agent"), visit.query.text("state")
    slugs = {one.id: one.slug for one in visit.instance.crew.agents}
    found = [entry for entry in entries if _wanted(entry, q.casefold(), agent, state, slugs)]
    pages = max(1, -(-len(found) // PAGE))
    number = min(visit.query.number("page", otherwise=1), pages)
    shown = found[(number - 1) * PAGE : number * PAGE]
    counts = tally(entry.standing for entry in entries)
    counts["running"] = sum(entry.job.open_since is not None for entry in entries)
    alarming = [entry for entry in entries if entry.standing.needs_attention]
    alarming.sort(key=lambda entry: ("failing", "late", "paused", "up").index(entry.standing.health))
    asked = {"q": q, "agent": agent, "state": state}
    value = JobsPage(
        q=q,
        agents=_agents(visit, entries, agent),
        states=tuple(
            Choice(value=name, words=words, count=counts.get(name, 0), chosen=name == state)
            for name, words in STATES.items()
        ),
        filtered=bool(q or agent or state),
        total=len(entries),
        found=len(found),
        first=(number - 1) * PAGE + 1 if found else 0,
        last=(number - 1) * PAGE + len(shown),
        number=number,
        pages=pages,
        previous=_address(asked, number - 1) if number > 1 else None,
        following=_address(asked, number + 1) if number < pages else None,
        attention=_attention(visit, alarming[:MOST_ATTENTION]),
        attention_left=max(0, len(alarming) - MOST_ATTENTION),
        groups=_groups(visit, shown),
        summary=_summary(counts, state),
        url=_own_address(visit),
        busy=any(entry.job.open_since for entry in shown),
    )
    return Page(template="jobs.html", value=value)


def _wanted(entry: Entry, q: str, agent: str, state: str, slugs: Mapping[str, str]) -> bool:
    if q and not all(word in entry.sought for word in q.split()):
        return False
    if agent and slugs.get(entry.job.agent_id) != agent:
        return False
    if state == "attention":
        return entry.standing.needs_attention
    if state == "running":
        return entry.job.open_since is not None
    return not state or state in {entry.standing.health, entry.standing.sync}


def _groups(visit: Visit, shown: Sequence[Entry]) -> tuple[AgentGroup, ...]:
    with visit.instance.database.read() as db:
        runs = overview.latest_runs(db, [entry.job.id for entry in shown], each=BARS)
    groups = groupby(shown, key=lambda entry: entry.agent)
    return tuple(
        AgentGroup(
            name=name, rows=tuple(_row(entry, draw_bars(runs[entry.job.id], most=BARS), visit) for entry in some)
        )
        for name, some in groups
    )


def _row(entry: Entry, bars: Bars, visit: Visit) -> JobRow:
    job = entry.job
    coming, words = next_run(job.schedule, paused=entry.standing.health == "paused", now=visit.now)
    return JobRow(
        id=job.id,
        key=job.key,
        name=job.name,
        schedule=timetable.in_words(job.schedule) if job.schedule else None,
        zone=timetable.zone_of(job.schedule) if job.schedule else None,
        next_run=coming,
        next_words=words,
        bars=bars,
        standing=entry.standing,
        running=job.open_since is not None,
    )


def next_run(schedule: str | None, *, paused: bool, now: datetime) -> tuple[datetime | None, str]:
    """The next run of a job, or why there is none."""
    if schedule is None:
        return None, ""
    if paused:
        return None, "Paused"
    coming = timetable.next_run(schedule, now)
    return coming, "" if coming else "Its schedule is over"


def _attention(visit: Visit, entries: Sequence[Entry]) -> tuple[Attention, ...]:
    found = []
    with visit.instance.database.read() as db:
        for entry in entries:
            standing, reasons = entry.standing, attention_words(entry.standing)
            if standing.health == "failing":
                error = overview.last_error(db, visit.organisation_id, entry.job.id)
                reasons = (f"{reasons[0]}: {one_line(error.message, 200)}" if error else reasons[0], *reasons[1:])
            state = standing.health if standing.health_wants_somebody else standing.sync
            found.append(Attention(id=entry.job.id, name=entry.job.name, state=state, reasons=reasons))
    return tuple(found)


def _agents(visit: Visit, entries: Sequence[Entry], chosen: str) -> tuple[Choice, ...]:
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.job.agent_id] = counts.get(entry.job.agent_id, 0) + 1
    return tuple(
        Choice(value=agent.slug, words=agent.name, count=counts.get(agent.id, 0), chosen=agent.slug == chosen)
        for agent in sorted(visit.instance.crew.agents, key=lambda one: one.name.casefold())
        if agent.id in counts or agent.slug == chosen
    )


def _summary(counts: Mapping[str, int], state: str) -> tuple[Choice, ...]:
    """The states that there are jobs in, as links."""
    return tuple(
        Choice(value=name, words=words, count=counts[name], chosen=name == state)
        for name, words in STATES.items()
        if counts.get(name) and name != "attention"
    )


def _address(asked: Mapping[str, str], number: int) -> str:
    given = {name: text for name, text in asked.items() if text}
    if number > 1:
        given["page"] = str(number)
    return "/?" + urlencode(given) if given else "/"


def _own_address(visit: Visit) -> str:
    """Where the API's key and organisation are to be found, for somebody who has no job yet."""
    host = visit.headers.get("host", "")
    return f"http://{host}"
