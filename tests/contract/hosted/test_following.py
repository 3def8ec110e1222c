"""Runs followed through the list of chats, until they end or nobody waits any longer."""

from __future__ import annotations

import itertools

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import Forbidden, TargetFailure
from interact_gitops.interact.following import SILENCE_SECONDS, UNKNOWN_SECONDS, follow
from interact_gitops.interact.records import ChatSummary

from ..client.scripted import CARRIED_OUT, Scripted, Trouble
from .conftest import Clock
from .interact import Hosted

There = tuple[Scripted, Hosted]


def watch(client: Client, clock: Clock, chat_id: str, seconds: float = 1_800) -> tuple[ChatSummary | None, list[str]]:
    heard: list[str] = []
    ends = follow(
        client,
        "job_1",
        [chat_id],
        lambda chat: heard.append(chat.status),
        seconds=seconds,
        sleep=clock.sleep,
        clock=clock,
    )
    return ends.get(chat_id), heard


def begin(client: Client, hosted: Hosted, *statuses: str) -> str:
    hosted.statuses = statuses
    hosted.job("job_1", "Weekly")
    return client.trigger("job_1").chats[0].id


@pytest.mark.parametrize(
    ("last", "state"),
    [("completed", "succeeded"), ("SUCCESS", "succeeded"), ("errored", "failed"), ("stopped", "cancelled")],
)
def test_to_the_end(there: There, client: Client, clock: Clock, last: str, state: str) -> None:
    chat_id = begin(client, there[1], "queued", "running", "running", last)
    end, heard = watch(client, clock, chat_id)
    assert end is not None
    assert end.state == state
    assert heard == ["queued", "running", last]


def test_no_longer_than_asked(there: There, client: Client, clock: Clock) -> None:
    chat_id = begin(client, there[1], "running")
    end, _ = watch(client, clock, chat_id, seconds=30)
    assert end is not None
    assert end.state == "active"
    assert sum(clock.slept) == pytest.approx(30)
    assert max(clock.slept) <= 5


def test_a_status_that_is_not_known_is_no_success(there: There, client: Client, clock: Clock) -> None:
    chat_id = begin(client, there[1], "running", "pondering")
    end, heard = watch(client, clock, chat_id)
    assert end is not None
    assert end.state == "unknown"
    assert heard == ["running", "pondering"]
    assert UNKNOWN_SECONDS <= sum(clock.slept) < UNKNOWN_SECONDS + 10


def test_a_status_that_is_not_known_may_go_on(there: There, client: Client, clock: Clock) -> None:
    chat_id = begin(client, there[1], "warming-up", "warming-up", "thinking", "completed")
    end, heard = watch(client, clock, chat_id)
    assert end is not None
    assert end.state == "succeeded"
    assert heard == ["warming-up", "thinking", "completed"]


def test_a_chat_that_the_list_has_not_is_asked_itself(there: There, client: Client, clock: Clock) -> None:
    server, hosted = there
    chat_id = begin(client, hosted, "completed")
    hosted.listing_lag = 1e9
    end, _ = watch(client, clock, chat_id)
    assert end is not None
    assert end.state == "succeeded"
    assert server.requests[-1].path == f"/api/agents/chats/{chat_id}"
    hosted.chats.clear()
    assert watch(client, clock, chat_id, seconds=3) == (None, [])


@pytest.mark.parametrize("trouble", CARRIED_OUT)
def test_a_list_that_fails_once_in_each_way(there: There, client: Client, clock: Clock, trouble: Trouble) -> None:
    server, hosted = there
    server.slow_seconds = 1.0
    chat_id = begin(client, hosted, "running", "running", "completed")
    numbers = itertools.count()
    server.trouble = lambda _request, _number: trouble if next(numbers) == 1 else None
    end, _ = watch(client, clock, chat_id)
    assert end is not None
    assert end.state == "succeeded"
    assert len(hosted.started()) == 1


def test_a_silent_target_is_given_up_and_a_refusal_at_once(there: There, client: Client, clock: Clock) -> None:
    server, hosted = there
    chat_id = begin(client, hosted, "running")
    server.trouble = lambda _request, _number: "500 before"
    with pytest.raises(TargetFailure, match="500"):
        watch(client, clock, chat_id)
    assert sum(clock.slept) > SILENCE_SECONDS
    server.trouble = lambda _request, _number: None
    hosted.permissions = frozenset({"agent_jobs_trigger"})
    clock.slept.clear()
    with pytest.raises(Forbidden):
        watch(client, clock, chat_id)
    assert clock.slept == []
