"""Plan files: the same plan passes, one that was half done is finished, anything else names what moved."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from interact_gitops.errors import Refused
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.wire import job_to_wire
from interact_gitops.planning.plan import Change, Plan
from interact_gitops.planning.saved import Wanted, check_saved, demand_unchanged, save_plan

from .conftest import definition, plan, remote

PLAN = Plan(
    target="t",
    managed_by="m",
    changes=tuple(Change(action="refused", key=f"job-{n}", name="n", reason="r", remedy="m") for n in range(8)),
    unchanged=0,
    managed=0,
    unmanaged=0,
    definitions=8,
    prune=True,
)
THERE = [remote(definition(key)) for key in ("edit", "gone", "keep")]
NOW = [definition("edit", description="new"), definition("keep"), definition("fresh")]
CHANGED = plan(NOW, THERE)


def nothing() -> Wanted:
    return {}


def wanted(definitions: list[Definition] = NOW) -> Wanted:
    return {("job", d.job.key): {**job_to_wire(d.job), "scheduleEnabled": True} for d in definitions}


def saved(made: Plan = CHANGED, **options: Any) -> dict[str, Any]:
    """A plan that went through a file."""
    return json.loads(json.dumps(save_plan(made, **{"select": [], "adopt": [], **options})))


def without(made: Plan, *keys: str) -> Plan:
    return replace(made, changes=tuple(change for change in made.changes if change.key not in keys))


def test_a_saved_plan_is_itself() -> None:
    found = saved(PLAN, select=["a"])
    assert check_saved(found, "f") == found
    assert found["options"] == {"select": ["a"], "adopt": [], "prune": True}
    demand_unchanged(found, PLAN, nothing)
    demand_unchanged(check_saved(saved(), "f"), CHANGED, nothing)


def test_what_moved_is_named() -> None:
    with pytest.raises(Refused, match="stale plan: job-0 moved since it was made; nothing was done\n  plan again"):
        demand_unchanged(saved(PLAN), without(PLAN, "job-0"), nothing)
    with pytest.raises(Refused, match=r"job-0, job-1, job-2, job-3, job-4 and 3 more moved"):
        demand_unchanged(saved(PLAN), replace(PLAN, changes=()), nothing)
    more = replace(CHANGED, changes=(*CHANGED.changes, Change(action="create", kind="channel", key="c", name="c")))
    with pytest.raises(Refused, match="stale plan: channel c moved"):
        demand_unchanged(saved(), more, nothing)


@pytest.mark.parametrize(
    "moved",
    [{"etag": '"9"'}, {"remote_id": "another"}, {"before": {"a": 1}}, {"after": {"a": True}}, {"action": "move"}],
)
def test_each_change_must_be_the_one_planned(moved: dict[str, Any]) -> None:
    """The same definition at another revision is another change; so is a job made anew under the same key."""
    first = next(change for change in CHANGED.changes if change.key == "edit")
    others = [change for change in CHANGED.changes if change.key != "edit"]
    with pytest.raises(Refused, match="stale plan: edit moved"):
        demand_unchanged(saved(), replace(CHANGED, changes=(replace(first, **moved), *others)), nothing)


def test_true_is_not_one() -> None:
    one = replace(CHANGED, changes=(Change(action="create", key="a", name="a", after={"x": 1}),))
    true = replace(CHANGED, changes=(Change(action="create", key="a", name="a", after={"x": True}),))
    with pytest.raises(Refused, match="stale plan: a moved"):
        demand_unchanged(saved(one), true, nothing)


def test_a_plan_for_somewhere_or_somebody_else() -> None:
    with pytest.raises(Refused, match="this plan is for t, not for elsewhere"):
        demand_unchanged(saved(PLAN), replace(PLAN, target="elsewhere"), nothing)
    with pytest.raises(Refused, match="this plan is for what m manages, not for what others does"):
        demand_unchanged(saved(PLAN), replace(PLAN, managed_by="others"), nothing)


@pytest.mark.parametrize("done", [["fresh"], ["edit"], ["gone"], ["fresh", "edit", "gone"]])
def test_what_was_done_already_is_no_change_any_more(done: list[str]) -> None:
    """An apply that failed half-way is finished with the plan that was reviewed."""
    demand_unchanged(saved(), without(CHANGED, *done), wanted)


def test_what_is_left_alone_for_another_reason_is_stale() -> None:
    with pytest.raises(Refused, match="stale plan: edit moved"):  # git went back to what the target has
        demand_unchanged(saved(), without(CHANGED, "edit"), lambda: wanted([definition("edit"), *NOW[1:]]))
    with pytest.raises(Refused, match="stale plan: fresh moved"):  # its file is gone again
        demand_unchanged(saved(), without(CHANGED, "fresh"), lambda: wanted(NOW[:2]))
    with pytest.raises(Refused, match="stale plan: gone moved"):  # its file is back
        demand_unchanged(saved(), without(CHANGED, "gone"), lambda: wanted([*NOW, definition("gone")]))
    refused = replace(CHANGED, changes=(Change(action="refused", key="keep", name="n", after={}),))
    with pytest.raises(Refused, match="stale plan: keep moved"):  # adopted meanwhile, by whomever
        demand_unchanged(saved(refused), replace(CHANGED, changes=()), lambda: {("job", "keep"): {}})


@pytest.mark.parametrize("value", [{}, [], None, "x", {"formatVersion": "2"}, {"changes": [], "formatVersion": "1"}])
def test_what_is_no_plan_file_is_refused(value: object) -> None:
    with pytest.raises(Refused, match="f is not a plan file"):
        check_saved(value, "f")


@pytest.mark.parametrize("version", ["2", None, 1])
def test_another_versions_plan_file_is_refused(version: object) -> None:
    with pytest.raises(Refused, match=f"a plan of format '{version}', and this version .* reads '1'\n  plan again"):
        check_saved({**saved(), "formatVersion": version}, "f")


def test_a_plan_without_its_options_is_no_plan_file() -> None:
    found = saved(PLAN)
    del found["options"]
    with pytest.raises(Refused, match=r"f is not a plan file\n"):
        check_saved(found, "f")


def test_an_edited_plan_file_is_refused() -> None:
    found = saved()
    found["changes"][0]["after"] = {"name": "what nobody reviewed"}
    with pytest.raises(Refused, match="f was changed after it was written"):
        check_saved(found, "f")


@pytest.mark.parametrize(
    "edit",
    [
        lambda found: found["options"].update(select=["edit"]),
        lambda found: found["options"].update(prune=False),
        lambda found: found["changes"][0].update(name="another"),
        lambda found: next(c for c in found["changes"] if c["fields"])["fields"].clear(),
        lambda found: found.pop("seal"),
        lambda found: found["changes"].append(found["changes"][0]),
    ],
)
def test_what_people_read_and_what_makes_the_plan_again_is_sealed(edit: Any) -> None:
    found = saved()
    edit(found)
    with pytest.raises(Refused, match="was changed after it was written"):
        check_saved(found, "f")


def test_a_name_that_moved_is_another_plan() -> None:
    found = saved()
    found["changes"][0]["name"] = "another"
    with pytest.raises(Refused, match="stale plan"):
        demand_unchanged(found, CHANGED, nothing)
