"""Jobs, runs in progress and new runs, seen through a list of chats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interact_gitops.interact.discovery import begun_since, in_the_way, newest_first, seen_jobs
from interact_gitops.interact.records import ChatSummary, read_summary

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def chat(number: int, *, minutes_ago: float | None = 0, job: Any = ("j1", "Weekly"), **fields: Any) -> ChatSummary:
    created = None if minutes_ago is None else (NOW - timedelta(minutes=minutes_ago)).isoformat()
    body = {
        "id": f"c{number}", "status": "completed", "createdAt": created,
        "job": job and {"id": job[0], "name": job[1]}, "agent": {"id": "a1", "name": "Analyst"},
    }  # fmt: skip
    return read_summary({**body, **fields})


def test_a_job_is_what_its_newest_chats_tell() -> None:
    chats = [
        chat(1, minutes_ago=90, job=("j1", "Old name")),
        chat(2, minutes_ago=5, job=("j1", "New name"), agent=None),
        chat(3, minutes_ago=1, job=("j1", None)),
        chat(4, job=None),
        chat(5, minutes_ago=None, job=("j2", "Another"), agent={"id": "a2", "name": "Second"}),
    ]
    another, weekly = seen_jobs(chats)
    assert (another.id, another.name, another.agent_id, another.agent_name, another.runs) == (
        "j2", "Another", "a2", "Second", 1,
    )  # fmt: skip
    assert (weekly.id, weekly.name, weekly.agent_id, weekly.runs, weekly.last.id) == ("j1", "New name", "a1", 3, "c3")
    assert seen_jobs([]) == ()
    assert seen_jobs(reversed(chats)) == (another, weekly)


def test_a_job_of_which_nothing_is_told() -> None:
    (one,) = seen_jobs([chat(1, job=("j1", None), agent="odd")])
    assert (one.name, one.agent_id, one.agent_name) == (None, None, None)


def test_newest_first_whatever_the_order_of_the_list() -> None:
    chats = [chat(1, minutes_ago=None), chat(2, minutes_ago=7), chat(3, minutes_ago=1), chat(4, minutes_ago=60)]
    assert [one.id for one in newest_first(chats)] == ["c3", "c2", "c4", "c1"]


@pytest.mark.parametrize(
    ("status", "minutes_ago", "blocks"),
    [
        ("running", 0, True), ("queued", 9_999, True), ("RUNNING", None, True),
        ("completed", 0, False), ("failed", 0, False), ("cancelled", 0, False),
        ("pondering", 29, True), ("pondering", 31, False), ("pondering", None, False),
    ],
)  # fmt: skip
def test_what_is_in_the_way(status: str, minutes_ago: float | None, blocks: bool) -> None:
    found = in_the_way(
        [chat(1, minutes_ago=5), chat(2, minutes_ago=minutes_ago, status=status)], now=NOW, timeout=1_800
    )
    assert (found.id if found else None) == ("c2" if blocks else None)


def test_what_began_since() -> None:
    before = [chat(1, minutes_ago=60), chat(2, minutes_ago=30)]
    old, new, untimed = chat(3, minutes_ago=45), chat(4, minutes_ago=1), chat(5, minutes_ago=None)
    assert begun_since(before, [*before, old, new, untimed]) == [new, untimed]
    assert begun_since([], [old]) == [old]
    assert begun_since(before, before) == []
