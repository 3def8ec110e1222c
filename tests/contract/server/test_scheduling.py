"""The server's own schedules: a real server on a clock that tests set, and its ledger read beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from interact_gitops.ledger.errors import LedgerFailure
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.ledger.records import Run
from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer

from .conftest import ENDED, TEST_AGENTS, Api, Description, Json, eventually

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
HOURLY = {"cron": "0 * * * *"}
STUCK = [{"text": "For ever", "query": "endless"}]
AGENTS = TEST_AGENTS.replace("  - slug: tester\n", "  - slug: tester\n", 1) + (
    "  - slug: resting\n    name: Resting\n    active: false\n    connector: {type: sample}\n"
    "    queries:\n      - {name: quick, title: Quick, sql: select 1 as n}\n"
)


@dataclass
class World:
    """A server that is started and stopped on one folder, its clock, and a key of its first organisation."""

    folder: Path
    warehouse: Path
    description: Description
    http: Callable[[str], httpx.Client]
    when: datetime = START
    options: Json = field(default_factory=dict)

    def start(self) -> None:
        agents = self.folder / "agents.yaml"
        agents.write_text(agents_file().read_text(encoding="utf-8") + AGENTS, encoding="utf-8")
        self.server = EmbeddedServer(
            self.folder / "data", clock=lambda: self.when, agents=agents, sample_folder=self.warehouse,
            drain_seconds=0.2, workers=3, **self.options,
        )  # fmt: skip
        self.api = Api(self.description, self.http(self.server.url), self.server.api_key, self.server.organization_id)

    def stop(self) -> None:
        self.server.stop()

    def at(self, hour: float) -> None:
        """It is so late on the first day now."""
        self.when = START.replace(hour=0, minute=0) + timedelta(hours=hour)
        scheduler = self.server.instance.scheduler
        if scheduler is not None:
            scheduler.wake()

    def job(self, key: str = "j", **changes: Any) -> Json:
        """A job, and the server knows that it has a schedule."""
        made = self.api.create(key=key, **{"schedule": HOURLY, **changes})
        if made["scheduleEnabled"] and made["schedule"]:
            eventually(lambda: self.mark(key) is not None, seconds=10, said=lambda: f"{key} is not seen")
        return made

    def edit(self, job: Json, **changes: Any) -> Json:
        before = self.api.job(job["id"])
        fields = self.description.resolve(self.description.document["components"]["schemas"]["JobDefinition"])
        body = {name: value for name, value in before.items() if name in fields["properties"]} | changes
        body["agent"] = {"slug": before["agent"]["slug"]}
        path = f"/api/agents/jobs/{job['id']}"
        return self.api.ok("PUT", path, json=body, headers={"If-Match": before["etag"]})["job"]

    def chats(self, job: Json) -> list[Json]:
        """The job's chats, oldest first."""
        return self.api.all("/api/agents/chats", "chats", jobId=job["id"])[::-1]

    def until_chats(self, job: Json, count: int) -> list[Json]:
        eventually(lambda: len(self.chats(job)) >= count, seconds=15, said=lambda: f"{self.chats(job)} {self.states()}")
        found = self.chats(job)
        assert len(found) == count, [chat["runKey"] for chat in found]
        return found

    def until_done(self, job: Json, count: int) -> list[Json]:
        self.until_chats(job, count)
        eventually(
            lambda: all(chat["status"] in ENDED for chat in self.chats(job)),
            seconds=20,
            said=lambda: str(self.chats(job)),
        )
        return self.chats(job)

    def ledger(self) -> FullLedger:
        return open_ledger("sqlite:///schedules.db", folder=self.server.data)

    def run(self, hour: int, key: str = "j") -> Run | None:
        ledger = self.ledger()
        try:
            found = ledger.runs(self.server.organization_id, [f"{key}@{START:%Y-%m-%d}T{hour:02}:00Z"])
        finally:
            ledger.close()
        return found[0] if found else None

    def until_run(self, hour: int, *states: str, key: str = "j") -> Run:
        eventually(
            lambda: (run := self.run(hour, key)) is not None and run.state in states, seconds=15,
            said=lambda: f"{hour}: {self.run(hour, key)}",
        )  # fmt: skip
        found = self.run(hour, key)
        assert found is not None
        return found

    def states(self) -> dict[str, int]:
        ledger = self.ledger()
        try:
            return dict(ledger.counts(self.server.organization_id))
        finally:
            ledger.close()

    def mark(self, key: str = "j") -> datetime | None:
        """Up to when the job is decided."""
        ledger = self.ledger()
        try:
            standing = ledger.jobs(self.server.organization_id, [key]).get(key)
        finally:
            ledger.close()
        return standing.watermark.until if standing and standing.watermark else None

    def until_decided(self, hour: int, key: str = "j") -> None:
        wanted = START.replace(hour=hour, minute=0)
        eventually(
            lambda: self.mark(key) == wanted, seconds=10, said=lambda: f"{key} is decided up to {self.mark(key)}"
        )

    def figures(self) -> dict[str, float]:
        lines = self.api.http.get("/metrics").text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


@pytest.fixture
def world(tmp_path: Path, server: EmbeddedServer, description: Description) -> Iterator[World]:
    server.instance.crew.warm()
    clients: list[httpx.Client] = []

    def http(url: str) -> httpx.Client:
        clients.append(httpx.Client(base_url=url, timeout=30))
        return clients[-1]

    warehouse = server.options.sample_folder or server.data / "warehouse"
    made = World(folder=tmp_path, warehouse=warehouse, description=description, http=http)
    made.start()
    yield made
    made.stop()
    for client in clients:
        client.close()


def test_an_occurrence_runs_once_and_its_chat_says_which(world: World) -> None:
    job = world.job(commit="c0ffee", prompts=[{"text": "On {{ run.date }} by {{ run.trigger }}", "query": "quick"}])
    world.at(8)
    (chat,) = world.until_done(job, 1)
    assert {name: chat[name] for name in ("status", "trigger", "initiator", "scheduledAt", "runKey", "commit")} == {
        "status": "completed", "trigger": "schedule", "initiator": "schedule", "commit": "c0ffee",
        "scheduledAt": "2026-11-23T08:00:00.000Z", "runKey": "j@2026-11-23T08:00Z~1",
    }  # fmt: skip
    assert world.api.chat(chat["id"])["prompts"][0]["text"] == "On 2026-11-23 by schedule"
    run = world.until_run(8, "succeeded")
    assert (run.definition_hash, run.git_commit, run.parts[0].chat) == (job["definitionHash"], "c0ffee", chat["id"])
    world.at(8.9)
    world.at(9)
    world.until_done(job, 2)
    assert world.api.trigger(job, {"trigger": "schedule", "scheduledAt": "2026-11-23T08:00:00Z"}, key=chat["runKey"])[
        "chat"
    ] == {"id": chat["id"]}


def test_a_fan_out_is_one_run(world: World) -> None:
    parameters = {"n": {"type": "integer", "default": 1}}
    fan_out = {"matrix": {"n": [1, 2, 3]}, "exclude": [], "include": [], "combinations": None, "maxParallel": 2}
    job = world.job(parameters=parameters, fanOut=fan_out)
    world.at(8)
    chats = world.until_done(job, 3)
    assert [chat["parameters"]["n"] for chat in chats] == [1, 2, 3]
    assert len({chat["groupId"] for chat in chats}) == 1
    run = world.until_run(8, "succeeded")
    assert [part.chat for part in run.parts] == [chat["id"] for chat in chats]


def test_figures(world: World) -> None:
    job = world.job()
    world.at(8 + 42 / 3600)
    world.until_done(job, 1)
    world.until_run(8, "succeeded")
    eventually(
        lambda: world.figures().get('interact_scheduled_runs_total{outcome="succeeded"}') == 1.0, seconds=5,
        said=lambda: str(world.figures()),
    )  # fmt: skip
    figures = world.figures()
    assert figures['interact_scheduled_runs_total{outcome="started"}'] == 1.0
    assert figures["interact_schedule_lateness_seconds_count"] == 1.0
    assert figures["interact_schedule_lateness_seconds_sum"] == 42.0
    assert world.api.ok("GET", "/readyz")["checks"]["schedules"] is True


def test_an_edit_counts_at_once_and_never_backwards(world: World) -> None:
    job = world.job(schedule={"cron": "0 7 * * *"})
    world.at(7.9)
    world.edit(job, schedule={"cron": "*/30 * * * *"})  # seven and half past seven are over
    eventually(lambda: world.mark() == world.when, seconds=10, said=lambda: str(world.mark()))
    world.at(8)
    (chat,) = world.until_done(job, 1)
    assert chat["scheduledAt"] == "2026-11-23T08:00:00.000Z"
    world.edit(job, schedule=None)
    world.job("other")
    world.at(9)
    world.until_run(9, "succeeded", key="other")
    assert len(world.chats(job)) == 1


def test_a_late_edit_loses_nothing_of_the_old_schedule(world: World) -> None:
    job = world.job()
    world.when = START.replace(hour=8, minute=0)  # and nobody wakes the server
    world.edit(job, schedule={"cron": "30 * * * *"})
    world.until_done(job, 1)
    world.at(8.5)
    assert [chat["scheduledAt"][11:16] for chat in world.until_done(job, 2)] == ["08:00", "08:30"]


def test_a_pause_counts_at_once_and_holds_back_for_good(world: World) -> None:
    job = world.job()
    world.api.ok("POST", f"/api/agents/jobs/{job['id']}/pause", json={"reason": "stop"})
    world.at(8)
    world.until_decided(8)
    world.at(9)
    world.until_decided(9)
    world.api.ok("POST", f"/api/agents/jobs/{job['id']}/resume")
    assert world.run(8) is None
    world.at(10)
    (chat,) = world.until_done(job, 1)
    assert chat["scheduledAt"] == "2026-11-23T10:00:00.000Z"
    assert world.api.run(job)["status"] == "completed"  # by hand it may always run


def test_a_pause_outlasts_a_restart(world: World) -> None:
    job = world.job()
    world.api.ok("POST", f"/api/agents/jobs/{job['id']}/pause", json={"reason": "stop"})
    world.stop()
    world.when = START.replace(hour=12)
    world.start()
    world.until_decided(12)
    assert world.chats(job) == []
    assert world.states() == {}


def test_a_pause_stops_what_waits_until_it_is_resumed(world: World) -> None:
    job = world.job(overlap="queue_one", prompts=STUCK)
    world.at(8)
    (first,) = world.until_chats(job, 1)
    world.at(9)
    world.until_run(9, "planned")
    world.api.ok("POST", f"/api/agents/jobs/{job['id']}/pause", json={"reason": "stop"})
    world.api.cancel(first["id"])
    world.until_run(8, "cancelled")
    world.at(9.5)
    assert world.run(9).state == "planned"
    world.api.ok("POST", f"/api/agents/jobs/{job['id']}/resume")
    world.until_run(9, "triggered", "running")
    world.api.cancel(world.until_chats(job, 2)[1]["id"])


def test_disabled_jobs_and_deleted_ones_do_not_run(world: World) -> None:
    disabled, deleted = world.job("disabled"), world.job("deleted")
    other = world.job("other")
    world.edit(disabled, enabled=False)
    world.api("DELETE", f"/api/agents/jobs/{deleted['id']}", headers={"If-Match": deleted["etag"]})
    eventually(lambda: world.mark("deleted") is None, seconds=10, said=lambda: "the deleted job is still known")
    world.at(8)
    world.until_done(other, 1)
    assert world.chats(disabled) + world.chats(deleted) == []
    again = world.edit(disabled, enabled=True)
    eventually(lambda: world.mark("disabled") == world.when, seconds=10, said=lambda: str(world.mark("disabled")))
    world.at(9)
    assert world.until_done(again, 1)[0]["scheduledAt"] == "2026-11-23T09:00:00.000Z"


def test_a_job_made_anew_under_the_key_of_a_deleted_one_has_no_past(world: World) -> None:
    job = world.job()
    world.api("DELETE", f"/api/agents/jobs/{job['id']}", headers={"If-Match": job["etag"]})
    world.at(12.5)
    again = world.api.create(key="j", schedule={"cron": "0 * * * *", "catchUp": "all"})
    eventually(lambda: world.mark() == world.when, seconds=10, said=lambda: str(world.mark()))
    world.at(13)
    assert [chat["scheduledAt"][11:16] for chat in world.until_done(again, 1)] == ["13:00"]


def test_what_another_side_evaluates_is_left_alone(world: World) -> None:
    other = world.job("other")
    ours = world.job(overlap="queue_one", prompts=STUCK)
    theirs = world.job("theirs", scheduleEnabled=False)
    world.at(8)
    (first,) = world.until_chats(ours, 1)
    world.at(9)
    world.until_run(9, "planned")
    world.edit(ours, scheduleEnabled=False)  # handed over, with one in line
    assert world.until_run(9, "cancelled").reason == "its schedule was switched off"
    world.api.cancel(first["id"])
    world.at(10)
    world.until_done(other, 2)  # a slow machine may skip one of the three
    assert (len(world.chats(ours)), world.chats(theirs)) == (1, [])
    world.edit(theirs, scheduleEnabled=True)
    eventually(lambda: world.mark("theirs") == world.when, seconds=10, said=lambda: str(world.mark("theirs")))
    world.at(11)
    assert [chat["scheduledAt"][11:16] for chat in world.until_done(theirs, 1)] == ["11:00"]


def test_a_run_by_hand_is_in_the_way_and_is_named(world: World) -> None:
    job = world.job(prompts=STUCK)
    by_hand = world.api.trigger(job)["chat"]["id"]
    world.at(8)
    run = world.until_run(8, "skipped_overlap")
    assert run.in_the_way == by_hand
    assert len(world.chats(job)) == 1
    eventually(
        lambda: world.figures().get('interact_scheduled_runs_total{outcome="skipped_overlap"}') == 1.0, seconds=5,
        said=lambda: str(world.figures()),
    )  # fmt: skip
    world.api.cancel(by_hand)
    world.at(9)
    world.api.cancel(world.until_chats(job, 2)[1]["id"])


def test_a_scheduled_run_is_in_the_way_of_everybody(world: World) -> None:
    job = world.job(prompts=STUCK)
    world.at(8)
    (chat,) = world.until_chats(job, 1)
    problem = world.api.problem(409, "run_in_progress", "POST", f"/api/agents/jobs/{job['id']}/trigger")
    assert problem["chatId"] == chat["id"]
    world.at(9)
    assert world.until_run(9, "skipped_overlap").in_the_way == "j@2026-11-23T08:00Z"
    # A run that ended just before is not: that it did is asked anew, however seldom chats are looked at.
    world.api.cancel(chat["id"])
    world.at(10)
    world.api.cancel(world.until_chats(job, 2)[1]["id"])


def test_after_downtime_the_newest_runs_and_the_others_are_recorded(world: World) -> None:
    job = world.job()
    world.stop()
    world.when = START.replace(hour=12, minute=10)
    world.start()
    (chat,) = world.until_done(job, 1)
    assert chat["scheduledAt"] == "2026-11-23T12:00:00.000Z"
    assert [world.run(hour).state for hour in (8, 9, 10, 11)] == ["missed"] * 4
    assert world.figures()['interact_scheduled_runs_total{outcome="missed"}'] == 4.0


def test_catch_up_all_runs_one_after_the_other(world: World) -> None:
    job = world.job(schedule={**HOURLY, "catchUp": "all"})
    world.stop()
    world.when = START.replace(hour=10, minute=10)
    world.start()
    chats = world.until_done(job, 3)
    assert [chat["scheduledAt"][11:16] for chat in chats] == ["08:00", "09:00", "10:00"]
    assert {chat["status"] for chat in chats} == {"completed"}


def test_failures_in_a_row_pause_the_job_where_people_see_it(world: World) -> None:
    job = world.job(pauseAfterFailures=2, prompts=[{"text": "What is the meaning of life?"}])
    for hour in (8, 9):
        world.at(hour)
        world.until_run(hour, "failed")
    eventually(lambda: world.api.job(job["id"])["paused"] is not None, seconds=10, said=lambda: "not paused")
    assert world.api.job(job["id"])["paused"]["reason"] == "2 failures in a row (pause_after_failures: 2)"
    world.at(10)
    world.until_decided(10)
    assert len(world.chats(job)) == 2
    world.api.ok("POST", f"/api/agents/jobs/{job['id']}/resume")
    world.at(11)
    world.until_run(11, "failed")
    assert world.api.job(job["id"])["paused"] is None


def test_an_agent_that_rests_fails_the_run_and_says_so(world: World) -> None:
    job = world.job(agent={"slug": "resting"})
    world.at(8)
    assert "is not active" in (world.until_run(8, "failed").reason or "")
    assert world.chats(job) == []


def test_a_new_key_is_the_same_job(world: World) -> None:
    job = world.job()
    world.at(7.75)
    world.edit(job, key="k")
    eventually(lambda: world.mark("k") is not None, seconds=10, said=lambda: "not carried over")
    assert (world.mark("k"), world.mark("j")) == (START, None)
    world.at(8)
    assert world.until_done(job, 1)[0]["runKey"] == "k@2026-11-23T08:00Z~1"


def test_organisations_do_not_meet(world: World) -> None:
    organization, key = world.server.create_organization("second")
    second = Api(world.description, world.api.http, key, organization)
    ours = world.job()
    theirs = second.create(key="j", schedule=HOURLY)
    ledger = world.ledger()
    eventually(lambda: "j" in ledger.jobs(organization), seconds=10, said=lambda: "not seen")
    ledger.close()
    world.at(8)
    world.until_done(ours, 1)
    eventually(lambda: len(second.all("/api/agents/chats", "chats")) == 1, seconds=10, said=lambda: "did not run")
    assert second.all("/api/agents/chats", "chats")[0]["job"]["id"] == theirs["id"]


def test_without_a_scheduler_nothing_runs_by_itself(world: World) -> None:
    job = world.job()
    world.stop()
    world.options = {"scheduler": False}
    world.start()
    world.at(8)
    assert "schedules" not in world.api.ok("GET", "/readyz")["checks"]
    assert world.api.run(job)["status"] == "completed"
    assert world.run(8) is None
    world.stop()
    world.options = {}
    world.when = START.replace(hour=8, minute=20)
    world.start()
    assert [chat["trigger"] for chat in world.until_done(job, 2)] == ["api", "schedule"]


def test_old_occurrences_are_forgotten_and_still_never_run_twice(world: World) -> None:
    job = world.job()
    world.at(8)
    (chat,) = world.until_done(job, 1)
    world.until_run(8, "succeeded")
    world.stop()
    world.when = START + timedelta(days=40)
    world.start()
    eventually(lambda: world.run(8) is None, seconds=10, said=lambda: str(world.run(8)))
    body = {"trigger": "schedule", "scheduledAt": "2026-11-23T08:00:00Z"}
    assert world.api.trigger(job, body, key=chat["runKey"])["chat"]["id"] == chat["id"]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda db: db.execute("PRAGMA user_version = 99"), "has schema 99"),
        (lambda db: db.execute("PRAGMA application_id = 7"), "another program's database"),
    ],
)
def test_a_ledger_that_cannot_be_used_is_said_before_anything_is_served(world, spoil, said) -> None:
    world.stop()
    db = sqlite3.connect(world.server.data / "schedules.db", isolation_level=None)
    spoil(db)
    db.close()
    with pytest.raises(LedgerFailure, match=said):
        world.start()
