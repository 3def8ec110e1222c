"""A plan read back from its JSON is the plan; anything else is one line."""

from __future__ import annotations

import json

import pytest

from interact_gitops.errors import Refused
from interact_gitops.planning.plan import Change, FieldChange, Plan
from interact_gitops.planning.reading import plan_from_json
from interact_gitops.planning.rendering.json import plan_to_json
from interact_gitops.planning.saved import demand_approved

CHANGE = Change(
    action="update", key="weekly", name="Weekly", path="jobs.d/weekly.yaml", line=3, remote_id="job_1", etag='"1"',
    before={"name": "Old"}, after={"name": "Weekly"}, notes=("a note",),
    fields=(FieldChange(field="name", before="Old", after="Weekly"),),
)  # fmt: skip


def plan(*changes: Change) -> Plan:
    return Plan(target="https://x acme", managed_by="acme/jobs", changes=changes, unchanged=4, managed=0, unmanaged=2,
                definitions=0, prune=True, notes=("said",))  # fmt: skip


@pytest.mark.parametrize("changes", [(), (CHANGE,)])
def test_what_was_written_is_read(changes: tuple[Change, ...]) -> None:
    made = plan(*changes)
    again = plan_from_json(json.loads(json.dumps(plan_to_json(made))), what="it")
    assert plan_to_json(again) == plan_to_json(made)
    assert again.digest == made.digest
    assert plan_from_json(plan_to_json(made), what="it", between=True).between


@pytest.mark.parametrize("value", [None, [], {}, "x", {"changes": []}, {"\ud800": 1}])
def test_anything_else_is_one_line(value: object) -> None:
    with pytest.raises(Refused, match="it is no plan: ") as caught:
        plan_from_json(value, what="it")
    assert "\n" not in caught.value.message


def test_the_plan_that_was_approved() -> None:
    saved = {"digest": "a" * 64}
    demand_approved(saved, None)
    demand_approved(None, None)
    demand_approved(saved, "a" * 64)
    with pytest.raises(Refused, match="the plan file has the digest aaaaaaaaaaaa…, and bbbbbbbbbbbb… was approved"):
        demand_approved(saved, "b" * 64)
    with pytest.raises(Refused, match="no plan file"):
        demand_approved(None, "a" * 64)
