"""A plan read back from its JSON is the plan; anything else is one line."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interact_gitops.errors import Refused
from interact_gitops.jobs.model import FanOut, Notification, Retries
from interact_gitops.jobs.wire import job_to_wire
from interact_gitops.planning.plan import Change, FieldChange, Plan
from interact_gitops.planning.reading import plan_from_json
from interact_gitops.planning.rendering.json import plan_to_json
from interact_gitops.planning.rendering.markdown import render_markdown
from interact_gitops.planning.saved import demand_approved
from interact_gitops.schedule import Schedule

from .conftest import NOW, definition

WIRE = job_to_wire(definition(
    "weekly", name="Weekly", schedule=Schedule(cron="0 8 * * 1", timezone="Europe/Amsterdam"),
    fan_out=FanOut(matrix={"market": ("NL", "DE")}), parameters={"market": {"type": "string", "default": "NL"}},
    retries=Retries(max_attempts=2, backoff=60), notifications=(Notification(channel="s"),),
).job)  # fmt: skip
OLD = {**WIRE, "name": "Old", "schedule": None, "fanOut": None, "agent": {"slug": "other"},
       "prompts": [{"text": "Old?", "query": None}]}  # fmt: skip
CHANGE = Change(
    action="update", key="weekly", name="Weekly", path="jobs.d/weekly.yaml", line=3, remote_id="job_1", etag='"1"',
    before=OLD, after=WIRE, notes=("a note",),
    fields=(*(FieldChange(field=name, before=OLD[name], after=WIRE[name])
              for name in ("name", "agent", "prompts", "fanOut", "schedule")),
            FieldChange(field="scheduleEnabled", before=False, after=True)),
)  # fmt: skip
CHANNEL = {"name": "s", "type": "slack", "level": "info", "topics": ["anomaly"], "to": [], "urlFingerprint": "f",
           "secretFingerprint": None}  # fmt: skip
CHANNEL_CHANGE = Change(
    action="update", kind="channel", key="s", name="s", path="interact-gitops.yaml", line=1,
    remote_id="chn_1", before={**CHANNEL, "level": "error"}, after=CHANNEL,
    fields=(FieldChange(field="level", before="error", after="info"),),
)  # fmt: skip
NEW = Change(action="create", key="new", name="New", path="jobs.d/new.yaml", line=1, after={**WIRE, "key": "new"})


def plan(*changes: Change) -> Plan:
    return Plan(target="https://x acme", managed_by="acme/jobs", changes=changes, unchanged=4, managed=0, unmanaged=2,
                definitions=0, prune=True, notes=("said",))  # fmt: skip


@pytest.mark.parametrize("changes", [(), (CHANGE,), (CHANGE, CHANNEL_CHANGE, NEW)])
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


DOCUMENT = json.loads(json.dumps(plan_to_json(plan(CHANGE, CHANNEL_CHANGE, NEW))))


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a document something could stand instead."""
    yield here
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(part, (*here, name))


def with_part(place: tuple[Any, ...], value: Any) -> Any:
    """The document with something else at a place."""
    if not place:
        return value
    document = copy.deepcopy(DOCUMENT)
    part = document
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    return document


ODD = [None, [], {}, [1], {"slug": 5}, 5, -1, 1e308, float("inf"), True, "", "x", "\ud800", "9999-12-31", "0 0 30 2 *",
       "../x", {"cron": 5}, [{"text": 5, "query": None}], {"matrix": {}}, 10**30]  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(places(DOCUMENT), key=repr)), st.sampled_from(ODD))
def test_whatever_stands_in_it_is_shown_or_refused(place: tuple[Any, ...], value: Any) -> None:
    try:
        made = plan_from_json(with_part(place, value), what="it")
    except Refused as refused:
        assert "\n" not in refused.message  # noqa: PT017  # both ends are right
        return
    assert render_markdown(made, now=NOW, full=True)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("changes", 2, "after"), {}), (("changes", 2, "after"), None), (("changes", 2, "after", "schedule"), [1]),
        (("changes", 2, "after", "schedule", "cron"), 5), (("changes", 0, "fields", 2, "before"), [1]),
        (("changes", 2, "after", "timeoutSeconds"), float("inf")), (("changes", 1, "fields", 0, "field"), "agent"),
        (("changes", 1, "after", "to"), [5]), (("changes", 1, "after", "topics"), [1]),
    ],
)  # fmt: skip
def test_a_definition_that_is_none_is_refused(place: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(Refused, match=f"it is no plan: change {place[1] + 1} is not one that a plan has"):
        plan_from_json(with_part(place, value), what="it")


def test_the_plan_that_was_approved() -> None:
    saved = {"digest": "a" * 64}
    demand_approved(saved, None)
    demand_approved(None, None)
    demand_approved(saved, "a" * 64)
    with pytest.raises(Refused, match="the plan file has the digest aaaaaaaaaaaa…, and bbbbbbbbbbbb… was approved"):
        demand_approved(saved, "b" * 64)
    with pytest.raises(Refused, match="no plan file"):
        demand_approved(None, "a" * 64)
