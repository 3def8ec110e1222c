"""Many threads and processes at one ledger: every run once, no fence twice, every watermark one step at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from interact_gitops.ledger.records import Watermark
from interact_gitops.ledger.requests import Decision, Move

RUNNER = Path(__file__).with_name("little_runner.py")
THREADS = 8


def together(work, count=THREADS):
    """Calls `work(number)` in as many threads, all at the same moment."""
    barrier = threading.Barrier(count)

    def one(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_key_added_by_everybody_is_new_to_one(desk):
    runs = [desk.new(f"job-{n}") for n in range(60)]

    def add(number):
        mine = runs[number:] + runs[:number]
        return [one.key for one in desk.add(*mine) if one.outcome == "new"]

    new = [key for keys in together(add) for key in keys]
    assert sorted(new) == sorted(run.key for run in runs)


def test_a_run_is_claimed_by_one(desk):
    desk.add(*(desk.new(f"job-{n}") for n in range(200)))

    def claim(number):
        mine = []
        while len(mine) < 200:
            found = desk.claim(f"runner-{number}", limit=7)
            if not found and not desk.ledger.late(desk.target, now=desk.now)[0]:
                return mine
            mine += [(run.key, run.fence) for run in found]
        return mine

    claimed = [one for mine in together(claim) for one in mine]
    assert len(claimed) == 200
    assert {fence for _, fence in claimed} == {1}
    assert len({key for key, _ in claimed}) == 200


def test_only_one_of_a_job_starts_however_many_look(desk):
    """Serial, skipping and allowed runs of five jobs, claimed by all and ended: never two in the way."""
    desk.later(24)
    for job in range(5):
        desk.add(*(desk.new(f"job-{job}", hour=hour, line_up="serial", kind="backfill") for hour in range(8)))
    active: dict[str, int] = {}
    lock, twice = threading.Lock(), []

    def work(number):
        me = f"runner-{number}"
        while desk.ledger.counts(desk.target).get("succeeded", 0) < 40:
            for run in desk.claim(me, limit=3):
                with lock:
                    active[run.job] = active.get(run.job, 0) + 1
                    if active[run.job] > 1:
                        twice.append(run.key)
                sending = desk.move(run, "sending", by=me, intent=desk.intent()).done[0]
                there = desk.move(sending, "triggered", by=me, parts=desk.chats_of(run)).done[0]
                with lock:
                    active[run.job] -= 1
                desk.move(there, "succeeded", by=me)

    together(work, 4)
    assert twice == []


def test_a_tick_of_two_runners_is_one(desk):
    jobs = [f"job-{n}" for n in range(30)]
    for hour in range(3):
        was = Watermark(schedule="s", until=desk.now) if hour else None
        becomes = Watermark(schedule="s", until=desk.now + timedelta(hours=1))

        def decide(number, hour=hour, was=was, becomes=becomes):
            order = jobs if number % 2 else jobs[::-1]
            decisions = [Decision(job=job, was=was, becomes=becomes, runs=(desk.new(job, hour=hour),)) for job in order]
            return desk.ledger.decide(desk.target, decisions, by=f"runner-{number}", now=desk.now)

        said = together(decide, 4)
        taken = [job for one in said for job in one.jobs]
        added = [key for one in said for key in one.added]
        assert sorted(taken) == sorted(jobs)
        assert len(added) == len(set(added)) == 30
        assert all(set(one.jobs) | set(one.beaten) == set(jobs) for one in said)
        desk.later(1)


def test_an_expired_lease_has_one_successor(desk):
    desk.add(*(desk.new(f"job-{n}") for n in range(50)))
    runs = desk.claim("gone", limit=50)
    desk.end_leases()
    taken = [run for some in together(lambda n: desk.take_over(f"runner-{n}", limit=20)) for run in some]
    assert len(taken) == len({run.key for run in taken}) == 50
    assert {run.fence for run in taken} == {2}
    moves = [Move(key=run.key, was="claimed", fence=1, to="sending", intent=desk.intent()) for run in runs]
    assert desk.ledger.move(desk.target, moves, by="gone", now=desk.now).done == ()


def test_of_two_steps_of_one_run_one_is_lost(desk):
    desk.add(*(desk.new(f"job-{n}") for n in range(20)))
    runs = desk.claim(limit=20)
    moves = [Move(key=run.key, was="claimed", fence=1, to="sending", intent=desk.intent()) for run in runs]

    def send(number):
        mine = moves if number % 2 else moves[::-1]
        return [run.key for run in desk.ledger.move(desk.target, mine, by="a", now=desk.now).done]

    sent = [key for keys in together(send, 4) for key in keys]
    assert sorted(sent) == sorted(run.key for run in runs)


def test_processes_share_the_work(desk, tmp_path):
    """Four processes that start at once on a ledger that none of them finds there; each run is sent once."""
    command = [sys.executable, str(RUNNER), desk.url, "--keys", "200", "--log", str(tmp_path)]
    processes = [subprocess.Popen([*command, "--name", f"p{n}"], stderr=subprocess.PIPE) for n in range(4)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, b"")
    sent = [json.loads(line) for file in tmp_path.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(sent) == len({one["key"] for one in sent}) == 200
    assert desk.ledger.counts(desk.target) == {"succeeded": 200}


def test_a_waiter_is_woken_by_another_process(desk):
    other = desk.again()
    other.wait_for_work(0.1)  # begins to listen
    other.wait_for_work(0.1)
    timer = threading.Timer(0.3, lambda: desk.add(desk.new()))
    timer.start()
    started = time.monotonic()
    assert other.wait_for_work(20)
    assert time.monotonic() - started < 10
    timer.join()
    assert not other.wait_for_work(0.05)
    other.close()


def test_closing_ends_the_waiting(desk):
    other = desk.again()
    other.wait_for_work(0.1)
    other.wait_for_work(0.1)
    started, found = time.monotonic(), []
    waiter = threading.Thread(target=lambda: found.append(other.wait_for_work(60)))
    waiter.start()
    time.sleep(0.3)
    other.close()
    waiter.join()
    assert found == [False]
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("times", [3])
def test_a_new_ledger_is_made_once_by_everybody(kind, fresh_url, times):
    from interact_gitops.ledger.opening import open_ledger

    for _ in range(times):
        url = fresh_url(kind)
        ledgers = together(lambda _, url=url: open_ledger(url, folder=Path("/")))
        for ledger in ledgers:
            assert ledger.check() == ()
            ledger.close()
        if kind == "sqlite":
            Path(url.removeprefix("sqlite:///")).unlink()
