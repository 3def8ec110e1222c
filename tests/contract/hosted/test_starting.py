"""One trigger at most, whatever goes wrong on the way, and the run found again when its answer was lost.

Every test ends by counting the chats on the server: `run` never leaves more than one.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from interact_gitops.errors import Failure, RunSkipped
from interact_gitops.interact.client import Client
from interact_gitops.interact.errors import ApiRefusal, Forbidden, NotFound, TargetFailure, UnexpectedAnswer
from interact_gitops.interact.starting import LOOK_SECONDS, Started, StartUnknown, start_once

from ..client.scripted import CARRIED_OUT, Reply, Request, Scripted, Trouble
from .conftest import Clock
from .interact import Hosted

There = tuple[Scripted, Hosted]


def now() -> datetime:
    return datetime.now(UTC)


def start(client: Client, clock: Clock, job_id: str = "job_1") -> Started:
    return start_once(client, job_id, timeout=1_800, now=now, sleep=clock.sleep, clock=clock)


def triggers(server: Scripted) -> int:
    return sum(request.method == "POST" for request in server.requests)


def is_trigger(request: Request) -> bool:
    return request.method == "POST"


@pytest.mark.parametrize("flat", [False, True])
def test_one_trigger_without_a_body(there: There, client: Client, clock: Clock, flat: bool) -> None:
    server, hosted = there
    hosted.flat_answer = flat
    hosted.job("job_1", "Weekly")
    started = start(client, clock)
    assert [chat.id for chat in started.triggered.chats] == hosted.started()
    assert not started.adopted
    assert hosted.bodies == [b""]
    assert [(r.method, r.target) for r in server.requests] == [
        ("GET", "/api/agents/chats?jobId=job_1"), ("POST", "/api/agents/jobs/job_1/trigger"),
    ]  # fmt: skip


@pytest.mark.parametrize("trouble", CARRIED_OUT)
def test_a_trigger_that_fails_in_each_way(there: There, client: Client, clock: Clock, trouble: Trouble) -> None:
    """Carried out: the one new chat is adopted. Not carried out: no chat, and it is said. Never two."""
    server, hosted = there
    server.slow_seconds = 1.0
    hosted.job("job_1", "Weekly")
    hosted.job("job_2", "Other")
    spoilt = itertools.count()
    server.trouble = lambda request, _number: trouble if is_trigger(request) and next(spoilt) == 0 else None
    if CARRIED_OUT[trouble]:
        started = start(client, clock)
        assert started.adopted
        assert [chat.id for chat in started.triggered.chats] == hosted.started()
        assert triggers(server) == 1
    elif trouble.startswith("429"):  # certainly not carried out: it may be sent again
        assert not start(client, clock).adopted
        assert triggers(server) == 2
    else:
        with pytest.raises(
            StartUnknown, match=rf"no new chat of the job is listed after {LOOK_SECONDS:.0f} seconds"
        ) as lost:
            start(client, clock)
        assert "run the job again only if no run has appeared" in (lost.value.remedy or "")
        assert triggers(server) == 1
    assert len(hosted.started()) == (1 if CARRIED_OUT[trouble] or trouble.startswith("429") else 0)


@pytest.mark.parametrize("trouble", CARRIED_OUT)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_list_that_fails_in_each_way(there: There, client: Client, clock: Clock, trouble: Trouble, when: str) -> None:
    """Before the trigger nothing has happened; after a lost answer the list is asked again."""
    server, hosted = there
    server.slow_seconds = 1.0
    hosted.job("job_1", "Weekly")
    seen = itertools.count()

    def spoil(request: Request, _number: int) -> Trouble | None:
        if is_trigger(request):
            return "reset after" if when == "after" else None
        return trouble if next(seen) == (1 if when == "after" else 0) else None

    server.trouble = spoil
    assert start(client, clock).adopted == (when == "after")
    assert len(hosted.started()) == triggers(server) == 1


@pytest.mark.parametrize("trouble", ["500 before", "reset before", "html 502 before", "slow", "garbled"])
def test_a_list_that_goes_on_failing(there: There, client: Client, clock: Clock, trouble: Trouble) -> None:
    server, hosted = there
    server.slow_seconds = 0.5
    hosted.job("job_1", "Weekly")
    server.trouble = lambda request, _number: trouble
    with pytest.raises(TargetFailure):
        start(client, clock)
    assert hosted.started() == []

    triggered = []

    def after(request: Request, _number: int) -> Trouble | None:
        triggered.append(is_trigger(request))
        return "reset after" if is_trigger(request) else trouble if any(triggered) else None

    server.trouble = after
    with pytest.raises(StartUnknown, match="whether the run started cannot be seen, because: list chats"):
        start(client, clock)
    assert len(hosted.started()) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=200, body=b"<html>Welcome</html>", kind="text/html"),
        Reply(status=200, body={"success": True}),
        Reply(status=200, body=[]),
        Reply(status=202),
    ],
)
def test_a_success_that_names_no_chat_is_looked_for(there: There, client: Client, clock: Clock, reply: Reply) -> None:
    server, hosted = there
    hosted.job("job_1", "Weekly")
    hosted.answer_to_trigger = reply
    with pytest.raises(StartUnknown):
        start(client, clock)
    assert triggers(server) == 1


def test_success_false_is_a_definite_no(there: There, client: Client, clock: Clock) -> None:
    server, hosted = there
    hosted.job("job_1", "Weekly")
    hosted.answer_to_trigger = Reply(body={"success": False})
    with pytest.raises(UnexpectedAnswer, match="did not start it"):
        start(client, clock)
    assert clock.slept == []
    assert triggers(server) == 1


def test_a_chat_that_is_listed_late_is_found(there: There, client: Client, clock: Clock) -> None:
    server, hosted = there
    hosted.job("job_1", "Weekly")
    hosted.listing_lag = 1e9
    server.trouble = lambda request, _number: "reset after" if is_trigger(request) else None
    slept = clock.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        if len(clock.slept) == 3:
            hosted.listing_lag = 0.0

    started = start_once(client, "job_1", timeout=1_800, now=now, sleep=sleep, clock=clock)
    assert started.adopted
    assert [chat.id for chat in started.triggered.chats] == hosted.started()
    assert triggers(server) == 1


def test_several_new_chats_are_not_guessed_at(there: There, client: Client, clock: Clock) -> None:
    server, hosted = there
    hosted.job("job_1", "Weekly")

    def spoil(request: Request, _number: int) -> Trouble | None:
        if is_trigger(request):
            hosted.chat("job_1", status="completed", initiator="someone")
            return "closed after"
        return None

    server.trouble = spoil
    with pytest.raises(StartUnknown, match="2 chats began since, and none can be told to be this run") as lost:
        start(client, clock)
    assert "do not run the job again before" in (lost.value.remedy or "")
    assert triggers(server) == 1


@pytest.mark.parametrize("filters", [True, False])
def test_a_run_in_progress_is_never_joined_by_another(
    there: There, client: Client, clock: Clock, filters: bool
) -> None:
    server, hosted = there
    hosted.filters = filters
    hosted.job("job_1", "Weekly", ran="queued")
    with pytest.raises(RunSkipped, match="a run is in progress, chat-1, since 20") as skipped:
        start(client, clock)
    assert skipped.value.exit_code == 5
    assert triggers(server) == 0
    hosted.job("job_2", "Other")
    start(client, clock, "job_2")


def test_an_unknown_status_blocks_until_the_timeout_has_passed(there: There, client: Client, clock: Clock) -> None:
    server, hosted = there
    hosted.job("job_1", "Weekly", ran=None)
    hosted.chat("job_1", status="pondering", created=now() - timedelta(minutes=29))
    with pytest.raises(RunSkipped, match="has the status 'pondering', which may mean in progress"):
        start(client, clock)
    hosted.chats.clear()
    hosted.chat("job_1", status="pondering", created=now() - timedelta(minutes=31))
    start(client, clock)
    assert triggers(server) == 1


@pytest.mark.parametrize("status", [400, 409, 423])
def test_a_refusal_while_a_run_is_in_progress_is_the_overlap_rule(
    there: There, client: Client, clock: Clock, status: int
) -> None:
    """Somebody was quicker, between our look and our trigger: how that is refused is not documented."""
    server, hosted = there
    hosted.job("job_1", "Weekly")
    hosted.busy = lambda _chat: Reply(status=status, body=b"Busy", kind="text/plain")
    server.trouble = lambda request, _number: (
        hosted.chat("job_1", status="running") and None if is_trigger(request) else None  # type: ignore[func-returns-value]
    )
    with pytest.raises(RunSkipped, match="a run is in progress"):
        start(client, clock)
    assert hosted.started() == []


def test_a_refusal_without_a_run_in_progress_stays_what_it_is(there: There, client: Client, clock: Clock) -> None:
    _, hosted = there
    hosted.job("job_1", "Weekly")
    hosted.answer_to_trigger = Reply(status=409, body=b"Agent inactive", kind="text/plain")
    with pytest.raises(ApiRefusal, match="409 'Agent inactive'"):
        start(client, clock)


def test_wrong_ids_and_missing_permissions(there: There, client: Client, clock: Clock) -> None:
    server, hosted = there
    hosted.job("job_1", "Weekly")
    with pytest.raises(NotFound):
        start(client, clock, "job_9")
    hosted.permissions = frozenset({"agent_jobs_read"})
    with pytest.raises(Forbidden, match="agent_jobs_trigger"):
        start(client, clock)
    hosted.permissions = frozenset({"agent_jobs_trigger"})
    before = triggers(server)
    with pytest.raises(Failure, match="agent_jobs_read"):
        start(client, clock)
    assert triggers(server) == before
    assert hosted.started() == []
