"""Real signals to the real command, in the middle of writing to a slow target."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interact_gitops.shapes import fit

from .conftest import Room
from .processes import Held, finish, repository, start


@pytest.fixture
def held(room: Room) -> Iterator[Held]:
    """The third write and the fourth: as many as are under way at once."""
    held = Held(room, "POST", "/api/agents/jobs", first=3, waiting=2)
    yield held
    held.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_signal_ends_what_is_under_way_and_reports(
    room: Room, tmp_path: Path, held: Held, form: str, number: signal.Signals
) -> None:
    repository(tmp_path)
    with start(room, tmp_path, "--format", form) as running:
        assert held.reached.wait(30)
        running.send_signal(number)
        time.sleep(0.2)  # so that the signal comes first
        held.go.set()
        out, err = running.communicate(timeout=30)
    made = room.keys()
    assert running.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert len(made) == 4
    if form == "json":
        document = json.loads(out)
        assert fit("apply.schema.json").is_valid(document)
        assert document["interrupted"]
        results = {outcome["key"]: outcome["result"] for outcome in document["outcomes"]}
        assert sorted(key for key, result in results.items() if result == "done") == made
        assert sorted(set(results.values())) == ["done", "not tried"]
    else:
        for key in made:
            assert f"✓ created {key}" in out
        assert f"Applied: {len(made)} done, {12 - len(made)} not tried." in out
        assert "Interrupted: nothing more was started." in out
    finish(room, tmp_path)


def test_a_second_signal_ends_the_waiting(room: Room, tmp_path: Path, held: Held) -> None:
    """CI kills ten seconds after it asked: the report must be out by then, whatever the target does."""
    repository(tmp_path)
    with start(room, tmp_path, "--format", "json") as running:
        assert held.reached.wait(30)
        running.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert running.poll() is None
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert running.returncode == 130, out + err
    assert err == ""
    results = [(outcome["result"], outcome["message"]) for outcome in json.loads(out)["outcomes"]]
    assert sorted(result for result, _ in results) == ["done"] * 2 + ["failed"] * 2 + ["not tried"] * 8
    assert {"it may have been carried out" in said for result, said in results if result == "failed"} == {True}
    held.go.set()
    while len(room.keys()) < 4:  # they were carried out, as it said that they might be
        time.sleep(0.05)
    finish(room, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_write_releases_the_lock(room: Room, tmp_path: Path, number: signal.Signals) -> None:
    repository(tmp_path)
    held = Held(room, "GET", "/api/agents", first=1, waiting=1)
    with start(room, tmp_path) as running:
        assert held.reached.wait(30)
        running.send_signal(number)
        out, err = running.communicate(timeout=30)
    held.end()
    assert running.returncode == 130, out + err
    assert err.strip() == "interrupted"
    assert room.keys() == []
    finish(room, tmp_path)


def test_a_signal_while_waiting_for_the_lock(room: Room, tmp_path: Path) -> None:
    repository(tmp_path)
    with room.direct.locks.held(managed_by="acme/jobs", holder="somebody"):
        with start(room, tmp_path) as running:
            assert running.stderr is not None
            assert running.stderr.readline().startswith("waiting for the lock: somebody has been applying since")
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 130
    finish(room, tmp_path)
