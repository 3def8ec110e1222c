"""The wire form: every field of the schema but three, round trips, one text per value."""

import dataclasses
import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interact_gitops.jobs.durations import parse_duration
from interact_gitops.jobs.model import FanOut, Job, Notification, Prompt, Retries
from interact_gitops.jobs.wire import FIELDS, canonical_json, definition_hash, job_from_wire, job_to_wire, wire_pointer
from interact_gitops.schedule import Schedule
from interact_gitops.shapes import schema

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
SCALAR = st.one_of(
    TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
COMBINATIONS = st.lists(st.dictionaries(TEXT, SCALAR, max_size=2), max_size=2).map(tuple)
SECONDS = st.integers(0, 10**6)
DAYS = st.none() | st.dates()
JOBS = st.builds(
    Job,
    key=TEXT, name=TEXT, agent=TEXT, description=st.none() | TEXT, owner=st.none() | TEXT,
    prompts=st.lists(st.builds(Prompt, text=TEXT, query=st.none() | TEXT), min_size=1, max_size=2).map(tuple),
    parameters=st.dictionaries(TEXT, st.fixed_dictionaries({"type": TEXT}, optional={"default": SCALAR}), max_size=2),
    fan_out=st.none() | st.builds(
        FanOut, matrix=st.none() | st.dictionaries(TEXT, st.lists(SCALAR, max_size=2).map(tuple), max_size=2),
        exclude=COMBINATIONS, include=COMBINATIONS, combinations=st.none() | COMBINATIONS,
        max_parallel=st.integers(1, 100),
    ),
    schedule=st.none() | st.builds(
        Schedule, cron=TEXT, timezone=TEXT, calendar=st.none() | TEXT,
        catch_up=st.sampled_from(["skip", "latest", "all"]),
        start_deadline=SECONDS, jitter=SECONDS, not_before=DAYS, not_after=DAYS,
    ),
    overlap=st.sampled_from(["skip", "queue_one", "allow"]), pause_after_failures=SECONDS,
    timeout=SECONDS, grace=SECONDS,
    retries=st.none() | st.builds(Retries, max_attempts=st.integers(1, 10), backoff=SECONDS),
    notifications=st.lists(
        st.builds(Notification, channel=TEXT, topics=st.lists(TEXT, max_size=3).map(tuple),
                  after_failures=st.integers(1, 3), on_recovery=st.booleans()), max_size=2
    ).map(tuple),
    enabled=st.booleans(), labels=st.dictionaries(TEXT, TEXT, max_size=2), protect=st.booleans(),
    ignore_changes=st.lists(TEXT, max_size=2).map(tuple),
)  # fmt: skip
NOT_SENT = {"id", "agent_id", "moved_from"}


@settings(max_examples=100, deadline=None)
@given(JOBS)
def test_round_trips(job):
    wire = job_to_wire(job)
    assert job_from_wire(json.loads(json.dumps(wire))) == job
    assert job_to_wire(job_from_wire(wire)) == wire
    assert definition_hash(wire) == definition_hash({**wire, "commit": "abc", "id": "job_1"})
    assert definition_hash(wire) != definition_hash({**wire, "name": job.name + "!"})


def test_the_fields_are_the_schemas():
    properties = schema("job.schema.json")["properties"]
    assert set(FIELDS) == set(properties) - NOT_SENT - {"prompt"}
    ignorable = properties["ignore_changes"]["items"]["enum"]
    assert set(ignorable) == set(FIELDS) - {"key", "protect", "ignore_changes"}
    assert list(job_to_wire(Job(key="", name="", agent="", prompts=(), parameters={}, labels={}))) == list(
        FIELDS.values()
    )


def test_a_thin_body_takes_the_definitions_defaults():
    job = job_from_wire(
        {"key": "k", "name": "n", "agent": {"slug": "a", "id": "x"}, "prompts": [{"text": "t"}], "z": 1}
    )
    assert job == Job(key="k", name="n", agent="a", prompts=(Prompt(text="t"),), parameters={}, labels={})
    body = {**job_to_wire(job), "retries": {"maxAttempts": 2}, "notifications": [{"channel": "c"}],
            "schedule": {"cron": "x"},
            "fanOut": {"matrix": {"a": [1]}}}  # fmt: skip
    job = job_from_wire(body)
    assert job.retries == Retries(max_attempts=2)
    assert job.notifications == (Notification(channel="c"),)
    assert job.schedule == Schedule(cron="x")
    assert job.fan_out == FanOut(matrix={"a": (1,)})


def default_of(path):
    rule = schema("job.schema.json")
    for part in path:
        rule = rule["properties"][part] if part != "[]" else rule["items"]
    return rule["default"]


@pytest.mark.parametrize(
    ("kind", "path", "names"),
    [
        (Job, (), ["description", "owner", "overlap", "pause_after_failures", "timeout", "grace", "retries", "schedule",
                   "fan_out", "notifications", "enabled", "protect", "ignore_changes", "moved_from", "id", "agent_id"]),
        (FanOut, ("fan_out",), ["exclude", "include", "max_parallel"]),
        (Retries, ("retries",), ["backoff"]),
        (Notification, ("notifications", "[]"), ["topics", "after_failures", "on_recovery"]),
        (Prompt, ("prompts", "[]"), ["query"]),
        (Schedule, ("schedule",), ["timezone", "calendar",  "catch_up",
                                    "start_deadline", "jitter", "not_before", "not_after"]),
    ],
)  # fmt: skip
def test_the_models_defaults_are_the_schemas(kind, path, names):
    fields = {field.name: field.default for field in dataclasses.fields(kind)}
    have_default = {name for name, default in fields.items() if default is not dataclasses.MISSING}
    assert have_default - {"matrix", "combinations"} == set(names)
    for name in names:
        written = default_of((*path, name)) if name not in {"id", "agent_id"} else None
        if isinstance(fields[name], int) and isinstance(written, str):
            written = parse_duration(written)
        assert fields[name] == (tuple(written) if isinstance(written, list) else written), name


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ((), ""),
        (("fan_out", "max_parallel"), "/fanOut/maxParallel"),
        (("agent",), "/agent/slug"),
        (("schedule", "start_deadline"), "/schedule/startDeadlineSeconds"),
        (("labels", "jitter"), "/labels/jitter"),
        (("parameters", "a/b~c", "default"), "/parameters/a~1b~0c/default"),
        (("prompts", 0, "text"), "/prompts/0/text"),
        (("timeout",), "/timeoutSeconds"),
        (("notifications", 0, "after_failures"), "/notifications/0/afterFailures"),
        (("unknown",), "/unknown"),
    ],
)
def test_a_pointer_names_the_place_in_the_body(path, pointer):
    assert wire_pointer(path) == pointer


def test_a_job_that_says_nothing_of_failures_in_a_row_keeps_its_hash():
    quiet, loud = Notification(channel="c"), Notification(channel="c", after_failures=3, on_recovery=True)
    job = Job(key="k", name="n", agent="a", prompts=(), parameters={}, labels={}, notifications=(quiet,))
    assert job_to_wire(job)["notifications"] == [{"channel": "c", "topics": ["failed_run", "anomaly"]}]
    assert job_to_wire(dataclasses.replace(job, notifications=(loud,)))["notifications"] == [
        {"channel": "c", "topics": ["failed_run", "anomaly"], "afterFailures": 3, "onRecovery": True}
    ]


def test_canonical_json_keeps_numbers_apart():
    assert canonical_json({"b": 2.0, "a": [2, "é", True, None]}) == '{"a":[2,"é",true,null],"b":2.0}'
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(float("nan"))


def test_dates_are_written_as_iso():
    job = Job(key="k", name="n", agent="a", prompts=(), parameters={}, labels={},
              schedule=Schedule(cron="@daily", not_before=date(2026, 1, 1)))  # fmt: skip
    assert job_to_wire(job)["schedule"]["notBefore"] == "2026-01-01"
