"""What becomes a change and what does not: the complaints of peers.md that a diff must answer, and hostile targets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from interact_gitops.errors import Failure, Position
from interact_gitops.interact.errors import UnexpectedAnswer
from interact_gitops.interact.records import read_job
from interact_gitops.jobs.model import FanOut, Notification, Prompt, Retries
from interact_gitops.planning.plan import Plan
from interact_gitops.schedule import Schedule

from .conftest import OURS, THEIRS, applied, definition, plan, remote

FULL: dict[str, Any] = {
    "description": "d", "owner": "o@example.com", "prompts": (Prompt(text="a"), Prompt(text="b", query="q")),
    "parameters": {"days": {"type": "integer", "default": 7}, "floor": {"type": "number", "default": 2.0}},
    "fan_out": FanOut(matrix={"days": (7, 28)}, exclude=({"days": 28},), include=({"days": 1},)),
    "schedule": Schedule(cron="0 8 * * 1", not_before=date(2026, 1, 1)), "retries": Retries(max_attempts=2),
    "notifications": (Notification(channel="slack"), Notification(channel="mail", topics=("anomaly",))),
    "labels": {"team": "x"},
}  # fmt: skip


def actions(made: Plan) -> list[tuple[str, str]]:
    return [(change.action, change.key) for change in made.changes]


def test_create_update_delete_and_nothing() -> None:
    a, b, c = definition("a"), definition("b"), definition("c")
    made = plan([a, b, definition("new")], [remote(a), remote(b, name="Old"), remote(c)])
    assert actions(made) == [("delete", "c"), ("update", "b"), ("create", "new")]
    assert (made.unchanged, made.managed, made.unmanaged, made.definitions) == (1, 3, 0, 3)
    delete, update, create = made.changes
    assert (delete.remote_id, delete.etag, delete.place) == ("job_c", '"1"', "(no file)")
    assert [(f.field, f.before, f.after) for f in update.fields] == [("name", "Old", "B")]
    assert (create.remote_id, create.before, create.place) == (None, None, "jobs.d/new.yaml:1")
    body = dict(create.body or {})
    assert (body["managedBy"], body["commit"], body["sourcePath"]) == (OURS, "abc", "jobs.d/new.yaml")
    assert body["scheduleEnabled"] is True
    assert len(body["appliedHash"]) == 64


def test_a_full_job_comes_back_without_a_difference() -> None:
    """5: what apply wrote, plan finds unchanged."""
    full = definition("a", **FULL)
    there = applied(plan([full]), [])
    assert plan([full], there).changes == ()


def test_no_phantom_differences() -> None:
    """7: defaults that a server leaves out or fills in, another order of maps or of lists without an order."""
    full = definition("a", **FULL)
    raw = dict(remote(full).raw)
    thin = {k: v for k, v in raw.items() if v not in (None, [], {}, "skip", 1800, 900, 0) or k in {"labels"}}
    turned = {name: raw[name] for name in reversed(raw)}
    turned["parameters"] = dict(reversed(raw["parameters"].items()))
    turned["notifications"] = [{"topics": n["topics"][::-1], "channel": n["channel"]} for n in raw["notifications"]][
        ::-1
    ]
    newer = {**raw, "brandNew": {"a": 1}}
    for body in (thin, turned, newer):
        assert plan([full], [read_job(body)]).changes == ()


@pytest.mark.parametrize(("there", "here"), [(1, True), (1, 1.0), (0, False), ("1", 1), (True, "true")])
def test_values_of_another_type_are_a_difference(there: Any, here: Any) -> None:
    one = definition("a", parameters={"x": {"type": "integer", "default": here}})
    other = {"x": {"type": "integer", "default": there}}
    (change,) = plan([one], [remote(one, parameters=other)]).changes
    assert [field.field for field in change.fields] == ["parameters"]


@pytest.mark.parametrize("order", ["prompts", "matrix"])
def test_an_order_that_means_something_is_a_difference(order: str) -> None:
    one = definition("a", prompts=(Prompt(text="a"), Prompt(text="b")), fan_out=FanOut(matrix={"n": (1, 2)}))
    turned = {
        "prompts": {"prompts": [{"text": "b"}, {"text": "a"}]},
        "matrix": {"fanOut": {"matrix": {"n": [2, 1]}}},
    }[order]
    assert actions(plan([one], [remote(one, **turned)])) == [("update", "a")]


def test_another_repositorys_jobs_are_not_touched() -> None:
    """2 and 3: nor is what nobody manages; the same key is refused with the way on."""
    a, b, c, d = (definition(key) for key in "abcd")
    there = [
        remote(a, managed_by=THEIRS),
        remote(b, managed_by=None),
        remote(c, managed_by=THEIRS),
        remote(d, managed_by=None),
    ]
    made = plan([a, b], there)
    assert actions(made) == [("refused", "a"), ("refused", "b")]
    assert made.writes == ()
    assert (made.managed, made.unmanaged) == (0, 2)
    theirs, nobodys = made.changes
    assert THEIRS in (theirs.reason or "")
    assert "--adopt b" in (nobodys.remedy or "")


def test_a_mark_with_spaces_or_another_case_is_another_mark() -> None:
    """4."""
    a = definition("a")
    for mark in (f" {OURS}", OURS.upper(), ""):
        assert actions(plan([a], [remote(a, managed_by=mark)])) == [("refused", "a")]


def test_adopting_is_explicit_and_only_what_nobody_manages() -> None:
    a, b = definition("a"), definition("b")
    there = [remote(a, managed_by=None), remote(b, managed_by=THEIRS)]
    made = plan([a, b], there, adopt=frozenset("ab"))
    assert actions(made) == [("adopt", "a"), ("refused", "b")]
    assert made.unmanaged == 0
    assert plan([a], applied(plan([a], there[:1], adopt=frozenset("a")), there[:1])).changes == ()


def test_the_last_job_is_pruned_too() -> None:
    """6."""
    a = definition("a")
    assert actions(plan([], [remote(a)])) == [("delete", "a")]
    assert actions(plan([], [remote(a)], prune=False)) == []


def test_a_protected_job_outlives_its_file() -> None:
    """8: the protection is the target's, and git's own word does not count once the file is gone."""
    a = definition("a", protect=True)
    (change,) = plan([], [remote(a)]).changes
    assert change.action == "refused"
    assert "protected" in (change.reason or "")
    unprotected = definition("a")
    assert actions(plan([unprotected], [remote(a)])) == [("update", "a")]


def test_a_rename_is_a_move() -> None:
    old, new = definition("old"), definition("new", name="Old", moved_from=("older", "old"))
    (change,) = plan([new], [remote(old)]).changes
    assert (change.action, change.key, change.remote_id) == ("move", "new", "job_old")
    assert [field.field for field in change.fields] == ["key"]
    there = applied(plan([new], [remote(old)]), [remote(old)])
    assert [job.key for job in there] == ["new"]
    assert plan([new], there).changes == ()


def test_a_move_never_takes_a_job_twice() -> None:
    old = definition("old")
    both = [definition("x", moved_from=("old",)), definition("y", moved_from=("old",))]
    assert actions(plan(both, [remote(old)])) == [("move", "x"), ("create", "y")]
    assert actions(plan([old, both[0]], [remote(old)])) == [("create", "x")]
    assert actions(plan([both[0]], [remote(old), remote(both[0])])) == [("delete", "old")]
    assert actions(plan([both[0]], [remote(old, managed_by=THEIRS)])) == [("create", "x")]


def test_a_refused_move_does_not_delete_what_it_would_replace() -> None:
    old, new = definition("old"), definition("new", moved_from=("old",))
    made = plan([new], [remote(old), remote(new, managed_by=None)])
    assert actions(made) == [("refused", "new")]


def test_ignored_fields_stay_as_they_are_there() -> None:
    a = definition("a", ignore_changes=("prompts", "fan_out"), description="new")
    there = remote(a, prompts=[{"text": "theirs"}], description="old")
    (change,) = plan([a], [there]).changes
    assert [field.field for field in change.fields] == ["description"]
    assert (change.body or {})["prompts"] == [{"text": "theirs", "query": None}]
    assert plan([a], [remote(a, prompts=[{"text": "theirs"}])]).changes == ()


@pytest.mark.parametrize("enabled", [True, False])
def test_whether_the_target_evaluates_schedules(enabled: bool) -> None:
    a = definition("a")
    (change,) = plan([a], [remote(a, scheduleEnabled=not enabled)], schedule_enabled=enabled).changes
    assert [(f.field, f.before, f.after) for f in change.fields] == [("scheduleEnabled", not enabled, enabled)]
    assert (change.body or {})["scheduleEnabled"] is enabled


def test_the_plan_does_not_depend_on_any_order() -> None:
    many = [definition(f"job-{i}") for i in range(9)]
    there = [remote(d, name="Old") for d in many[3:]] + [remote(definition("gone"))]
    assert plan(many, there) == plan(many[::-1], there[::-1])


def test_the_digest_is_of_the_changes_alone() -> None:
    """9: the same plan has the same digest whatever commit and file it comes from, another plan another."""
    a = definition("a", description="new")
    there = remote(a, description="old")
    moved_file = replace(a, path="b.yaml", position=Position("b.yaml", 9))
    digest = plan([a], [there]).digest
    assert plan([moved_file], [remote(a, description="old", etag='"8"', commit="x")], commit="other").digest == digest
    others = [
        plan([a], [there], target="u"),
        plan([a], [remote(a, description="older")]),
        plan([definition("a", description="newer")], [there]),
        plan([a], []),
        plan([], [there]),
        plan([a], [there], schedule_enabled=False),
        plan([a], [remote(a, managed_by=None, description="old")]),
    ]
    assert len({digest, *(other.digest for other in others)}) == len(others) + 1


ODD: list[dict[str, Any]] = [
    *({"prompts": value} for value in (None, [], [{}], ["a"], [{"text": 5}])),
    *({"labels": value} for value in (None, {"a": 1})),
    *({"parameters": value} for value in (None, {"a": None})),
    *({"schedule": value} for value in ("daily", {"cron": 5}, {"cron": "0 0 * * *", "notBefore": "soon"})),
    *({"fanOut": {"matrix": {"a": value}}} for value in (5, [None])),
    *({"agent": value} for value in ({"id": "x"}, {"slug": None})),
    *({"notifications": value} for value in (None, [{}])),
    *({"timeoutSeconds": value} for value in (None, float("inf"))),
    {"retries": {"a": 1}}, {"description": "\ud800"}, {"ignoreChanges": None}, {"enabled": "yes"}, {"overlap": None},
    {"name": ""},
]  # fmt: skip


@pytest.mark.parametrize("changes", ODD, ids=repr)
def test_a_managed_job_that_cannot_be_read_is_named(changes: dict[str, Any]) -> None:
    a = definition("a")
    for definitions in ([a], []):
        with pytest.raises(UnexpectedAnswer, match=r"the job a on the target \(job_a\) cannot be read"):
            plan(definitions, [remote(a, **changes)])


@pytest.mark.parametrize("changes", ODD, ids=repr)
def test_what_is_not_ours_is_never_read(changes: dict[str, Any]) -> None:
    a, b = definition("a"), definition("b")
    there = [remote(a, managed_by=None, **changes), remote(b, managed_by=THEIRS, **changes)]
    assert actions(plan([a, b], there)) == [("refused", "a"), ("refused", "b")]
    assert plan([], there).unmanaged == 2


def test_a_key_that_is_there_twice() -> None:
    a, b = definition("a"), definition("b")
    with pytest.raises(Failure, match="several jobs with the key a"):
        plan([a], [remote(a), remote(a, managed_by=None, id="job_2")])
    with pytest.raises(Failure, match="several jobs with the key a"):
        plan([], [remote(a), remote(a, id="job_2")])
    twice = [remote(b, managed_by=None), remote(b, managed_by=THEIRS, id="job_2")]
    assert plan([a], [remote(a), *twice]).changes == ()


def test_an_agent_that_the_target_does_not_have_is_refused() -> None:
    known = frozenset({"analyst", "writer"})
    fine, wrong, lost = definition("fine"), definition("wrong", agent="analist"), definition("lost", agent="zzz")
    made = plan([fine, wrong, lost], [remote(definition("wrong"))], agents=known)
    assert actions(made) == [("create", "fine"), ("refused", "lost"), ("refused", "wrong")]
    lost_change, wrong_change = made.changes[1:]
    assert wrong_change.reason == "the target has no agent 'analist'"
    assert wrong_change.remedy == "did you mean 'analyst'?"
    assert lost_change.remedy == "the agents there: analyst, writer"
    assert wrong_change.body is None
    assert len(made.writes) == 1


def test_an_agent_that_went_away_is_no_change() -> None:
    job = definition("a", agent="gone")
    assert plan([job], [remote(job)], agents=frozenset()).changes == ()
    assert plan([definition("b", agent="gone")], agents=frozenset()).changes[0].remedy == "the agents there: none"
    assert actions(plan([], [remote(job)], agents=frozenset({"x"}))) == [("delete", "a")]
