"""Bindings on a public target: which job is meant, what it cannot do there, and how that is said."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.interact.discovery import SeenJob
from interact_gitops.interact.records import read_summary
from interact_gitops.jobs.model import Definition, FanOut, Notification, Prompt
from interact_gitops.planning.binding import (
    UNKNOWN_PROMPT,
    Binding,
    Bindings,
    bind,
    slugified,
    target_problems,
    unmet_needs,
)
from interact_gitops.planning.rendering.binding import (
    NOT_COMPARED,
    binding_remedy,
    bindings_to_json,
    bindings_to_markdown,
    form_entries,
    form_lines,
    render_bindings,
)
from interact_gitops.planning.rendering.styled import plain
from interact_gitops.schedule import Schedule

from .conftest import definition

NUMBER = {"n": {"type": "integer", "default": 1}}


def seen(
    job_id: str,
    name: str | None = "Weekly",
    agent_id: str | None = "agt_1",
    agent: str | None = "Analyst",
    runs: int = 2,
) -> SeenJob:
    last = read_summary({"id": f"last-{job_id}", "status": "completed", "createdAt": "2026-11-23T08:00:00Z"})
    return SeenJob(id=job_id, name=name, agent_id=agent_id, agent_name=agent, runs=runs, last=last)


def bound(definitions: Sequence[Definition], jobs: Sequence[SeenJob] = (), **options: Any) -> Bindings:
    return bind(definitions, jobs, **{"target": "prod", "shown": "https://there org", **options})


def one(made: Definition, *jobs: SeenJob, **options: Any) -> Binding:
    (binding,) = bound([made], jobs, **options).jobs
    return binding


def said(bindings: Bindings, **options: Any) -> str:
    return plain(render_bindings(bindings, **options))


WEEKLY = definition("weekly", name="Weekly")


def test_bound_by_name_under_the_same_agent() -> None:
    found = one(WEEKLY, seen("j1"), seen("j2", "Daily"), seen("j3", "Weekly", "agt_2", "Other"))
    assert (found.state, found.by, found.remote_id, found.settled) == ("bound", "name", "j1", True)
    assert one(WEEKLY, seen("j1", " Weekly ")).remote_id == "j1"
    assert one(definition("w", name="Caf\u00e9"), seen("j1", "Cafe\u0301")).remote_id == "j1"


@pytest.mark.parametrize("given_id", ["j9", {"prod": "j9", "staging": "j8"}])
def test_bound_by_id_before_anything_else(given_id: Any) -> None:
    made = definition("weekly", name="Weekly", id=given_id)
    found = one(made, seen("j1"))
    assert (found.state, found.by, found.remote_id, found.notes) == ("bound", "id", "j9", ("never seen to run",))
    assert one(made, seen("j9")).notes == ()
    assert one(made, seen("j9", None)).notes == ()
    assert one(made, seen("j9", "Renamed")).notes == ("its name there is 'Renamed'",)


def test_an_id_for_another_target_says_nothing_here() -> None:
    found = one(definition("weekly", name="Weekly", id={"staging": "j8"}), seen("j1"))
    assert (found.by, found.remote_id) == ("name", "j1")


def test_the_agent_by_its_id_then_the_slug_as_id_then_its_name() -> None:
    jobs = [seen("j1", agent_id="analyst", agent="Anything"), seen("j2", agent_id="agt_2", agent="Analyst")]
    assert one(WEEKLY, *jobs).remote_id == "j1"
    assert one(WEEKLY, jobs[1]).remote_id == "j2"
    assert one(definition("weekly", name="Weekly", agent_id="agt_2"), *jobs).remote_id == "j2"
    assert one(definition("weekly", name="Weekly", agent_id={"prod": "agt_2"}), *jobs).remote_id == "j2"
    assert one(WEEKLY, seen("j1", agent_id=None)).state == "unbound"
    assert one(WEEKLY, seen("j1", agent=None)).state == "unbound"


def test_a_job_without_a_name_is_nobodys() -> None:
    assert one(definition("weekly", name="Weekly"), seen("j1", None)).state == "unbound"
    assert one(definition("weekly", name="Weekly"), seen("j1", "")).state == "unbound"


def test_unbound_names_the_same_name_under_another_agent() -> None:
    assert one(WEEKLY).notes == ()
    found = one(WEEKLY, seen("j7", agent_id="agt_2", agent="Other"), seen("j8", agent_id=None, agent=None))
    assert found.state == "unbound"
    assert "under the agent Other: j7; write it as `id`" in found.notes[0]
    assert "under the agent that is not told: j8" in found.notes[1]


def test_two_matches_are_ambiguous_and_both_are_listed() -> None:
    bindings = bound([WEEKLY], [seen("j1"), seen("j2", runs=1)])
    assert (bindings.jobs[0].state, bindings.jobs[0].remote_id) == ("ambiguous", None)
    text = said(bindings)
    assert "? weekly  jobs.d/weekly.yaml:1  ambiguous: 2 jobs have this name under this agent" in text
    assert "j1  Weekly, agent Analyst (agt_1), 2 runs, the last on 2026-11-23" in text
    assert "j2  Weekly, agent Analyst (agt_1), 1 run, the last on 2026-11-23" in text
    assert "write the one that is meant as `id`" in text
    # two agents whose names make one slug
    assert one(WEEKLY, seen("j1"), seen("j2", agent_id="agt_2", agent="ANALYST")).state == "ambiguous"


def test_two_definitions_never_mean_one_job() -> None:
    twin = definition("twin", name="Whatever", id="j1")
    third = definition("third", name="Other", id="j1")
    bindings = bound([WEEKLY, twin], [seen("j1")])
    assert [(b.key, b.state, b.remote_id, b.rivals) for b in bindings.jobs] == [
        ("twin", "ambiguous", None, ("weekly",)), ("weekly", "ambiguous", None, ("twin",)),
    ]  # fmt: skip
    assert "ambiguous: weekly means the same job" in said(bindings)
    assert "give each definition its own `id`" in said(bindings)
    assert "ambiguous: third, twin mean the same job" in said(bound([WEEKLY, twin, third], [seen("j1")]))
    assert bindings.others == ()


def test_what_settles_a_job() -> None:
    assert "write its id as `id`" in binding_remedy(one(WEEKLY))
    assert binding_remedy(one(WEEKLY)) in said(bound([WEEKLY]))
    assert "the one that is meant" in binding_remedy(one(WEEKLY, seen("j1"), seen("j2")))


def test_others_are_counted_and_left_alone() -> None:
    bindings = bound([WEEKLY], [seen("j1"), seen("j2", "Daily"), seen("j3", "Daily")])
    assert [job.id for job in bindings.others] == ["j2", "j3"]
    assert "2 other jobs seen to run there, untouched." in said(bindings)
    assert "1 other job seen" in said(bound([WEEKLY], [seen("j1"), seen("j2", "Daily")]))
    assert "other" not in said(bound([WEEKLY], [seen("j1")]))


@pytest.mark.parametrize(
    ("fields", "why", "sends_why"),
    [
        ({}, [], []),
        ({"prompts": (Prompt(text="Take {{ n }}."),), "parameters": NUMBER}, ["parameters (n)", "template markup"], []),
        ({"prompts": (Prompt(text="x"),), "parameters": NUMBER}, [], []),
        ({"prompts": (Prompt(text="x", query="q"),), "parameters": NUMBER}, ["parameters (n)"], []),
        ({"fan_out": FanOut(combinations=({"n": 1},))}, ["it fans out"], []),
        ({"prompts": (Prompt(text="Until {{ run.date }}"),)}, ["its prompt has template markup"], ["run.…"]),
        ({"prompts": (Prompt(text="{# note #}Hm"),)}, ["template markup"], []),
        ({"prompts": (Prompt(text="{% if job.key %}a{% endif %}"), Prompt(text="b"))}, ["prompt 1 has"], ["prompt 1 "]),
        ({"prompts": (Prompt(text="{{ job.key }}"),) * 2}, ["prompts 1, 2 have"], ["prompts 1, 2 have"]),
        ({"prompts": (Prompt(text="{% if %}"),)}, ["template markup"], ["its prompt has"]),
        ({"overlap": "allow"}, ["`overlap: allow`"], ["`overlap: allow`"]),
        ({"overlap": "queue_one"}, [], []),
    ],
)  # fmt: skip
def test_what_the_api_cannot_do(fields: dict[str, Any], why: list[str], sends_why: list[str]) -> None:
    job = definition("job", **fields).job
    for found, expected in ((unmet_needs(job), why), (unmet_needs(job, sends_body=True), sends_why)):
        assert len(found) == len(expected)
        assert all(part in reason for part, reason in zip(expected, found, strict=True))


def test_a_refused_job_is_a_line_with_its_reasons_and_blocks_no_other() -> None:
    refused = definition("hot", name="Hot", overlap="allow")
    bindings = bound([WEEKLY, refused, definition("cold", overlap="allow", id="j5")], [seen("j1")])
    assert [b.settled for b in bindings.jobs] == [False, False, True]
    assert not bindings.complete
    text = said(bindings)
    assert " ! hot     jobs.d/hot.yaml:1  unbound: " in text
    assert " ! cold    jobs.d/cold.yaml:1  bound to j5 by its id" in text
    assert text.count("never triggered there: `overlap: allow`") == 2
    assert "Bindings: 2 bound, 1 unbound, 0 ambiguous; 2 can never run there." in text
    assert "What is unbound" not in text
    assert not form_lines(bindings)
    two = [seen("j1"), seen("j2")]
    assert "write the one" not in said(bound([definition("weekly", name="Weekly", overlap="allow")], two))


def test_validate_warns_at_the_document() -> None:
    (problem,) = target_problems([WEEKLY, definition("hot", line=7, overlap="allow")], target="prod", sends_body=False)
    assert str(problem).startswith(
        "jobs.d/hot.yaml:7:1: warning: hot is never triggered on prod (public API): `overlap"
    )
    assert problem.code == "public-target"


def test_the_prompt_that_import_wrote_is_said() -> None:
    made = definition("weekly", name="Weekly", prompts=(Prompt(text=UNKNOWN_PROMPT + "\n"),))
    assert "copy the question" in one(made, seen("j1")).notes[0]
    assert "copy the question" in said(bound([made], [seen("j1")]))


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Paid Search Analyst", "paid-search-analyst"), ("  Ünïcode & Söns! ", "unicode-sons"), ("分析", ""),
     ("x" * 70, "x" * 63), ("a" * 62 + " b", "a" * 62)],
)  # fmt: skip
def test_slugs(name: str, slug: str) -> None:
    assert slugified(name) == slug


FULL = definition(
    "full", name="Full", description="Why", overlap="queue_one", timeout=5_400,
    prompts=(Prompt(text="One?\nTwo?\n"), Prompt(text="Three?", query="named")),
    schedule=Schedule(cron="0 8 * * 1", timezone="Europe/Amsterdam", not_before=date(2026, 1, 1)),
    notifications=(Notification(channel="slack", topics=("failed_run",)),),
)  # fmt: skip


def test_what_to_enter_is_exact() -> None:
    assert form_entries(FULL.job, runner_schedules=True) == [
        ("Name", "Full"), ("Agent", "analyst"), ("Description", "Why"), ("Prompt 1", "One?\nTwo?"),
        ("Prompt 2", "Three?"), ("Verified query", "named"),
        ("Schedule", "At 08:00 on Monday, Europe/Amsterdam, from 2026-01-01"), ("Cron", "0 8 * * 1"),
        ("Time zone", "Europe/Amsterdam"), ("Enable schedule", "off: the runner of interact-gitops starts it"),
        ("Overlap", "wait as the one next in line"), ("Timeout", "1h30m"), ("Notify", "slack: failed_run"),
    ]  # fmt: skip
    text = plain(form_lines(bound([FULL, WEEKLY], [seen("j1")])))
    assert "      Prompt 1        One?\n                      Two?\n" in text
    assert "weekly" not in text
    assert "Enter in Interact: full" in said(bound([FULL]), full=True)
    assert "Enter in Interact" not in said(bound([FULL]))


@pytest.mark.parametrize(
    ("schedule", "enabled", "expected"),
    [
        (None, True, [("Schedule", "none: it is started by hand")]),
        (Schedule(cron="0 8 * * 1"), True, [("Enable schedule", "on")]),
        (Schedule(cron="0 8 * * 1"), False, [("Enable schedule", "off: the job is switched off")]),
        (Schedule(cron="@first-weekday"), True,
         [("", "Interact may not know this shortcut or calendar: the runner does (`schedules: runner`)")]),
        (Schedule(cron="0 8 * * 1", calendar="NL"), True,
         [("", "Interact may not know this shortcut or calendar: the runner does (`schedules: runner`)")]),
    ],
)  # fmt: skip
def test_who_evaluates_the_schedule(schedule: Any, enabled: bool, expected: list[tuple[str, str]]) -> None:
    entries = form_entries(definition("a", schedule=schedule, enabled=enabled).job, runner_schedules=False)
    assert set(expected) <= set(entries)


def test_schedules_have_to_be_off_in_interact_where_the_runner_evaluates_them() -> None:
    assert '"Enable schedule" has to be off in Interact for the 1 scheduled job:' in said(bound([FULL]))
    assert "has to be off" not in said(bound([FULL], runner_schedules=False))
    assert "has to be off" not in said(bound([WEEKLY]))
    assert "the 2 scheduled jobs" in said(bound([FULL, definition("b", schedule=Schedule(cron="@daily"))]))


def test_nothing_is_pretended() -> None:
    for bindings in (bound([]), bound([WEEKLY], [seen("j1")]), bound([WEEKLY])):
        for text in (said(bindings), said(bindings, quiet=True), bindings_to_markdown(bindings)):
            assert NOT_COMPARED in text
            assert not re.search(r"appl(ied|ying)|in sync|no changes|up to date", text, re.IGNORECASE)
    assert said(bound([WEEKLY]), quiet=True).startswith("Bindings: 0 bound, 1 unbound")
    assert bound([]).complete


def test_thousands_are_bound_at_once() -> None:
    many = [definition(f"job-{number}", name=f"Job {number}") for number in range(2_000)]
    jobs = [seen(f"j{number}", f"Job {number}", agent_id=f"agt_{number}") for number in range(5_000)]
    began = time.process_time()
    assert bound(many, jobs).count("bound") == 2_000
    assert time.process_time() - began < 5  # seconds; comparing each with each takes a minute


def test_json_says_it_all() -> None:
    bindings = bound([FULL, WEEKLY, definition("hot", overlap="allow")], [seen("j1"), seen("j2", "Daily")])
    found = json.loads(json.dumps(bindings_to_json(bindings)))
    assert found["counts"] == {"bound": 1, "unbound": 2, "ambiguous": 0, "refused": 1, "others": 1}
    full, hot, weekly = found["jobs"]
    assert full["enter"][0] == {"field": "Name", "value": "Full"}
    assert (hot["enter"], len(hot["refused"])) == ([], 1)
    assert (weekly["id"], weekly["by"], weekly["enter"]) == ("j1", "name", [])
    assert weekly["candidates"][0]["lastRun"]["createdAt"] == "2026-11-23T08:00:00+00:00"
    untimed = SeenJob(id="j9", name=None, agent_id=None, agent_name=None, runs=1,
                      last=read_summary({"id": "c", "status": "hm"}))  # fmt: skip
    others = bindings_to_json(bound([], [untimed]))["others"]
    assert others[0]["lastRun"] == {"id": "c", "state": "unknown", "createdAt": None}


def test_candidates_of_which_little_is_known() -> None:
    bare = read_summary({"id": "c", "status": "hm"})
    jobs = [SeenJob(id=f"j{i}", name="Weekly", agent_id="analyst", agent_name=None, runs=1, last=bare) for i in (1, 2)]
    assert "j1  Weekly, agent unknown (analyst), 1 run\n" in said(bound([WEEKLY], jobs)) + "\n"


def test_markdown_fits_and_says_what_is_left_out() -> None:
    many = [definition(f"job-{number}", name="😀" * 50) for number in range(2_000)]
    text = bindings_to_markdown(bound(many))
    assert len(text.encode("utf-16-le")) // 2 <= 65_536
    assert "lines are left out: a comment holds 65,536 characters" in text
    short = bindings_to_markdown(bound([WEEKLY, definition("hot", overlap="allow")], [seen("j1")]))
    assert short.startswith("<!-- interact-gitops:plan ")
    assert "\n! hot" in short
    assert "\n = weekly" in short


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_names_stay_inside_their_lines(name: str, there: str, prompt: str) -> None:
    bindings = bound(
        [definition("weekly", name="Weekly"), definition("free", name=name, prompts=(Prompt(text=prompt),))],
        [seen("j1", "Weekly", agent=there, agent_id="analyst"), seen("j2", "Weekly", agent=there, agent_id="analyst")],
    )
    for text in (said(bindings, full=True), bindings_to_markdown(bindings)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    fences = re.findall(r"^`{3,}", bindings_to_markdown(bindings), re.MULTILINE)
    assert len(fences) == 2
    assert fences[0] == fences[1]


def test_the_order_of_the_list_says_nothing() -> None:
    jobs = [seen("j2", "Daily"), seen("j1")]
    assert bound([WEEKLY], jobs).jobs == bound([WEEKLY], list(reversed(jobs))).jobs
