"""Guards: what they count, how they round, and what they say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import Failure, GuardHeld
from interact_gitops.planning.guards import Guards, allowed, check_guards
from interact_gitops.planning.plan import Change

from .conftest import definition, plan, remote

TEN = [definition(f"job-{i}") for i in range(10)]
THERE = [remote(one) for one in TEN]


@pytest.mark.parametrize(
    ("limit", "managed", "most"),
    [
        ("10%", 10, 1), ("10%", 11, 2), ("10%", 15, 2), ("10%", 20, 2), ("10%", 21, 3), ("10%", 1, 1), ("10%", 0, 1),
        ("1%", 3, 1), ("99%", 3, 3), ("100%", 7, 7), ("0%", 100, 0), ("00%", 100, 0),
        (" 5 ", 100, 5), (5, 1, 5), ("0", 9, 0),
    ],
)  # fmt: skip
def test_limits(limit: str | int, managed: int, most: int) -> None:
    assert allowed(limit, managed, name="x") == most


@pytest.mark.parametrize(
    "limit", ["", "%", "101%", "1000%", "-1", -1, "1.5", "1.5%", "٣", "٣%", "ten", "5 %", "9" * 10, "5\n%", True]
)
def test_limits_that_are_none(limit: Any) -> None:
    with pytest.raises(Failure, match=r"guards\.max_deletes: .* is not a limit") as caught:
        check_guards(plan(TEN, THERE), Guards(max_deletes=limit))
    assert not isinstance(caught.value, GuardHeld)


@given(st.integers(0, 100), st.integers(0, 10_000))
def test_a_share_is_rounded_up(percent: int, managed: int) -> None:
    most = allowed(f"{percent}%", managed, name="x")
    assert most == 0 if percent == 0 else most == max(1, -(-percent * managed // 100))


def test_one_delete_of_ten_passes_two_do_not() -> None:
    check_guards(plan(TEN[1:], THERE), Guards())
    with pytest.raises(GuardHeld) as held:
        check_guards(plan(TEN[2:], THERE), Guards())
    assert held.value.message == (
        "this would delete 2 of the 10 jobs managed from here; the limit is 1 (guards.max_deletes: 10%)"
    )
    assert held.value.remedy == "check the plan; pass --allow-deletes 2 to go on this once"
    check_guards(plan(TEN[2:], THERE), Guards(), allow_deletes="2")
    check_guards(plan(TEN[2:], THERE), Guards(), allow_deletes="20%")
    with pytest.raises(GuardHeld, match=r"--allow-deletes: 1\)"):
        check_guards(plan(TEN[2:], THERE), Guards(), allow_deletes="1")
    with pytest.raises(Failure, match="--allow-deletes: 'x' is not a limit"):
        check_guards(plan(TEN[2:], THERE), Guards(), allow_deletes="x")


def test_changes_count_updates_and_moves_and_never_creates() -> None:
    changed = [definition(one.job.key, description="new") for one in TEN[:5]]
    moved = [definition("moved", moved_from=("job-5",))]
    created = [definition(f"new-{i}") for i in range(50)]
    check_guards(plan([*changed, *TEN[5:], *created], THERE), Guards())
    with pytest.raises(GuardHeld, match=r"change 6 of the 10 .* the limit is 5 \(guards.max_changes: 50%\)") as held:
        check_guards(plan([*changed, *moved, *TEN[6:]], THERE), Guards())
    assert "--allow-changes 6" in str(held.value)
    check_guards(plan([*changed, *moved, *TEN[6:]], THERE), Guards(), allow_changes="6")


def test_an_empty_tree() -> None:
    with pytest.raises(GuardHeld, match="the definitions hold no job, and the target has 10") as held:
        check_guards(plan([], THERE), Guards(), allow_deletes="100%")
    assert "--allow-empty" in str(held.value)
    check_guards(plan([], THERE), Guards(), allow_deletes="100%", allow_empty=True)
    with pytest.raises(GuardHeld, match="delete 10"):
        check_guards(plan([], THERE), Guards(), allow_empty=True)
    with pytest.raises(GuardHeld) as held:  # both at once: nobody should have to ask twice
        check_guards(plan([], THERE), Guards())
    assert held.value.message == (
        "the definitions hold no job, and the target has 10 that are managed from here; "
        "this would delete 10 of the 10 jobs managed from here; the limit is 1 (guards.max_deletes: 10%)"
    )
    assert held.value.remedy == "check the folder; pass --allow-empty --allow-deletes 10 to go on this once"
    check_guards(plan([], THERE, prune=False), Guards())
    check_guards(plan([], [remote(TEN[0], managed_by=None)]), Guards())


def test_the_last_job_of_all() -> None:
    """One delete is always allowed, so that an empty tree is the only question."""
    with pytest.raises(GuardHeld) as held:
        check_guards(plan([], THERE[:1]), Guards())
    assert held.value.remedy == "check the folder; pass --allow-empty to go on this once"
    check_guards(plan([], THERE[:1]), Guards(), allow_empty=True)


def test_one_flag_serves_jobs_and_channels() -> None:
    """The largest number is the one to pass."""
    found = plan(TEN[3:], THERE)
    channels = tuple(Change(action="delete", kind="channel", key=f"c{n}", name="c") for n in range(5))
    both = replace(found, changes=(*found.changes, *channels), managed_channels=8)
    with pytest.raises(GuardHeld, match=r"delete 3 of the 10 jobs .*; this would delete 5 of the 8 channels") as held:
        check_guards(both, Guards())
    assert held.value.remedy == "check the plan; pass --allow-deletes 5 to go on this once"
    check_guards(both, Guards(), allow_deletes="5")
