"""A plan read back from its JSON, to be shown elsewhere than where it was made. Pure.

What reads it may not trust what wrote it: its shape is checked here, and everything in it is shown as text only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interact_gitops.errors import Refused
from interact_gitops.jobs.faults import shape_faults
from interact_gitops.planning.plan import Change, FieldChange, Plan
from interact_gitops.shapes import shape


def plan_from_json(value: object, *, what: str, between: bool = False) -> Plan:
    """The plan in a document of `plan --format json`; `what` names it, `between` says that it is of two trees.

    How many jobs there are in all is not in such a document, and 0 here: guards need a plan that was made. Raises
    Refused for what is no plan.
    """
    faults = shape_faults(shape("plan.schema.json"), value)
    if faults or not isinstance(value, Mapping):
        raise Refused(f"{what} is no plan: {faults[0].message}", remedy="see `interact-gitops plan --format json`")
    counts = value["counts"]
    return Plan(
        target=value["target"],
        managed_by=value["managedBy"],
        changes=tuple(_change(change) for change in value["changes"]),
        unchanged=counts["unchanged"],
        managed=0,
        unmanaged=counts["unmanaged"],
        definitions=0,
        prune=value["prune"],
        notes=tuple(value["notes"]),
        between=between,
    )


def _change(change: Mapping[str, Any]) -> Change:
    return Change(
        action=change["action"],
        kind=change["kind"],
        key=change["key"],
        name=change["name"],
        path=change["path"],
        line=change["line"],
        remote_id=change["id"],
        etag=change["etag"],
        before=change["before"],
        after=change["after"],
        fields=tuple(FieldChange(field=f["field"], before=f["before"], after=f["after"]) for f in change["fields"]),
        notes=tuple(change["notes"]),
        reason=change["reason"],
        remedy=change["remedy"],
    )
