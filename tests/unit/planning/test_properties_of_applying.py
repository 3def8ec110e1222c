"""What applying a plan makes of any target, whoever's jobs are on it; and that drift then is what it says it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import Position
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.durations import format_duration
from interact_gitops.jobs.loading import load
from interact_gitops.jobs.model import Definition, Job
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.jobs.wire import FIELDS, canonical_json, definition_hash, job_from_wire, job_to_wire, unordered
from interact_gitops.planning.diff import wire_definition
from interact_gitops.planning.drift import find_drift
from interact_gitops.planning.plan import Plan

from . import whole_jobs
from .conftest import OURS, THEIRS, applied, plan, remote

KEYS = "abcdef"


@dataclass(frozen=True)
class World:
    """A target, git, and what somebody types."""

    there: list[RemoteJob]
    git: list[Definition]
    adopt: frozenset[str]
    prune: bool

    def plan(self, there: Sequence[RemoteJob] | None = None, git: Sequence[Definition] | None = None) -> Plan:
        made = self.git if git is None else git
        return plan(made, self.there if there is None else there, adopt=self.adopt, prune=self.prune)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    owners = draw(st.dictionaries(st.sampled_from(KEYS), st.sampled_from([OURS, OURS, OURS, None, THEIRS]), max_size=5))
    there = [remote(whole_jobs.made(key, draw(whole_jobs.fields())), managed_by=owner) for key, owner in owners.items()]
    keys = sorted(draw(st.sets(st.sampled_from(KEYS), max_size=5)))
    free = [key for key in KEYS if key not in keys]
    git = []
    for key in keys:
        earlier = tuple(free.pop() for _ in range(draw(st.integers(0, 2))) if free)
        same = next((job for job in there if job.key == key and draw(st.booleans())), None)
        if same is not None:  # half of what is there is in git as it is
            git.append(whole_jobs.made(key, fields_of(job_from_wire(same.raw)), moved_from=earlier))
        else:
            git.append(whole_jobs.made(key, draw(whole_jobs.fields()), moved_from=earlier))
    return World(there, git, draw(st.frozensets(st.sampled_from(KEYS))), draw(st.booleans()))


def fields_of(job: Job) -> dict[str, Any]:
    return {name: getattr(job, name) for name in FIELDS if name != "key"}


def content(wire: Any) -> str:
    """A definition as one text; lists whose order says nothing in one order."""
    return canonical_json({name: unordered(wire[name]) if name == "notifications" else wire[name] for name in wire})


def held(job: RemoteJob) -> tuple[str | None, str]:
    return job.managed_by, content({**wire_definition(job), "ignoreChanges": sorted(job.raw["ignoreChanges"])})


def expected(world: World) -> dict[str, tuple[str | None, str] | None]:
    """What each job there must be afterwards, by id, and each new one by key; None for gone. Written down apart from
    the diff: whose a job is comes first, then what git says of it."""
    ends: dict[str, tuple[str | None, str] | None] = {job.id: held(job) for job in world.there}
    by_key = {job.key: job for job in world.there}
    ours = {job.key: job for job in world.there if job.managed_by == OURS}
    kept: set[str] = set()
    for one in world.git:
        job = one.job
        earlier = next((key for key in job.moved_from if key in ours), None)
        found = by_key.get(job.key) or (ours[earlier] if earlier else None)
        wire = {**job_to_wire(job), "scheduleEnabled": True, "ignoreChanges": sorted(job.ignore_changes)}
        if found is None:
            ends[job.key] = (OURS, content(wire))
            continue
        if found.managed_by == OURS or (found.managed_by is None and job.key in world.adopt):
            before = wire_definition(found)
            wire |= {FIELDS[name]: before[FIELDS[name]] for name in job.ignore_changes}
            ends[found.id] = (OURS, content(wire))
        else:
            kept |= {*job.moved_from}
        kept.add(found.key)
    for key, job in ours.items():
        if world.prune and key not in kept and not job.protect:
            ends[job.id] = None
    return ends


@given(worlds())
def test_applying_ends_where_git_and_ownership_say(world: World) -> None:
    made = world.plan()
    after = applied(made, world.there)
    ids = {job.id for job in world.there}
    found: dict[str, Any] = {job.id if job.id in ids else job.key: held(job) for job in after}
    wanted = expected(world)
    assert found == {name: end for name, end in wanted.items() if end is not None}
    again = world.plan(after)
    assert {change.action for change in again.changes} <= {"refused"}
    assert {change.key for change in again.changes} == {c.key for c in made.changes if c.action == "refused"}


@given(worlds())
def test_what_was_just_applied_has_not_drifted(world: World) -> None:
    made = world.plan()
    after = applied(made, world.there)
    for git in (world.git, None):
        found = find_drift(after, (), managed_by=OURS, target="t", definitions=git)
        assert found.drifted == ()
        assert found.as_applied + len(found.converged) == sum(job.managed_by == OURS for job in after)


@given(whole_jobs.definitions(), whole_jobs.fields())
def test_an_edit_is_drift_exactly_when_it_is_not_left_to_people(git: Definition, edited: dict[str, Any]) -> None:
    (job,) = applied(plan([git]), [])
    wire = job_to_wire(whole_jobs.made(git.job.key, edited, ignore_changes=git.job.ignore_changes).job)
    there = replace(job, raw={**job.raw, **wire})
    left = {FIELDS[name] for name in git.job.ignore_changes}
    before = job_to_wire(git.job)
    differ = [
        name for name in wire if name not in left and content({name: before[name]}) != content({name: wire[name]})
    ]
    for definitions in ([git], None):
        found = find_drift([there], (), managed_by=OURS, target="t", definitions=definitions)
        assert [one.key for one in found.drifted] == ([git.job.key] if differ else [])
        if differ and definitions:
            assert [f.field for f in found.drifted[0].fields or ()] == differ
    again = plan([git], [there])
    assert bool(again.changes) == bool(differ), "what plan would change is what drifted"


@given(worlds(), st.randoms(use_true_random=False))
def test_neither_order_nor_file_names_matter(world: World, chance: Any) -> None:
    made = world.plan()
    git, there = list(world.git), list(world.there)
    chance.shuffle(git)
    chance.shuffle(there)
    assert world.plan(there, git) == made
    elsewhere = [replace(one, path=f"other/{n}.yaml", position=Position(f"other/{n}.yaml", n + 2)) for n, one in
                 enumerate(git)]  # fmt: skip
    moved = world.plan(there, elsewhere)
    assert moved.digest == made.digest
    assert [(c.action, c.key, c.fields, c.after) for c in moved.changes] == [
        (c.action, c.key, c.fields, c.after) for c in made.changes
    ]


@given(worlds())
def test_another_state_has_another_digest(world: World) -> None:
    made = world.plan()
    for change in made.writes:
        without = [one for one in world.git if one.job.key != change.key]
        if change.action == "create":
            assert world.plan(git=without).digest != made.digest
        assert replace(made, changes=tuple(c for c in made.changes if c is not change)).digest != made.digest
    assert replace(made, target="elsewhere").digest != made.digest


def file_text(job: Job) -> str:
    """A job as a file may say it: every field written out, in JSON, which is YAML."""
    wire = job_to_wire(job)
    body: dict[str, Any] = {name: wire[FIELDS[name]] for name in FIELDS}
    body |= {"agent": job.agent, "timeout": format_duration(job.timeout), "grace": format_duration(job.grace)}
    body |= {"moved_from": list(job.moved_from)}
    if job.fan_out:
        names = {"matrix": "matrix", "exclude": "exclude", "include": "include", "combinations": "combinations",
                 "max_parallel": "maxParallel"}  # fmt: skip
        body["fan_out"] = {name: wire["fanOut"][there] for name, there in names.items() if wire["fanOut"][there]}
    if job.schedule:
        one = job.schedule
        body["schedule"] = {
            "cron": one.cron, "timezone": one.timezone, "calendar": one.calendar, "catch_up": one.catch_up,
            "start_deadline": format_duration(one.start_deadline), "jitter": format_duration(one.jitter),
            "not_before": wire["schedule"]["notBefore"], "not_after": wire["schedule"]["notAfter"],
        }  # fmt: skip
    if job.retries:
        body["retries"] = {"max_attempts": job.retries.max_attempts, "backoff": format_duration(job.retries.backoff)}
    return json.dumps(body, ensure_ascii=False, indent=1)


@given(whole_jobs.definitions())
def test_file_to_wire_to_file(git: Definition) -> None:
    raw = file_text(git.job).encode()
    loaded = load([SourceFile(path=PurePosixPath("a.yaml"), shown="a.yaml", raw=raw)])
    (read,) = loaded.valid("the tree")
    assert read.job == git.job
    wire = json.loads(json.dumps(job_to_wire(read.job)))
    back = job_from_wire(wire)
    assert back == git.job
    assert file_text(back) == file_text(git.job)
    assert definition_hash(job_to_wire(back)) == definition_hash(wire)
    assert repr(back) == repr(git.job), "1, 1.0 and true stay apart"
