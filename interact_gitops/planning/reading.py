"""A plan read back from its JSON, to be shown elsewhere than where it was made. Pure.

What reads it may not trust what wrote it: its shape is checked here, down to the fields of each definition, and
everything in it is shown as text only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interact_gitops.errors import Refused
from interact_gitops.jobs.channels import CHANNEL_FIELDS, channel_hash
from interact_gitops.jobs.faults import shape_faults
from interact_gitops.jobs.wire import FIELDS, canonical_json
from interact_gitops.planning.plan import Change, FieldChange, Plan
from interact_gitops.planning.remote import wire_of
from interact_gitops.shapes import shape

_JOB_FIELDS = frozenset(FIELDS.values())


def plan_from_json(value: object, *, what: str, between: bool = False) -> Plan:
    """The plan in a document of `plan --format json`; `what` names it, `between` says that it is of two trees.

    How many jobs there are in all is not in such a document, and 0 here: guards need a plan that was made. Raises
    Refused for what is no plan.
    """
    faults = shape_faults(shape("plan.schema.json"), value)
    if faults or not isinstance(value, Mapping):
        raise _no_plan(what, faults[0].message)
    for number, change in enumerate(value["changes"], 1):
        try:
            _check(change)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_plan(what, f"change {number} is not one that a plan has") from error
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


def _no_plan(what: str, why: str) -> Refused:
    return Refused(f"{what} is no plan: {why}", remedy="see `interact-gitops plan --format json`")


def _check(change: Mapping[str, Any]) -> None:
    """Raise ValueError, KeyError, TypeError or AttributeError unless its definitions, and each of its fields, are such
    as a plan has: whoever renders them relies on it."""
    canonical_json(change)  # raises ValueError for infinity
    wires = [wire for wire in (change["before"], change["after"]) if wire is not None]
    if change["action"] != "refused" and not wires:
        raise ValueError("no definition")
    if change["kind"] == "channel":
        for wire in wires:
            _check_channel(wire)
        if not {field["field"] for field in change["fields"]} <= set(CHANNEL_FIELDS):
            raise ValueError("a field that no channel has")
        return
    for wire in wires:
        wire_of(wire)
        for field in change["fields"]:
            if field["field"] in _JOB_FIELDS:
                wire_of({**wire, field["field"]: field["before"]})
                wire_of({**wire, field["field"]: field["after"]})


def _check_channel(wire: Mapping[str, Any]) -> None:
    channel_hash(wire)
    texts = [wire["name"], wire["type"], wire["level"], *wire["topics"], *wire["to"]]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a channel's fields are texts")


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
