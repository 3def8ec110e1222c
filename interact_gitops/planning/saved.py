"""A plan kept in a file, and whether it still is the plan. Pure; the command line reads and writes the file.

What is applied is always a plan made now. A saved one only says what was reviewed: it must be the same in
every change, or nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interact_gitops.errors import Refused
from interact_gitops.jobs.faults import shape_faults
from interact_gitops.planning.plan import Plan
from interact_gitops.planning.rendering.json import plan_to_json
from interact_gitops.shapes import shape

_SHOWN = 5


def save_plan(plan: Plan, *, select: Sequence[str], adopt: Sequence[str]) -> dict[str, Any]:
    """The plan as a file holds it: its JSON, and the options that make it again."""
    return {**plan_to_json(plan), "options": {"select": list(select), "adopt": list(adopt), "prune": plan.prune}}


def check_saved(saved: object, name: str) -> Mapping[str, Any]:
    """A plan file's value. Raises Refused when it is not one."""
    faults = shape_faults(shape("plan.schema.json"), saved)
    if not faults and isinstance(saved, dict) and "options" in saved:
        return saved
    why = f": {faults[0].message}" if faults else ""
    raise Refused(f"{name} is not a plan file{why}", remedy="write one with `interact-gitops plan --out FILE`")


def demand_unchanged(saved: Mapping[str, Any], plan: Plan) -> None:
    """Raise Refused when the plan made now is not the saved one; names the jobs that moved."""
    if saved["digest"] == plan.digest:
        return
    if saved["target"] != plan.target:
        raise Refused(f"this plan is for {saved['target']}, not for {plan.target}", remedy="choose its target")
    now = {(change["kind"], change["key"]): change for change in plan_to_json(plan)["changes"]}
    then = {(change["kind"], change["key"]): change for change in saved["changes"]}
    found = sorted(place for place in {*now, *then} if _core(now.get(place)) != _core(then.get(place)))
    moved = [key if kind == "job" else f"{kind} {key}" for kind, key in found]
    shown = ", ".join(moved[:_SHOWN]) + (f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else "")
    raise Refused(
        f"stale plan: {shown} moved since it was made; nothing was done", remedy="plan again, and have it read"
    )


def _core(change: Mapping[str, Any] | None) -> Any:
    return None if change is None else (change["action"], change["before"], change["after"])
