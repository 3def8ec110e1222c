"""A plan kept in a file, and whether it still is the plan. Pure; the command line reads and writes the file.

What is applied is always a plan made now. A saved one only says what was reviewed: each change made now must be
in it, from the same revision of the same definition to the same one, or nothing is done. A reviewed change may
be missing now only because it has been done, as after an apply that failed half-way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from interact_gitops.errors import Refused
from interact_gitops.jobs.faults import shape_faults
from interact_gitops.jobs.wire import canonical_json
from interact_gitops.planning.plan import Plan, digest
from interact_gitops.planning.rendering.json import FORMAT_VERSION, plan_to_json
from interact_gitops.shapes import shape

_SHOWN = 5
_REVIEWED = ("action", "name", "before", "after", "fields", "id", "etag")
_AGAIN = "write one with `interact-gitops plan --out FILE`"
Wanted: TypeAlias = Mapping[tuple[str, str], Mapping[str, Any]]
"""What the definitions say of each (kind, key), in the fields that a change would write."""


def save_plan(plan: Plan, *, select: Sequence[str], adopt: Sequence[str]) -> dict[str, Any]:
    """The plan as a file holds it: its JSON, and the options that make it again."""
    options = {"select": list(select), "adopt": list(adopt), "prune": plan.prune}
    whole = {**plan_to_json(plan), "options": options}
    return {**whole, "seal": _seal(whole)}


def check_saved(saved: object, name: str) -> Mapping[str, Any]:
    """A plan file's value. Raises Refused when it is not one, of another version, or edited by hand."""
    if isinstance(saved, dict) and "changes" in saved and saved.get("formatVersion") != FORMAT_VERSION:
        version = str(saved.get("formatVersion"))[:20]
        said = f"{name} is a plan of format {version!r}, and this version of interact-gitops reads {FORMAT_VERSION!r}"
        raise Refused(said, remedy="plan again, with the version that applies")
    faults = shape_faults(shape("plan.schema.json"), saved)
    if faults or not isinstance(saved, dict) or "options" not in saved:
        why = f": {faults[0].message}" if faults else ""
        raise Refused(f"{name} is not a plan file{why}", remedy=_AGAIN)
    rows = [(c["kind"], c["key"], c["action"], c["before"], c["after"]) for c in saved["changes"]]
    if digest(saved["target"], rows) != saved["digest"]:
        raise Refused(f"{name} was changed after it was written: its digest is of other changes", remedy=_AGAIN)
    twice = len({(kind, key) for kind, key, *_ in rows}) != len(rows)
    if twice or saved.get("seal") != _seal({part: value for part, value in saved.items() if part != "seal"}):
        raise Refused(f"{name} was changed after it was written: its seal is of another plan", remedy=_AGAIN)
    return saved


def _seal(whole: Mapping[str, Any]) -> str:
    """64 hex digits over everything in the file: what people read in it, and what makes the plan again."""
    return hashlib.sha256(canonical_json(whole).encode("utf-8", "surrogatepass")).hexdigest()


def demand_approved(saved: Mapping[str, Any] | None, approved: str | None) -> None:
    """Raise Refused unless the plan file is the one whose digest was `approved`; None approves what is there."""
    if approved is not None and saved is None:
        raise Refused("--approved is given, and no plan file", remedy="name the file that `plan --out` wrote")
    if approved is not None and saved is not None and saved["digest"] != approved:
        said = f"the plan file has the digest {saved['digest'][:12]}…, and {approved[:12]}… was approved"
        raise Refused(said, remedy="plan and approve again")


def demand_unchanged(saved: Mapping[str, Any], plan: Plan, wanted: Callable[[], Wanted]) -> None:
    """Raise Refused unless everything that `plan`, made now, would do is in the saved one; names what moved.

    `wanted` tells of what the plan now leaves alone whether that is because it is as the saved plan wanted it.
    """
    if saved["target"] != plan.target:
        raise Refused(f"this plan is for {saved['target']}, not for {plan.target}", remedy="choose its target")
    if saved["managedBy"] != plan.managed_by:
        said = f"this plan is for what {saved['managedBy']} manages, not for what {plan.managed_by} does"
        raise Refused(said, remedy="plan in this repository")
    now = {(change["kind"], change["key"]): change for change in plan_to_json(plan)["changes"]}
    then = {(change["kind"], change["key"]): change for change in saved["changes"]}
    moved = {place for place, change in now.items() if _core(change) != _core(then.get(place))}
    gone = then.keys() - now.keys()
    if gone:
        known = wanted()
        moved |= {place for place in gone if not _is_done(then[place], known.get(place))}
    if moved:
        names = [key if kind == "job" else f"{kind} {key}" for kind, key in sorted(moved)]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        said = f"stale plan: {', '.join(names[:_SHOWN])}{more} moved since it was made; nothing was done"
        raise Refused(said, remedy="plan again, and have it read")


def _core(change: Mapping[str, Any] | None) -> Any:
    """What must be the same: as text, in which true is not 1."""
    return change and canonical_json(
        [change[name] for name in ("action", "name", "before", "after", "fields", "id", "etag")]
    )


def _is_done(change: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> bool:
    """Whether a change that no plan has any more was carried out: the target is as the definitions want it, and
    these still want what the change wanted."""
    if change["action"] == "delete" or wanted is None:
        return change["action"] == "delete" and wanted is None
    after = change["after"] or {}
    same = all(canonical_json(after.get(name)) == canonical_json(value) for name, value in wanted.items())
    return bool(change["action"] != "refused" and same)
