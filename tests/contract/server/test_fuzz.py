"""Bodies that hypothesis makes: whatever they are, the server stores them whole or says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interact_gitops.jobs.wire import FIELDS, definition_hash
from interact_gitops.shapes import schema

SCHEMAS = schema("interact-api.openapi.json")["components"]["schemas"]
JOBS = "/api/agents/jobs"
PROFILE = settings(max_examples=150, deadline=None, derandomize=True, database=None,
                   suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # fmt: skip

WORDS = st.sampled_from(
    ["", "a", "x-1", "n", "days", "{{ n }}", "{{", "{% for %}", "{{ run.date }}", "0 8 * * 1", "@daily", "* * * * *",
     "0 0 31 2 *", "UTC", "Europe/Amsterdam", "NL", "ECB", "2026-02-30", "2026-01-01", "9999-12-31", "0001-01-01",
     "(", "(a+)+$", "^a$", "\0", "\ud800", "\U0001f97e", "' or 1=1 --", "<!channel>", "null", "NaN", "$x", "${x}",
     "integer", "string", "skip", "all", "failed_run", "0" * 64, "2026-11-23T08:00:00Z", "schedule", "a" * 300]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([0, -1, 2**53, 2**63 - 1, 2**63, -(2**70), 10**30]),
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([1.0, -0.0, 1e308, 5e-324, 1800.0]),
    st.text(max_size=20), WORDS,
)  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(sorted({n for s in SCHEMAS.values() for n in s.get("properties", ())})), WORDS, st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


def near(part: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema, and then not."""
    if "$ref" in part:
        return near(SCHEMAS[part["$ref"].rpartition("/")[2]])
    fitting = [st.sampled_from(part["examples"])] if part.get("examples") else []
    if "enum" in part:
        fitting.append(st.sampled_from(part["enum"]))
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "object" in kinds:
        named = {name: near(inner) for name, inner in part.get("properties", {}).items()}
        required = {name: named.pop(name) for name in part.get("required", ())}
        if named or required:
            fitting.append(st.fixed_dictionaries(required, optional=named))
        if isinstance(part.get("additionalProperties"), dict):
            names = st.sampled_from(["n", "days", "team", "a"]) | WORDS
            fitting.append(st.dictionaries(names, near(part["additionalProperties"]), max_size=3))
    if "array" in kinds:
        fitting.append(st.lists(near(part["items"]), max_size=3))
    if "integer" in kinds or "number" in kinds:
        fitting.append(st.integers(part.get("minimum", -5), min(part.get("maximum", 100), 10_000)))
    if "boolean" in kinds:
        fitting.append(st.booleans())
    if "null" in kinds:
        fitting.append(st.none())
    if "string" in kinds:
        fitting.append(WORDS)
    usual = st.one_of(fitting) if fitting else VALUES
    return st.integers(0, 15).flatmap(lambda dice: VALUES if dice == 0 else usual)


def raw(value: Any) -> dict[str, Any]:
    """As bytes, with surrogates escaped and NaN as Python writes it."""
    return {"content": json.dumps(value).encode(), "headers": {"Content-Type": "application/json"}}


@pytest.fixture(scope="module")
def room(found):
    return found()


@pytest.fixture(scope="module")
def target(room):
    parameters = {"n": {"type": "integer", "default": 1}, "a": {"type": "string", "default": "a", "pattern": "^(a+)+$"}}
    return room.create(parameters=parameters, overlap="allow", prompts=[{"text": "{{ n }} {{ a }}", "query": "quick"}])


def create(room, body: Any) -> None:
    answer = room("POST", JOBS, **raw(body))
    assert answer.status_code in {201, 400, 409, 422}
    if answer.status_code != 201:
        return
    job = answer.json()["job"]
    try:
        assert room.job(job["id"]) == job
        assert job["definitionHash"] == definition_hash(job)
        definition = {**{name: job[name] for name in FIELDS.values()}, "agent": {"slug": job["agent"]["slug"]}}
        again = room(
            "PUT", f"{JOBS}/{job['id']}", json={**definition, "protect": False}, headers={"If-Match": job["etag"]}
        )
        assert again.status_code == 200, "what the server gives it takes back"
        assert {**again.json()["job"], "protect": job["protect"]} | {
            name: job[name] for name in ("etag", "definitionHash", "updatedAt")
        } == job
    finally:
        etag = room.job(job["id"])["etag"]
        room("DELETE", f"{JOBS}/{job['id']}", headers={"If-Match": etag})


@PROFILE
@given(near(SCHEMAS["JobDefinition"]))
def test_definitions_that_nearly_fit(room, body):
    create(room, body)


@PROFILE
@given(st.data())
def test_good_definitions_with_one_part_replaced(room, data):
    body = json.loads(json.dumps(SCHEMAS["JobDefinition"]["examples"][0]))
    body["fanOut"] = {"matrix": {"days": [1, 2]}, "include": [{"days": 3}]}
    body["retries"] = {"maxAttempts": 2}
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        for name in part if isinstance(part, dict) else range(len(part)):
            places.append((part, name))
            if isinstance(part[name], dict | list):
                walk(part[name])

    walk(body)
    container, name = data.draw(st.sampled_from(places))
    container[name] = data.draw(VALUES)
    create(room, body)


@PROFILE
@given(near(SCHEMAS["TriggerRequest"]))
def test_triggers_that_nearly_fit(room, target, body):
    answer = room("POST", f"{JOBS}/{target['id']}/trigger", **raw(body))
    assert answer.status_code in {200, 400, 409, 422}
    if answer.status_code == 200:
        chat = room.chat(answer.json()["chat"]["id"])
        assert set(chat["parameters"]) == {"n", "a"}


@settings(PROFILE, max_examples=80)
@given(VALUES)
def test_any_json_at_all(room, target, body):
    etag = {"If-Match": target["etag"]}
    job = f"{JOBS}/{target['id']}"
    for method, path in (
        ("POST", JOBS),
        ("PUT", job),
        ("POST", f"{job}/trigger"),
        ("POST", f"{job}/resume"),
        ("POST", "/api/notifications/channels"),
    ):
        sent = raw(body)
        answer = room(method, path, content=sent["content"], headers={**sent["headers"], **etag})
        assert answer.status_code in {200, 400, 409, 422}


@PROFILE
@given(near(SCHEMAS["ChannelDefinition"]))
def test_channels_that_nearly_fit(room, body):
    answer = room("POST", "/api/notifications/channels", **raw(body))
    assert answer.status_code in {201, 400, 409, 422}
    if answer.status_code == 201:
        channel = answer.json()["channel"]
        room("DELETE", f"/api/notifications/channels/{channel['id']}", headers={"If-Match": channel["etag"]})
