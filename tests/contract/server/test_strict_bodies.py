"""Definitions are read strictly: every fault is told, with a pointer into the body."""

from __future__ import annotations

import pytest

JOBS = "/api/agents/jobs"
COMBINATIONS = {"a": {"type": "integer", "default": 1}, "b": {"type": "integer", "default": 1}}


def faults(api, **changes):
    problem = api.problem(422, "invalid", "POST", JOBS, json=api.definition(**changes))
    return {error["pointer"]: error["message"] for error in problem["errors"]}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"promt": "x"}, "/promt"),
        ({"prompt": "the file's form"}, "/prompt"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"agent": {"slug": "tester", "id": "agt_1"}}, "/agent/id"),
        ({"agent": "tester"}, "/agent"),
        ({"prompts": [{"text": "a"}, {"text": "b", "quer": "quick"}]}, "/prompts/1/quer"),
        ({"prompts": ["text"]}, "/prompts/0"),
        ({"prompts": []}, "/prompts"),
        ({"prompts": [{"text": ""}]}, "/prompts/0/text"),
        ({"prompts": [{"text": "a", "query": "Not A Name"}]}, "/prompts/0/query"),
        ({"prompts": [{"text": "x" * 50_001}]}, "/prompts/0/text"),
        ({"key": "Not A Key"}, "/key"),
        ({"key": "k\n"}, "/key"),
        ({"key": "k" * 64}, "/key"),
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"name": 5}, "/name"),
        ({"schedule": "0 8 * * 1"}, "/schedule"),
        ({"schedule": {"timezone": "UTC"}}, "/schedule"),
        ({"schedule": {"cron": "0 8 * * 1", "catch_up": "all"}}, "/schedule/catch_up"),
        ({"schedule": {"cron": "0 8 * * 1", "catchUp": "some"}}, "/schedule/catchUp"),
        ({"schedule": {"cron": "0 8 * * 1", "jitterSeconds": -1}}, "/schedule/jitterSeconds"),
        ({"schedule": {"cron": "0 8 * * 1", "jitterSeconds": "2m"}}, "/schedule/jitterSeconds"),
        ({"schedule": {"cron": "0 8 * * 1", "notBefore": "1 January"}}, "/schedule/notBefore"),
        ({"timeoutSeconds": 0}, "/timeoutSeconds"),
        ({"timeoutSeconds": 1.5}, "/timeoutSeconds"),
        ({"timeoutSeconds": 366 * 86_400 + 1}, "/timeoutSeconds"),
        ({"timeoutSeconds": True}, "/timeoutSeconds"),
        ({"timeout": "30m"}, "/timeout"),
        ({"retries": {"backoffSeconds": 5}}, "/retries"),
        ({"retries": {"maxAttempts": 11}}, "/retries/maxAttempts"),
        ({"overlap": "queue"}, "/overlap"),
        ({"enabled": "yes"}, "/enabled"),
        ({"labels": {"Team": "x"}}, "/labels/Team"),
        ({"labels": {"team": 1}}, "/labels/team"),
        ({"ignoreChanges": ["fanOut"]}, "/ignoreChanges/0"),
        ({"ignoreChanges": ["prompts", "prompts"]}, "/ignoreChanges"),
        ({"notifications": [{"channel": "c", "topics": []}]}, "/notifications/0/topics"),
        ({"notifications": [{"topics": ["anomaly"]}]}, "/notifications/0"),
        ({"parameters": {"Bad Name": {"type": "string"}}}, "/parameters/Bad Name"),
        ({"parameters": {"a": {"type": "array"}}}, "/parameters/a/type"),
        ({"parameters": {"a": {"default": 1}}}, "/parameters/a"),
        ({"fanOut": {"matrix": {"a": []}}}, "/fanOut/matrix/a"),
        ({"fanOut": {"matrix": {"a": [None]}}}, "/fanOut/matrix/a/0"),
        ({"fanOut": {"matrix": {}}}, "/fanOut/matrix"),
        ({"fanOut": {"matrix": {"1": [None]}}}, "/fanOut/matrix/1/0"),
        ({"fanOut": {"combinations": [{"007": None}]}}, "/fanOut/combinations/0/007"),
        ({"fanOut": {"max_parallel": 2}}, "/fanOut/max_parallel"),
        ({"managedBy": ""}, "/managedBy"),
        ({"appliedHash": "abc"}, "/appliedHash"),
        ({"scheduleEnabled": None}, "/scheduleEnabled"),
        ({"definitionHash": "0" * 64}, "/definitionHash"),
        ({"id": "job_1"}, "/id"),
    ],
    ids=str,
)
def test_a_fault_of_shape_is_where_it_is(api, changes, pointer):
    assert list(faults(api, **changes)) == [pointer]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"schedule": {"cron": "61 * * * *"}}, "/schedule/cron"),
        ({"schedule": {"cron": "0 0 31 2 *"}}, "/schedule/cron"),
        ({"schedule": {"cron": "@sometimes"}}, "/schedule/cron"),
        ({"schedule": {"cron": "0 8 * * 1", "timezone": "Europe/Amsterdm"}}, "/schedule/timezone"),
        ({"schedule": {"cron": "0 8 * * 1", "timezone": "../etc/passwd"}}, "/schedule/timezone"),
        ({"schedule": {"cron": "@first-weekday", "calendar": "XX"}}, "/schedule/calendar"),
        ({"schedule": {"cron": "0 8 * * 1", "notBefore": "2026-02-30"}}, "/schedule/notBefore"),
        ({"schedule": {"cron": "0 8 * * 1", "notAfter": "0000-00-00"}}, "/schedule/notAfter"),
        (
            {"schedule": {"cron": "0 8 * * 1", "notBefore": "2027-01-01", "notAfter": "2026-01-01"}},
            "/schedule/notAfter",
        ),
        ({"agent": {"slug": "no-such-agent"}}, "/agent/slug"),
        ({"prompts": [{"text": "{{ nobody }}"}]}, "/prompts/0/text"),
        ({"prompts": [{"text": "fine"}, {"text": "{{ broken"}]}, "/prompts/1/text"),
        ({"prompts": [{"text": "{{ ''.__class__ }}"}]}, "/prompts/0/text"),
        ({"parameters": {"days": {"type": "integer", "default": "seven"}}}, "/parameters/days/default"),
        ({"parameters": {"a": {"type": "string", "pattern": "("}}}, "/parameters/a/pattern"),
        ({"parameters": {"a": {"type": "string", "enum": ["x"], "default": "y"}}}, "/parameters/a/default"),
        ({"parameters": {"a": {"type": "integer", "minimum": 5, "maximum": 1, "default": 3}}}, None),
        ({"parameters": {"run": {"type": "string", "default": ""}}}, "/parameters/run"),
        ({"schedule": {"cron": "0 8 * * 1"}, "parameters": {"a": {"type": "string"}}}, "/parameters/a"),
        ({"fanOut": {"matrix": {"zz": [1]}}}, "/fanOut/matrix/zz"),
        ({"fanOut": {"matrix": {"a": [1, "x"]}}, "parameters": COMBINATIONS}, "/fanOut/matrix/a/1"),
        ({"fanOut": {"combinations": [{"a": 1}, {"a": 1}]}, "parameters": COMBINATIONS}, "/fanOut/combinations/1"),
        ({"fanOut": {"matrix": {"a": [1]}, "exclude": [{"a": 1}]}, "parameters": COMBINATIONS}, "/fanOut/exclude"),
        (
            {"fanOut": {"matrix": {"a": [1]}, "combinations": [{"a": 1}]}, "parameters": COMBINATIONS},
            "/fanOut/combinations",
        ),
        ({"fanOut": {"maxParallel": 2}}, "/fanOut"),
        ({"fanOut": {"matrix": {"a": list(range(101)), "b": list(range(101))}}, "parameters": COMBINATIONS}, "/fanOut"),
    ],
    ids=str,
)
def test_a_fault_of_meaning_is_where_it_is(api, changes, pointer):
    found = faults(api, **changes)
    if pointer is not None:
        assert list(found) == [pointer]


def test_all_faults_are_told_at_once(api):
    found = faults(api, key="NO", name="", overlap="maybe", extra=1, schedule={"cron": ""})
    assert set(found) == {"/key", "/name", "/overlap", "/extra", "/schedule/cron"}
    found = faults(api, agent={"slug": "no-such-agent"}, schedule={"cron": "61 * * * *", "timezone": "Nowhere/Land"})
    assert set(found) == {"/agent/slug", "/schedule/cron", "/schedule/timezone"}


def test_missing_fields_are_named(api):
    problem = api.problem(422, "invalid", "POST", JOBS, json={})
    assert {error["pointer"] for error in problem["errors"]} == {""}
    for name in ("key", "name", "agent", "prompts"):
        assert any(repr(name) in error["message"] for error in problem["errors"])
    api.problem(422, "invalid", "POST", JOBS)


def test_warnings_do_not_refuse(api):
    api.create(parameters={"unused": {"type": "string", "default": "x"}}, prompts=[{"text": "How are we doing?"}])


def test_replacing_is_as_strict_as_creating_and_changes_nothing(api):
    job = api.create()
    path, headers = f"{JOBS}/{job['id']}", {"If-Match": job["etag"]}
    for wrong, pointer in (({"extra": 1}, "/extra"), ({"schedule": {"cron": "61 * * * *"}}, "/schedule/cron")):
        problem = api.problem(422, "invalid", "PUT", path, json=api.definition(**wrong), headers=headers)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert api.job(job["id"]) == job


def test_a_query_that_the_agent_does_not_have_is_named(api):
    body = api.definition(prompts=[{"text": "How?"}, {"text": "And?", "query": "quik"}])
    answer = api("POST", "/api/agents/jobs", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "pointer": "/prompts/1/query",
            "message": "the agent tester has no verified query 'quik'",
            "code": "unknown-query",
            "remedy": "did you mean 'quick'?",
        }
    ]
