"""Plan files: the same plan passes, anything else names what moved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interact_gitops.errors import Refused
from interact_gitops.planning.plan import Change, Plan
from interact_gitops.planning.saved import check_saved, demand_unchanged, save_plan

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


def test_a_saved_plan_is_itself() -> None:
    saved = save_plan(PLAN, select=["a"], adopt=[])
    assert check_saved(saved, "f") == saved
    assert saved["options"] == {"select": ["a"], "adopt": [], "prune": True}
    demand_unchanged(saved, PLAN)


def test_what_moved_is_named() -> None:
    saved = save_plan(PLAN, select=[], adopt=[])
    with pytest.raises(Refused, match="stale plan: job-0 moved"):
        demand_unchanged(saved, replace(PLAN, changes=PLAN.changes[1:]))
    with pytest.raises(Refused, match=r"job-0, job-1, job-2, job-3, job-4 and 3 more moved"):
        demand_unchanged(saved, replace(PLAN, changes=()))
    with pytest.raises(Refused, match="this plan is for t, not for elsewhere"):
        demand_unchanged(saved, replace(PLAN, target="elsewhere"))


@pytest.mark.parametrize("value", [{}, [], None, "x", {"formatVersion": "2"}])
def test_what_is_no_plan_file_is_refused(value: object) -> None:
    with pytest.raises(Refused, match="f is not a plan file"):
        check_saved(value, "f")


def test_a_plan_without_its_options_is_no_plan_file() -> None:
    saved = save_plan(PLAN, select=[], adopt=[])
    del saved["options"]
    with pytest.raises(Refused, match=r"f is not a plan file\n"):
        check_saved(saved, "f")
