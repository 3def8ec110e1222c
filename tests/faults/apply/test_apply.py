"""Applies that meet other people, failures half-way and Ctrl-C; and the property that apply(diff(a, b), a) == b."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interact_gitops.interact.client import Client
from interact_gitops.jobs.channels import Channel
from interact_gitops.jobs.model import Definition, Notification, Prompt
from interact_gitops.planning.applying import Applied, Outcome, apply
from interact_gitops.planning.channels import diff_channels, with_channels
from interact_gitops.planning.diff import diff
from interact_gitops.planning.plan import Plan
from interact_gitops.server.serving import EmbeddedServer

from ...contract.client.scripted import Request, Trouble
from .conftest import OURS, Room, definition, history
from .processes import Held


def results(applied: Applied) -> dict[str, str]:
    return {outcome.change.key: outcome.result for outcome in applied.outcomes}


def only(word: str, trouble: Trouble = "500 before") -> Callable[[Request, int], Trouble | None]:
    """Spoils every write whose address or body has this word in it."""

    def spoil(request: Request, _number: int) -> Trouble | None:
        found = word in request.target or word.encode() in request.body
        return trouble if request.method != "GET" and found else None

    return spoil


def test_nothing_to_do_sends_nothing(room: Room) -> None:
    assert room.apply([definition("a")], room.direct).complete
    before = len(room.front.requests)
    applied = room.apply([definition("a")])
    assert applied.complete
    assert applied.outcomes == ()
    assert len(room.front.requests) == before


def test_what_is_written(room: Room) -> None:
    """The body carries the definition, the mark, the commit, the path, the hash; a create has a key, the rest a tag."""
    assert room.apply([definition("a"), definition("b")]).complete
    assert room.apply([definition("a", "Other")]).complete
    sent = room.front.requests[-4:]
    assert [request.method for request in sent] == ["POST", "POST", "PUT", "DELETE"]
    for request in sent[:2]:
        assert request.headers["idempotency-key"].startswith("apply-")
    assert sent[2].headers["if-match"] == '"1"'
    assert sent[3].headers["if-match"] == '"1"'
    job = room.direct.jobs()[0]
    assert sent[2].json == {
        **sent[2].json, "managedBy": OURS, "commit": "c0ffee", "sourcePath": "jobs.d/a.yaml",
        "appliedHash": job.definition_hash, "scheduleEnabled": True,
    }  # fmt: skip
    assert job.raw["commit"] == "c0ffee"
    assert job.raw["sourcePath"] == "jobs.d/a.yaml"


def test_stages_are_in_order(room: Room) -> None:
    """Creates first, then updates and moves, deletes last."""
    before, after = history(4)
    assert room.apply(before, room.direct).complete
    seen: list[str] = []
    assert room.apply(after, progress=lambda outcome: seen.append(outcome.change.action)).complete
    assert seen[:4] == ["create"] * 4
    assert sorted(seen[4:12]) == ["move"] * 4 + ["update"] * 4
    assert seen[12:] == ["delete"] * 4


def test_a_failure_stops_what_has_not_started(room: Room) -> None:
    before, after = history(2)
    assert room.apply(before, room.direct).complete
    room.spoil(only("fresh-0"))
    applied = room.apply(after, parallelism=1)
    assert results(applied)["fresh-0"] == "failed"
    assert applied.count("failed") == 1
    assert applied.count("done") == 0
    assert applied.count("not tried") == 7
    assert room.keys() == sorted(d.job.key for d in before)
    room.spoil(lambda _request, _number: None)
    assert room.apply(after).complete


def test_on_error_continue_goes_on_with_the_rest(room: Room) -> None:
    before, after = history(2)
    assert room.apply(before, room.direct).complete
    room.spoil(only("fresh-0"))
    applied = room.apply(after, on_error="continue")
    assert [key for key, result in results(applied).items() if result == "failed"] == ["fresh-0"]
    assert applied.count("done") == 7
    failed = next(outcome for outcome in applied.outcomes if outcome.result == "failed")
    assert "create job fresh-0" in (failed.said or "")
    assert "500" in (failed.said or "")


def test_somebody_changed_it_meanwhile(room: Room) -> None:
    """If-Match holds per job: what moved is left alone, and the next plan shows it."""
    assert room.apply([definition("a")], room.direct).complete
    plan = room.plan([definition("a", "Mine")])
    job = room.direct.jobs()[0]
    theirs = {**plan.changes[0].body, "name": "Theirs"}  # type: ignore[dict-item]
    room.direct.replace_job(job.id, theirs, etag=job.etag or "")
    applied = apply(plan, room.fronted)
    assert results(applied) == {"a": "failed"}
    assert "plan again" in (applied.outcomes[0].said or "")
    assert room.direct.jobs()[0].name == "Theirs"
    assert room.apply([definition("a", "Mine")]).complete


def test_deleted_by_hand_is_created_anew(room: Room) -> None:
    """An idempotency key must not answer for a job that is gone: each apply has keys of its own."""
    assert room.apply([definition("a")]).complete
    job = room.direct.jobs()[0]
    room.direct.delete_job(job.id, etag=job.etag or "")
    assert room.apply([definition("a")]).complete
    again = room.direct.jobs()
    assert [one.key for one in again] == ["a"]
    assert again[0].id != job.id


def test_an_update_of_a_job_that_is_gone(room: Room) -> None:
    assert room.apply([definition("a")], room.direct).complete
    plan = room.plan([definition("a", "Mine")])
    job = room.direct.jobs()[0]
    room.direct.delete_job(job.id, etag=job.etag or "")
    applied = apply(plan, room.fronted)
    assert results(applied) == {"a": "failed"}
    assert room.apply([definition("a", "Mine")]).complete


def test_an_invalid_job_is_said_with_its_place(room: Room) -> None:
    bad = replace(definition("a").job, agent="nobody")
    applied = room.apply([replace(definition("a"), job=bad)])
    assert "/agent/slug" in (applied.outcomes[0].said or "")


def test_a_job_without_an_etag_is_not_written(room: Room) -> None:
    assert room.apply([definition("a")], room.direct).complete
    remote = [replace(job, etag=None) for job in room.direct.jobs()]
    plan = diff([definition("a", "Mine")], remote, managed_by=OURS, commit=None, target="t")
    applied = apply(plan, room.fronted)
    assert results(applied) == {"a": "failed"}
    assert "etag" in (applied.outcomes[0].said or "")


def test_two_applies_at_once(room: Room) -> None:
    """Both plan the same: what one has done is found done by the other or fails clearly; nothing is made twice."""
    _, after = history(3)
    plans = [room.plan(after), room.plan(after)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda plan: apply(plan, room.direct, on_error="continue"), plans))
    assert room.keys() == sorted(d.job.key for d in after)
    for key in {d.job.key for d in after}:
        assert "done" in {results(one)[key] for one in both}
    assert room.plan(after).changes == ()


def test_interrupted(room: Room) -> None:
    """After Ctrl-C what is under way ends and is reported; nothing more is started; nothing is half done."""
    assert threading.current_thread() is threading.main_thread()
    definitions = [definition(f"job-{i:02}") for i in range(20)]
    seen: list[Outcome] = []

    def interrupt(outcome: Outcome) -> None:
        seen.append(outcome)
        if len(seen) == 5:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    applied = room.apply(definitions, parallelism=2, progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is before
    assert applied.interrupted
    assert not applied.complete
    assert applied.count("failed") == 0
    assert 5 <= applied.count("done") <= 8
    assert room.keys() == sorted(key for key, result in results(applied).items() if result == "done")
    assert room.apply(definitions).complete
    assert len(room.keys()) == 20


def test_interrupted_while_the_target_is_down(room: Room, embedded: EmbeddedServer) -> None:
    """Requests under way may be tried again for minutes: a Ctrl-C ends that."""
    organization, key = embedded.create_organization("down")
    with Client(room.front.url, key, organization) as client:
        plan = diff([definition("a")], client.jobs(), managed_by=OURS, commit=None, target="t")
        room.spoil(lambda _request, _number: "503")
        timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
        timer.start()
        began = time.monotonic()
        applied = apply(plan, client)
        timer.join()
    assert time.monotonic() - began < 3  # all its attempts would take 3.1 seconds at the least
    assert applied.interrupted
    assert results(applied) == {"a": "failed"}


def test_interrupted_twice(room: Room, embedded: EmbeddedServer) -> None:
    """The second time, what is under way is not waited for; it is said that it may be done."""
    held = Held(room, "POST", "/api/agents/jobs", first=1, waiting=2)
    organization, key = embedded.create_organization("twice")
    with Client(room.front.url, key, organization) as client:
        plan = diff([definition(k) for k in "abc"], client.jobs(), managed_by=OURS, commit=None, target="t")

        def press_twice() -> None:
            held.reached.wait(20)
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)

        presses = threading.Thread(target=press_twice)
        presses.start()
        applied = apply(plan, client, parallelism=2)
        presses.join()
        assert applied.interrupted
        assert results(applied) == {"a": "failed", "b": "failed", "c": "not tried"}
        assert {"it may have been carried out all the same" in (o.said or "") for o in applied.outcomes[:2]} == {True}
        held.end()
        while len(client.jobs()) < 2:
            time.sleep(0.02)


TEXTS = st.sampled_from(["What was spent?", "What was earned?", "Zoë 🥾\n\nlast line\n"])


@st.composite
def states(draw: st.DrawFn) -> list[Definition]:
    keys = draw(st.sets(st.sampled_from("abcde")))
    found = []
    for key in sorted(keys):
        base = definition(key)
        job = replace(
            base.job,
            prompts=(Prompt(text=draw(TEXTS)),),
            timeout=draw(st.sampled_from([60, 1800])),
            labels=draw(st.dictionaries(st.sampled_from("xy"), st.sampled_from(["1", "true"]))),
            enabled=draw(st.booleans()),
        )
        found.append(replace(base, job=job))
    return found


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=states(), after=states())
def test_apply_of_diff_gives_the_definitions(
    new_room: Callable[[], Room], before: list[Definition], after: list[Definition]
) -> None:
    room = new_room()
    assert room.apply(before, room.direct).complete
    assert room.plan(before).changes == ()
    assert room.apply(after).complete
    plan = room.plan(after)
    assert plan.changes == ()
    assert plan.unchanged == len(after)
    assert room.keys() == [d.job.key for d in after]


def test_a_bug_is_kept_and_reported(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(room.fronted, "create_job", broken)
    applied = room.apply([definition("a"), definition("b")], parallelism=1)
    assert isinstance(applied.bug, ZeroDivisionError)
    assert applied.count("not tried") == 1


def test_a_lost_lock_starts_nothing_more(room: Room) -> None:
    """What is under way ends and is reported; the rest waits for the next apply."""
    asked = 0

    def held() -> bool:
        nonlocal asked
        asked += 1
        return asked <= 5

    definitions = [definition(f"job-{i:02}") for i in range(20)]
    applied = room.apply(definitions, parallelism=2, held=held)
    assert applied.lost
    assert not applied.complete
    assert not applied.interrupted
    assert (applied.count("done"), applied.count("failed"), applied.count("not tried")) == (5, 0, 15)
    assert len(room.keys()) == 5
    assert asked == 6
    assert room.apply(definitions, held=lambda: True).complete


def test_a_lost_lock_stops_an_apply_that_goes_on_after_failures(room: Room) -> None:
    before, after = history(2)
    assert room.apply(before, room.direct).complete
    answers = iter([True, True])
    applied = room.apply(after, on_error="continue", parallelism=1, held=lambda: next(answers, False))
    assert applied.lost
    assert applied.count("done") == 2
    assert room.keys() == sorted([*(d.job.key for d in before), "fresh-0", "fresh-1"])


def notifying(key: str, *channels: str) -> Definition:
    return definition(key, notifications=tuple(Notification(channel=name, topics=("anomaly",)) for name in channels))


def with_declared(room: Room, definitions: list[Definition], *names: str, level: str = "info") -> Plan:
    """The plan of jobs, and of channels with these names."""
    to = ("a@example.com",)
    channels = [Channel(name=name, type="email", to=to, level=level, path="f", line=1) for name in names]
    beside = diff_channels(channels, room.direct.channels.list(), managed_by=OURS, fingerprints={})
    return with_channels(room.plan(definitions), beside)


def test_what_depends_on_a_failure_is_left_out(room: Room) -> None:
    """A job is not written when its channel was not; what is independent goes on."""
    definitions = [notifying("a", "bad"), notifying("b", "good", "bad"), notifying("c", "good"), definition("d")]
    room.spoil(only('"bad"'))
    applied = apply(with_declared(room, definitions, "bad", "good"), room.fronted, on_error="continue")
    assert {(o.change.kind, o.change.key): o.result for o in applied.outcomes} == {
        ("channel", "bad"): "failed", ("channel", "good"): "done",
        ("job", "a"): "not tried", ("job", "b"): "not tried", ("job", "c"): "done", ("job", "d"): "done",
    }  # fmt: skip
    assert {o.said for o in applied.outcomes if o.result == "not tried"} == {"its channel bad was not written"}
    room.spoil(lambda _request, _number: None)
    assert apply(with_declared(room, definitions, "bad", "good"), room.fronted).complete
    assert with_declared(room, definitions, "bad", "good").changes == ()
    louder = with_declared(room, definitions, "bad", "good", level="error")
    assert louder.count("update", kind="channel") == 2
    assert apply(louder, room.fronted).complete
    assert {channel.definition["level"] for channel in room.direct.channels.list()} == {"error"}


def test_a_channel_stays_while_a_job_that_was_not_written_names_it(room: Room) -> None:
    assert apply(
        with_declared(room, [notifying("a", "old"), notifying("b", "other")], "old", "other"), room.direct
    ).complete
    plan = with_declared(room, [definition("a", "Other"), definition("b", "Other")])
    room.spoil(only('"key": "a"'))
    applied = apply(plan, room.fronted, on_error="continue")
    assert {(o.change.kind, o.change.key): o.result for o in applied.outcomes} == {
        ("job", "a"): "failed", ("job", "b"): "done", ("channel", "old"): "not tried", ("channel", "other"): "done",
    }  # fmt: skip
    kept = next(o for o in applied.outcomes if o.change.key == "old")
    assert kept.said == "the job a, which was not written, still names it"
    room.spoil(lambda _request, _number: None)
    assert apply(with_declared(room, [definition("a", "Other"), definition("b", "Other")]), room.fronted).complete
    assert room.direct.channels.list() == []
