"""Two applies of one configuration at once, as real processes: the second waits, fails clearly, or takes over."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from interact_gitops.server.serving import EmbeddedServer

from .conftest import Room
from .processes import Held, finish, repository, start


@pytest.fixture
def held(room: Room) -> Iterator[Held]:
    """The third write and the fourth: as many as are under way at once."""
    held = Held(room, "POST", "/api/agents/jobs", first=3, waiting=2)
    yield held
    held.end()


@pytest.fixture
def pass_by(embedded: EmbeddedServer) -> Callable[[float], None]:
    """Lets time pass for the server."""

    def wait(seconds: float) -> None:
        clock = embedded.instance.clock
        embedded.instance.clock = lambda: clock() + timedelta(seconds=seconds)

    return wait


def test_the_second_waits_for_the_first_and_plans_after_it(room: Room, tmp_path: Path, held: Held) -> None:
    repository(tmp_path)
    with start(room, tmp_path) as first:
        assert held.reached.wait(30)
        with start(room, tmp_path, direct=True) as second:
            assert second.stderr is not None
            waiting = second.stderr.readline()
            assert waiting.startswith("waiting for the lock: ")
            assert f"(process {first.pid}) has been applying since 20" in waiting
            assert waiting.endswith("Z; for 60 s more\n")
            assert len(room.keys()) == 2
            held.go.set()
            out, err = first.communicate(timeout=30)
            assert first.returncode == 0, out + err
            assert "Applied: 12 done." in out
            out, err = second.communicate(timeout=30)
    assert second.returncode == 0, out + err
    assert out == "No changes. The target matches the definitions: 12 unchanged.\n"
    assert err == ""
    assert len(room.keys()) == 12
    finish(room, tmp_path)


def test_the_second_can_fail_at_once(room: Room, tmp_path: Path, held: Held) -> None:
    repository(tmp_path)
    github = {
        "GITHUB_RUN_ID": "17", "GITHUB_REPOSITORY": "acme/jobs", "GITHUB_SERVER_URL": "https://git.example.com",
        "GITHUB_ACTOR": "ada",
    }  # fmt: skip
    with start(room, tmp_path, **github) as first:
        assert held.reached.wait(30)
        for options, after in ((["--lock-timeout", "0"], ""), (["-q", "--lock-timeout", "1s"], " after 1s of waiting")):
            with start(room, tmp_path, *options, direct=True) as second:
                out, err = second.communicate(timeout=30)
            assert (second.returncode, out) == (1, "")
            said, remedy = err.splitlines()
            assert said.startswith(
                "error: the target is locked: https://git.example.com/acme/jobs/actions/runs/17 (ada) has been applying"
            )
            assert said.endswith(f"Z; nothing was done{after}")
            assert remedy.startswith("  unless it is renewed, the lock expires at 20")
            assert remedy.endswith("Z; try again then, or wait longer with --lock-timeout")
        held.go.set()
        first.communicate(timeout=30)
    assert first.returncode == 0
    finish(room, tmp_path)


def test_a_killed_applys_lock_expires(room: Room, tmp_path: Path, held: Held, pass_by: Callable[[float], None]) -> None:
    repository(tmp_path)
    with start(room, tmp_path) as first:
        assert held.reached.wait(30)
        first.kill()
        first.communicate(timeout=30)
    held.go.set()
    with start(room, tmp_path, direct=True) as second:
        assert second.stderr is not None
        assert second.stderr.readline().startswith("waiting for the lock: ")
        pass_by(31)
        out, err = second.communicate(timeout=30)
    assert second.returncode == 0, out + err
    assert len(room.keys()) == 12
    finish(room, tmp_path)


def test_who_stalls_past_the_lease_stops_when_somebody_else_took_over(room: Room, tmp_path: Path, held: Held) -> None:
    """With a real lease of two seconds. What was under way ends as it ends; nothing more is started."""
    repository(tmp_path)
    with start(room, tmp_path, "--on-error", "continue", lease_seconds=2) as first:
        assert held.reached.wait(30)
        first.send_signal(signal.SIGSTOP)
        with start(room, tmp_path, direct=True, lease_seconds=2) as second:
            out, err = second.communicate(timeout=30)
        assert second.returncode == 0, out + err
        assert "waiting for the lock: " in err
        assert "Applied: 10 done." in out
        held.go.set()
        first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=30)
    assert first.returncode == 1, out + err
    # Two were done before; the two that were held came too late, and found their keys taken.
    assert "Applied: 2 done, 2 failed, 8 not tried." in out
    assert "The lock was lost on the way, and somebody else may be applying: nothing more was started." in out
    assert len(room.keys()) == 12
    finish(room, tmp_path)


def test_who_stalls_alone_goes_on(room: Room, tmp_path: Path, held: Held) -> None:
    """Nobody wanted the lock meanwhile: it is renewed as if nothing had happened."""
    repository(tmp_path)
    with start(room, tmp_path, lease_seconds=1) as first:
        assert held.reached.wait(30)
        first.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        held.go.set()
        first.send_signal(signal.SIGCONT)
        out, err = first.communicate(timeout=30)
    assert first.returncode == 0, out + err
    assert "Applied: 12 done." in out
    finish(room, tmp_path)
