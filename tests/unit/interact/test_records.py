"""Answers read as values: tolerant of what is more or unknown, strict about what we stand on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.interact.answers import LONGEST_RETRY_AFTER, excerpt, retry_after
from interact_gitops.interact.bodies import part, same_definition
from interact_gitops.interact.errors import Invalid, RunInProgress, refusal
from interact_gitops.interact.records import (
    Chat,
    Misread,
    StartedChat,
    chat_state,
    read_agent,
    read_etag,
    read_job,
    read_summary,
    read_time,
    read_triggered,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    *("id", "key", "name", "agent", "slug", "job", "chat", "chats", "chat_id", "job_id", "status", "createdAt"),
    *("parameters", "etag", "managedBy", "definitionHash", "appliedHash", "paused", "initiator", "runKey"),
]
BODIES = st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
JOB: dict[str, Any] = {"id": "job_1", "key": "a", "name": "A", "agent": {"id": "agt_1", "slug": "x"}, "prompts": []}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *((word, "active") for word in ("running", "in_progress", "pending", "queued", " Running ")),
        *((word, "succeeded") for word in ("completed", "complete", "success", "succeeded", "done", "DONE")),
        *((word, "failed") for word in ("failed", "error", "errored")),
        *((word, "cancelled") for word in ("cancelled", "canceled", "stopped")),
        *((word, "unknown") for word in ("", "okay", "successful?", None, 1, True, ["done"])),
    ],
)
def test_states(status: object, state: str) -> None:
    assert chat_state(status) == state


def test_a_job() -> None:
    found = read_job({**JOB, "etag": '"3"', "managedBy": "us", "definitionHash": "d", "paused": {"reason": ""}})
    assert (found.id, found.key, found.name, found.etag, found.managed_by) == ("job_1", "a", "A", '"3"', "us")
    assert (found.definition_hash, found.applied_hash) == ("d", None)
    assert (found.schedule_enabled, found.protect, found.paused) == (True, False, True)
    assert read_job({**JOB, "id": 7}).id == "7"
    assert read_job({name: value for name, value in JOB.items() if name != "name"}).name == ""
    assert not read_job({**JOB, "scheduleEnabled": False, "protect": True}).schedule_enabled


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"key": None}, "a job without a key"),
        ({"key": 5}, "a job without a key"),
        ({"key": ""}, "a job without a key"),
        ({"agent": None}, "the job a without an agent"),
        ({"agent": "x"}, "the job a without an agent"),
        ({"id": None}, "the job a without an id"),
        ({"id": True}, "the job a without an id"),
        ({"name": None}, "the job a whose name is not a text"),
        ({"name": ["A"]}, "the job a whose name is not a text"),
        ({"managedBy": 5}, "the job a whose managedBy is not a text"),
        ({"definitionHash": {}}, "the job a whose definitionHash is not a text"),
        ({"appliedHash": 1.5}, "the job a whose appliedHash is not a text"),
    ],
)
def test_jobs_that_are_none(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Misread, match=said):
        read_job({**JOB, **changes})


@pytest.mark.parametrize(
    ("value", "etag"),
    [('"3"', '"3"'), ('W/"3"', 'W/"3"'), ('""', '""'), ("3", None), (3, None), (None, None), ('"a\nb"', None),
     ('"é"', None), ('"3"\n', None), ('"a"b"', None)],
)  # fmt: skip
def test_etags_are_what_can_be_sent(value: object, etag: str | None) -> None:
    assert read_etag(value) == etag


def test_an_agent() -> None:
    found = read_agent({"id": "agt", "slug": "x", "name": "X", "active": False, "more": 1})
    assert (found.id, found.slug, found.name, found.active) == ("agt", "x", "X", False)
    assert read_agent({"id": "agt", "slug": "x"}).active
    for missing in ("id", "slug"):
        with pytest.raises(Misread, match="an agent without"):
            read_agent({"id": "agt", "slug": "x", missing: None})


def test_a_public_chat_and_a_full_one() -> None:
    public = read_summary(
        {"id": "c1", "status": "done", "initiator": "api", "createdAt": "2026-11-23T08:00:00Z", "job": None,
         "agent": {"id": "agt", "name": "X"}, "new": 1}
    )  # fmt: skip
    assert (public.id, public.state, public.initiator, public.agent_name) == ("c1", "succeeded", "api", "X")
    assert public.created_at == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert (public.job_id, public.job_key, public.job_name, public.run_key, public.parameters) == (None,) * 5
    assert public.raw["new"] == 1
    full = read_summary(
        {"id": 5, "job": {"id": "j", "key": "k", "name": "K"}, "parameters": {"n": 1}, "runKey": "r"}, Chat
    )
    assert isinstance(full, Chat)
    assert (full.id, full.status, full.state) == ("5", "unknown", "unknown")
    assert (full.job_id, full.job_key, full.job_name, full.parameters, full.run_key) == ("j", "k", "K", {"n": 1}, "r")


def test_chats_that_are_odd() -> None:
    odd = read_summary(
        {"id": "c", "status": None, "job": "j", "agent": [], "parameters": [], "createdAt": 5, "runKey": {}}
    )
    assert (odd.status, odd.job_id, odd.agent_name, odd.parameters, odd.created_at, odd.run_key) == (
        "unknown",
        *[None] * 5,
    )
    with pytest.raises(Misread, match="a chat without an id"):
        read_summary({"id": None})


@pytest.mark.parametrize("text", ["2026-11-23", "2026-11-23T08:00:00", "soon", "", None, 5])
def test_times_that_are_none(text: object) -> None:
    assert read_time(text) is None


@pytest.mark.parametrize(
    ("answer", "job_id", "chats"),
    [
        ({"success": True, "chat": {"id": "c"}, "job": {"id": "j"}}, "j", [StartedChat(id="c")]),
        ({"success": True, "chat_id": "c", "job_id": "j"}, "j", [StartedChat(id="c")]),
        ({"chat": {"id": "c"}}, None, [StartedChat(id="c")]),
        ({"chat": {}, "chat_id": 7, "job": None}, None, [StartedChat(id="7")]),
        ({"chat": {"id": "c"}, "chats": []}, None, [StartedChat(id="c")]),
        (
            {"chat": {"id": "c"}, "job": {"id": "j"}, "chats": [{"id": "c", "parameters": {"n": 1}}, {"id": "d"}]},
            "j",
            [StartedChat(id="c", parameters={"n": 1}), StartedChat(id="d")],
        ),
    ],
)
def test_trigger_answers(answer: dict[str, Any], job_id: str | None, chats: list[StartedChat]) -> None:
    found = read_triggered(answer)
    assert found.job_id == job_id
    assert list(found.chats) == chats


@pytest.mark.parametrize(
    "answer", [{}, {"chat": None}, {"chat": "c"}, {"chats": ["c"]}, {"chats": [{}]}, {"chat": {"id": None}}]
)
def test_trigger_answers_without_a_chat(answer: dict[str, Any]) -> None:
    with pytest.raises(Misread, match="a started chat without an id"):
        read_triggered(answer)


@given(BODIES)
def test_whatever_comes_is_read_or_misread(body: dict[str, Any]) -> None:
    for reader in (read_job, read_agent, read_summary, read_triggered):
        try:
            reader(body)
        except Misread:
            continue


@given(JSON, JSON)
def test_whatever_is_compared(one: object, other: object) -> None:
    first = {**JOB, "labels": one, "parameters": other}
    assert same_definition(first, first) in {True, False}
    assert same_definition(JOB, {}) is False


def test_same_definition_fills_defaults_and_leaves_the_rest_aside() -> None:
    assert same_definition(
        JOB, {**JOB, "labels": {}, "enabled": True, "timeoutSeconds": 1800, "managedBy": "x", "id": "y"}
    )
    assert not same_definition(JOB, {**JOB, "enabled": False})


@given(st.text(max_size=40))
def test_retry_after_is_never_a_crash(value: str) -> None:
    seconds = retry_after(value, now=0.0)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5.0), (" 5 ", 5.0), ("0", 0.0), ("9" * 400, 86_400.0),
        ("²", None), ("٣", None), ("1.5", None), (None, None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0), ("Thu, 01 Jan 1970 00:01:40 -0000", 90.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400.0), ("Fri, 31 Dec 99999 23:59:59 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=10.0) == seconds


def test_excerpts() -> None:
    assert excerpt("") == excerpt(" \n ") == ""
    assert excerpt(" a\n b ") == "'a b'"
    assert len(excerpt("x" * 10_000)) == 122


@pytest.mark.parametrize(
    ("text", "segment"), [("a/b?c", "a%2Fb%3Fc"), ("..", "%2E%2E"), (".", "%2E"), ("a.b", "a.b"), ("é", "%C3%A9")]
)
def test_path_segments(text: str, segment: str) -> None:
    assert part(text) == segment


@given(BODIES | st.dictionaries(st.sampled_from(["code", "detail", "title", "errors", "chatId", "remedy"]), JSON))
def test_whatever_a_refusal_says(problem: dict[str, Any]) -> None:
    assert len(str(refusal(422, problem, "x"))) < 30_000


def test_refusals() -> None:
    faults = [{"pointer": f"/p{i}", "message": "wrong"} for i in range(7)]
    found = refusal(
        422, {"code": "invalid", "detail": "no", "errors": [*faults, "odd"], "remedy": "mend it"}, "create job x"
    )
    assert isinstance(found, Invalid)
    assert len(found.faults) == 7
    assert found.message == (
        "create job x: no (/p0: wrong; /p1: wrong; /p2: wrong; /p3: wrong; /p4: wrong; and 2 more)"
    )
    assert found.remedy == "mend it"
    running = refusal(409, {"code": "run_in_progress", "chatId": "chat_1"}, "run job x")
    assert isinstance(running, RunInProgress)
    assert running.exit_code == 5
    assert running.chat_id == "chat_1"
    assert "chat_1" in str(running)
    without = refusal(409, {"code": "run_in_progress"}, "run job x")
    assert isinstance(without, RunInProgress)
    assert without.chat_id is None
