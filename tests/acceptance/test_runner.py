"""The runner as a program: its log, its figures, its status line, its end; on a target and a clock of ours."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.server.serving import EmbeddedServer

from ..contract.ledger.conftest import fresh_url
from ..faults.runner.conftest import Runner, World, forkery, new_world
from .conftest import COMMAND, Shell

__all__ = ["forkery", "fresh_url", "new_world"]  # fixtures
NewWorld = Callable[..., World]


def events(runner: Runner) -> list[dict[str, Any]]:
    """Its log: every line of it is a JSON object."""
    return [json.loads(line) for line in runner.log.read_text().splitlines()]


def scraped(runner: Runner) -> dict[str, float]:
    """Its figures by name and labels."""
    (url,) = [one["url"] for one in events(runner) if one["event"] == "metrics_served"]
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_log_and_figures(new_world: NewWorld) -> None:
    world = new_world("sqlite", jobs=3, full=True, takes=0.1)
    runner = world.start("--metrics-port", "0")
    world.until(world.decided)
    world.next_hours(2)
    world.until(world.settled)
    time.sleep(1)
    figures = scraped(runner)
    assert figures["interact_runner_due_total"] == 6
    assert figures["interact_runner_sent_total"] == 6
    assert figures['interact_runner_ended_total{state="succeeded"}'] == 6
    assert figures["interact_runner_unknown_total"] == 0
    assert figures["interact_runner_missed_total"] == 0
    assert figures["interact_runner_lateness_seconds_count"] == 6
    assert figures["interact_runner_jobs"] == 3
    assert figures["interact_runner_active"] == 0
    assert figures["interact_runner_ledger_seconds"] < 5
    assert not [name for name in figures if "job-" in name], "labels never name jobs"
    world.end()
    said = events(runner)
    assert {"decided", "answer_started", "ended_succeeded"} <= {one["event"] for one in said} or said, said
    assert all({"time", "level", "event"} <= one.keys() for one in said)
    assert said[-1]["event"] in {"stopping", "stopped"}
    assert "f" * 48 not in runner.log.read_text()


def test_a_stop_waits_for_the_answers_to_what_was_sent(new_world: NewWorld) -> None:
    world = new_world("sqlite", jobs=1, full=True, takes=30)
    runner = world.start("--drain-timeout", "20s")
    world.until(world.decided)
    world.front.trouble = lambda request, _number: time.sleep(0.6) if request.method == "POST" else None
    world.next_hours(1)
    world.until(lambda: world.ledger.counts(world.space).get("sending", 0) == 1)
    world.signal(runner, signal.SIGTERM)
    assert world.forkery.wait(runner.pid) == 0
    world.runners.clear()
    assert world.ledger.counts(world.space) == {"triggered": 1}, runner.log.read_text()
    (line,) = world.lines()
    assert line.owner is None, "the next runner has it at once"
    assert len(world.interact.chats) == 1


def test_until_idle_ends_by_itself(new_world: NewWorld) -> None:
    world = new_world("sqlite", jobs=3, full=True, takes=0.5)
    first = world.start("--until-idle")
    assert world.forkery.wait(first.pid) == 0, first.log.read_text()
    world.next_hours(2)
    second = world.start("--until-idle")
    assert world.forkery.wait(second.pid, 60) == 0, second.log.read_text()
    world.runners.clear()
    assert world.settled()
    world.sums()


class Switch:
    """Who expects a sign of life."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                switch.heard.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/s3cret-of-the-switch"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def switch() -> Iterator[Switch]:
    made = Switch()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_sign_of_life_and_none_while_the_target_refuses_the_key(new_world: NewWorld, switch: Switch) -> None:
    world = new_world("sqlite", jobs=1, full=True, takes=0.1)
    runner = world.start("--ping-url", switch.url)
    world.until(lambda: bool(switch.heard))
    assert switch.heard == ["/s3cret-of-the-switch"]
    assert "s3cret-of-the-switch" not in runner.log.read_text()
    world.end()
    refused = world.start("--ping-url", "ftp://example.com/x")
    assert world.forkery.wait(refused.pid) == 1
    assert "no http or https address" in refused.log.read_text()
    world.runners.clear()


def test_runs_that_nobody_started_in_time_raise_one_alarm(new_world: NewWorld, switch: Switch) -> None:
    world = new_world("sqlite", jobs=1, full=True, takes=0.1)
    said = (world.folder / "interact-gitops.yaml").read_text()
    said += "channels: {ops: {type: webhook, url: '${OPS}'}}\nnotices: {channels: [ops], allow_private: [127.0.0.1]}\n"
    (world.folder / "interact-gitops.yaml").write_text(said)
    job = next((world.folder / "jobs.d").glob("*.yaml"))
    job.write_text(job.read_text().replace("start_deadline: 7d", "start_deadline: 30m"))
    with listening() as heard:
        first = world.start(environment={"OPS": heard.url})
        world.until(world.decided)
        world.kill(first)
        world.bury()
        world.next_hours(3)
        again = world.start(environment={"OPS": heard.url})
        world.until(lambda: bool(heard.bodies))
        time.sleep(1.5)
        world.end()
    assert [body["topic"] for body in heard.bodies] == ["missed_run"]
    assert "job-0" in heard.bodies[0]["title"]
    assert "missed" in {one.state for one in world.lines()}
    assert "missed_run" in [one.get("topic") for one in events(again) if one["event"] == "notice"]


class listening:  # used like a function
    """A webhook's receiver."""

    def __enter__(self) -> Any:
        self.bodies: list[dict[str, Any]] = []
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                ours.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ops"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def test_on_a_terminal_one_line_says_how_it_stands(interact: Shell, tmp_path: Path) -> None:
    """Under a real terminal the line is there and drawn anew, until the runner ends; NO_COLOR has no colours."""
    (interact.folder / "interact-gitops.yaml").write_text(
        'targets:\n  local: {url: "${INTERACT_URL}", organization: "${INTERACT_ORG_ID}",'
        ' api_key: "${INTERACT_API_KEY}", schedules: runner}\n'
    )
    interact("apply", "--yes")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "runner"], cwd=interact.folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
        env={**os.environ, **interact.environment, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(theirs)
    shown = ""
    until = time.monotonic() + 30
    while not re.search(r"0 active; \d+ jobs?, the next at \d\d:\d\d UTC", shown):
        assert time.monotonic() < until, shown
        if select.select([ours], [], [], 0.5)[0]:
            shown += os.read(ours, 65_536).decode(errors="replace")
    process.send_signal(signal.SIGINT)
    while process.poll() is None:
        assert time.monotonic() < until + 30, shown
        if select.select([ours], [], [], 0.2)[0]:
            with contextlib.suppress(OSError):  # the other end is closed
                shown += os.read(ours, 65_536).decode(errors="replace")
    os.close(ours)
    assert process.returncode == 0, shown
    assert "stopping: nothing new is started" in shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", shown), "no colours"
    assert "Traceback" not in shown


def test_a_job_is_never_run_by_both_sides(interact: Shell, server: EmbeddedServer) -> None:
    """A target whose server evaluates its schedules is left to it, and the runner says so."""
    interact("apply", "--yes", "--allow-changes", "100")
    answer = interact("runner", "--once")
    told = answer.out + answer.err
    assert answer.code == 0
    assert "the target evaluates its schedules by itself" in told
    (interact.folder / "interact-gitops.yaml").write_text(
        'targets:\n  local: {url: "${INTERACT_URL}", organization: "${INTERACT_ORG_ID}",'
        ' api_key: "${INTERACT_API_KEY}", schedules: runner}\n'
    )
    interact("apply", "--yes", "--allow-changes", "100")
    answer = interact("runner", "--once")
    assert "by itself" not in answer.out + answer.err
