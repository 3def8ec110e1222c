"""`/jobs/{id}`: what a job is, how its runs went, and a form to run it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.jobs.durations import format_duration
from interact_gitops.jobs.model import Job
from interact_gitops.jobs.writing.declaring import new_document
from interact_gitops.jobs.writing.rendering import new_file
from interact_gitops.schedule import Occurrence, preview
from interact_gitops.server.clock import from_text
from interact_gitops.server.failures import BodyFault, NotFound
from interact_gitops.server.pages import timetable
from interact_gitops.server.pages.answers import Page, Redirect
from interact_gitops.server.pages.bars import WORDS, Result, result_of, seconds_of
from interact_gitops.server.pages.grid import Grid, draw_grid
from interact_gitops.server.pages.provenance import Provenance, provenance
from interact_gitops.server.pages.run_form import RunForm, run_form
from interact_gitops.server.pages.standing import Standing, attention_words, judge, sync_items
from interact_gitops.server.pages.visits import Fields, Visit
from interact_gitops.server.pages.words import TRIGGERS, again_words, count, values, who
from interact_gitops.server.store import channels, jobs, overview, sync
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.jobs import StoredJob
from interact_gitops.server.store.overview import ChatLine, RunLine

HISTORY, COLUMNS, COMING = 20, 12, 10
MOST_CHATS = 300  # of one run, in the grid
_OVERLAPS = {
    "skip": "A run that is due while one is in progress is skipped",
    "queue_one": "A run that is due while one is in progress waits for it",
    "allow": "Runs may overlap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to say on top, with where to go on."""

    title: str
    said: str
    link: str | None = None
    link_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One run. `chat` is the one to look at first."""

    id: str
    when: datetime
    result: Result
    words: str
    error: str | None
    seconds: float | None
    trigger: str
    initiator: str
    chats: str
    values: str
    chat: str | None
    again: str
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A line of the definition, in words."""

    name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """`once` is spent with the form, `coming` are the next occurrences. `older` leads on in the history.

    `answered`: the page is the answer to a form, and stands at the form's address.
    """

    id: str
    key: str
    name: str
    agent: str
    agent_slug: str
    description: str | None
    standing: Standing
    reasons: tuple[str, ...]
    notice: Notice | None
    schedule: str | None
    coming: tuple[Occurrence, ...]
    coming_words: str
    can_pause: bool
    paused: bool
    form: RunForm
    once: str
    definition_hash: str
    prompts: tuple[tuple[str, str | None], ...]
    facts: tuple[Fact, ...]
    origin: Provenance
    yaml: str
    json: str
    grid: Grid
    runs: tuple[HistoryRow, ...]
    older: str | None
    newest: bool
    busy: bool
    answered: bool
    announcement: str


def show_job(visit: Visit) -> Page:
    """GET /jobs/{job_id}"""
    return job_page(visit)


def to_job(visit: Visit) -> Redirect:
    """GET of a form's address, where somebody stands who was told what was wrong with it."""
    return Redirect(location=f"/jobs/{quote(visit.path['job_id'], safe='')}")


def job_page(
    visit: Visit, *, given: Fields | None = None, faults: Iterable[BodyFault] = (), notice: Notice | None = None,
    status: int = 200,
) -> Page:  # fmt: skip
    """The page, with the form as it was sent where it could not be taken. Raises NotFound."""
    job_id = visit.path["job_id"]
    before = visit.query.number("before", otherwise=0, most=2**53) or None
    with visit.instance.database.read() as db:
        stored = jobs.demand(db, visit.organisation_id, job_id)
        line = overview.job(db, visit.organisation_id, job_id)
        if line is None:
            raise NotFound(f"there is no job {job_id[:60]}")
        standings = sync.every(db, visit.organisation_id)
        runs = overview.runs(db, visit.organisation_id, job_id, before=before, count=HISTORY + 1)
        grid, first = _grid(db, runs[:COLUMNS], line.schedule)
        first |= overview.first_chats(db, [run.seq for run in runs[COLUMNS:HISTORY]])
        once = once_token(visit, db, stored)
        job = stored.job()
        named = {one.channel for one in job.notifications}
        missing = {name for name in named if channels.find_by_name(db, visit.organisation_id, name) is None}
    standing = judge(line, sync_items(standings), now=visit.now)
    agent = visit.instance.crew.by_slug(job.agent)
    coming, coming_words = _coming(job, paused=standing.health == "paused", now=visit.now)
    rows = tuple(_row(run, first.get(run.seq), line.schedule) for run in runs[:HISTORY])
    value = JobPage(
        id=stored.id,
        key=job.key,
        name=job.name,
        agent=agent.name if agent else job.agent,
        agent_slug=job.agent,
        description=job.description,
        standing=standing,
        reasons=attention_words(standing),
        notice=notice,
        schedule=f"{timetable.in_words(line.schedule)}, {timetable.zone_of(line.schedule)}" if line.schedule else None,
        coming=coming,
        coming_words=coming_words,
        can_pause=job.schedule is not None,
        paused=stored.paused_at is not None,
        form=run_form(job, given, faults),
        once=once,
        definition_hash=stored.definition_hash,
        prompts=tuple((prompt.text, prompt.query) for prompt in job.prompts),
        facts=tuple(_facts(job, stored, missing)),
        origin=provenance(
            managed_by=stored.managed_by, path=stored.source_path, commit=stored.git_commit, standings=standings
        ),
        yaml=new_file(new_document(job, {})),
        json=json.dumps(stored.definition, indent=2, ensure_ascii=False),
        grid=grid,
        runs=rows,
        older=f"/jobs/{stored.id}?before={runs[HISTORY - 1].seq}#runs" if len(runs) > HISTORY else None,
        newest=before is None,
        busy=line.open_since is not None,
        answered=status != 200,
        announcement=f"Newest run {rows[0].words}" if rows else "",
    )
    return Page(template="job.html", value=value, status=status)


def once_token(visit: Visit, db: Connection, job: StoredJob) -> str:
    """What makes one sent form one run: the same until a run of the job has been started, so that a double click, or a
    page that is sent again, finds the run that it began."""
    newest = overview.newest_run(db, job.id)
    said = f"{visit.session.id} {job.id} {job.revision} {newest}"
    return hmac.new(visit.instance.secret, b"run form\0" + said.encode(), hashlib.sha256).hexdigest()


def _grid(db: Connection, runs: Sequence[RunLine], schedule: str | None) -> tuple[Grid, dict[int, ChatLine]]:
    seqs = [run.seq for run in runs]
    chats = overview.chats_of_runs(db, seqs, most=MOST_CHATS)
    first = overview.first_chats(db, seqs)
    return draw_grid(runs, chats, first, schedule=schedule), first


def _row(run: RunLine, first: ChatLine | None, schedule: str | None) -> HistoryRow:
    result = result_of(run)
    ended = [f"{number:,} {words}" for number, words in (
        (run.completed, "completed"), (run.failed, "failed"), (run.cancelled, "cancelled"),
        (run.chats - run.completed - run.failed - run.cancelled, "to go"),
    ) if number]  # fmt: skip
    error = first.error.message if first and first.error and result == "failed" else None
    return HistoryRow(
        id=run.id,
        when=timetable.local(schedule, from_text(run.created_at)),
        result=result,
        words=WORDS[result],
        error=error,
        seconds=seconds_of(run),
        trigger=TRIGGERS[run.run_trigger],
        initiator=who(run.initiator),
        chats=", ".join(ended) if run.fan_out else "",
        values=values(first.parameters) if first and not run.fan_out else "",
        chat=first.id if first else None,
        again=again_words(fan_out=run.fan_out, failed=run.failed > 0),
        open=run.state != "closed",
    )


def _coming(job: Job, *, paused: bool, now: datetime) -> tuple[tuple[Occurrence, ...], str]:
    if job.schedule is None:
        return (), "This job has no schedule: it runs when somebody asks for it."
    try:
        found = tuple(preview(job.schedule, now, count=COMING))
    except ScheduleInvalid as invalid:
        return (), f"The schedule cannot be read: {invalid.message}."
    if not found:
        return (), "The schedule is over: its last day has passed."
    return found, "It is paused: these runs will not start until it is resumed." if paused else ""


def _facts(job: Job, stored: StoredJob, missing: Set[str]) -> Iterable[Fact]:
    if job.owner:
        yield Fact(name="Owner", words=job.owner)
    if job.schedule is not None and not stored.schedule_enabled:
        yield Fact(name="Schedule", words="Evaluated by a runner elsewhere, not by this server")
    yield Fact(name="Overlap", words=_OVERLAPS[job.overlap])
    yield Fact(name="Timeout", words=format_duration(job.timeout))
    if job.retries:
        yield Fact(
            name="Retries",
            words=f"{count(job.retries.max_attempts, 'attempt')}, {format_duration(job.retries.backoff)} apart",
        )
    if job.pause_after_failures:
        yield Fact(name="Pauses", words=f"after {count(job.pause_after_failures, 'failed run')} in a row")
    for one in job.notifications:
        topics = ", ".join(topic.replace("_", " ") for topic in one.topics)
        gap = " (there is no such channel: nobody hears of it)" if one.channel in missing else ""
        yield Fact(name="Tells", words=f"{one.channel}: {topics}{gap}")
    if job.labels:
        yield Fact(name="Labels", words=_labels(job.labels))
    if job.protect:
        yield Fact(name="Protected", words="It is not deleted while it says so")


def _labels(labels: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in labels.items())
