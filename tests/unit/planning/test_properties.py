"""What holds for any two states of git, on a target kept in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import Position
from interact_gitops.jobs.model import Definition, FanOut, Notification, Prompt, Retries
from interact_gitops.jobs.wire import canonical_json, job_to_wire
from interact_gitops.planning.diff import wire_definition
from interact_gitops.planning.rendering.json import plan_to_json
from interact_gitops.planning.rendering.styled import plain, visible
from interact_gitops.planning.rendering.text import render_plan
from interact_gitops.schedule import Schedule
from interact_gitops.shapes import fit

from .conftest import NOW, OURS, THEIRS, applied, definition, plan, remote

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
SCALAR = st.booleans() | st.integers(-5, 5) | st.sampled_from([0.0, 1.0, 2.5]) | TEXT
SCHEMA = st.fixed_dictionaries({"type": st.sampled_from(["integer", "number", "string", "boolean"])})
FAN_OUT = st.builds(
    FanOut,
    matrix=st.dictionaries(st.sampled_from("ab"), st.lists(SCALAR, min_size=1, max_size=3).map(tuple), min_size=1),
    max_parallel=st.integers(1, 9),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT,
        "description": st.none() | TEXT,
        "owner": st.none() | TEXT,
        "prompts": st.lists(st.builds(Prompt, text=TEXT, query=st.none() | st.just("q")), min_size=1, max_size=3).map(
            tuple
        ),
        "parameters": st.dictionaries(st.sampled_from("ab"), SCHEMA, max_size=2),
        "fan_out": st.none() | FAN_OUT,
        "schedule": st.none() | st.builds(Schedule, cron=st.sampled_from(["0 8 * * 1", "@daily 08:00"])),
        "timeout": st.sampled_from([60, 61, 3600]),
        "retries": st.none() | st.builds(Retries, max_attempts=st.integers(2, 5)),
        "notifications": st.lists(st.builds(Notification, channel=st.sampled_from(["s", "m"])), max_size=2).map(tuple),
        "enabled": st.booleans(),
        "labels": st.dictionaries(st.sampled_from("xy"), TEXT, max_size=2),
    },
)


@st.composite
def states(draw: st.DrawFn) -> list[Definition]:
    keys = draw(st.sets(st.sampled_from("abcdef"), max_size=5))
    return [definition(key, **draw(FIELDS)) for key in sorted(keys)]


def contents(wires: Iterable[Mapping[str, Any]]) -> list[str]:
    """Definitions as texts; the order of notifications says nothing, and so may stay as it was."""
    return sorted(
        canonical_json({**w, "notifications": sorted(map(canonical_json, w["notifications"])), "scheduleEnabled": 0})
        for w in wires
    )


@given(states(), states())
def test_applying_a_difference_ends_at_git(a: list[Definition], b: list[Definition]) -> None:
    others = [remote(definition("zz"), managed_by=THEIRS), remote(definition("zy"), managed_by=None)]
    there = applied(plan(a), [])
    made = plan(b, [*there, *others])
    after = applied(made, [*there, *others])
    ours = [job for job in after if job.managed_by == OURS]
    assert contents(map(wire_definition, ours)) == contents(job_to_wire(d.job) for d in b)
    assert [job for job in after if job.managed_by != OURS] == others
    again = plan(b, after)
    assert again.changes == ()
    assert (again.unchanged, again.unmanaged) == (len(b), 2)


@given(states())
def test_nothing_differs_from_itself(a: list[Definition]) -> None:
    made = plan(a, [remote(one) for one in a])
    assert made.changes == ()
    assert made.unchanged == len(a)


@given(states(), states(), st.randoms())
def test_no_order_and_no_path_matters(a: list[Definition], b: list[Definition], chance: object) -> None:
    there = [remote(one) for one in a]
    made = plan(b, there)
    mixed, jobs = list(b), list(there)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    chance.shuffle(jobs)  # type: ignore[attr-defined]
    elsewhere = [replace(one, path="x.yaml", position=Position("x.yaml", 7)) for one in mixed]
    assert plan(mixed, jobs) == made
    assert plan(elsewhere, jobs, commit="other").digest == made.digest


@given(states(), states())
def test_every_plan_can_be_shown(a: list[Definition], b: list[Definition]) -> None:
    made = plan(b, [remote(one) for one in a])
    document = plan_to_json(made)
    assert fit("plan.schema.json").is_valid(document)
    for full in (False, True):
        lines = render_plan(made, now=NOW, full=full)
        assert all(text == visible(text) for one in lines for text, _ in one)
        assert all(change.key in plain(lines) for change in made.changes)


@given(TEXT, TEXT)
def test_a_change_is_never_shown_as_nothing(before: str, after: str) -> None:
    here = definition("a", description=after, prompts=(Prompt(text=after),))
    there = remote(definition("a", description=before, prompts=(Prompt(text=before),)))
    made = plan([here], [there])
    if before == after:
        assert made.changes == ()
        return
    rows = render_plan(made, now=NOW)
    (pair,) = [row for row in rows if any(text == "description: " for text, _ in row)]
    assert pair[2][0] != pair[4][0]
    assert {style for row in rows for _, style in row} >= {"added", "removed"}
