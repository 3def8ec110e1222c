"""Parts beside each other: one that fails is started again, and the others do not notice."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest

from interact_gitops.cli import supervising
from interact_gitops.cli.supervising import Part, supervise
from interact_gitops.errors import Failure


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(supervising, "FIRST_PAUSE", 0.01)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_part_that_fails_is_started_again_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    stopped, begun, steady = threading.Event(), [0, 0], threading.Event()

    def fails() -> None:
        begun[0] += 1
        if begun[0] == 4:
            stopped.set()
        if begun[0] % 2:
            raise Failure("the target is away", remedy="look at it")
        raise ZeroDivisionError("a bug of ours")

    def goes_on() -> None:
        begun[1] += 1
        steady.wait(10)

    with caplog.at_level(logging.ERROR):
        left = supervise(
            [Part(name="fails", work=fails, stop=lambda: None), Part(name="goes on", work=goes_on, stop=steady.set)],
            stopped, drain_seconds=5,
        )  # fmt: skip
    assert left == []
    assert begun == [4, 1]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3, "the last end was wanted"
    assert "the target is away; look at it" in said[0]
    assert "this is a bug: ZeroDivisionError; please report it with" in said[1]
    assert "a bug of ours" not in said[1], "what a bug says may hold anything"


def test_a_part_that_ends_by_itself_is_started_again_too() -> None:
    stopped, begun = threading.Event(), []

    def ends() -> None:
        begun.append(time.monotonic())
        if len(begun) == 3:
            stopped.set()

    assert supervise([Part(name="ends", work=ends, stop=lambda: None)], stopped, drain_seconds=5) == []
    assert len(begun) == 3
    assert begun[2] - begun[1] > begun[1] - begun[0] - 0.01, "each pause is longer than the one before"


def test_a_part_that_does_not_end_is_named() -> None:
    stopped, never = threading.Event(), threading.Event()

    def stuck() -> None:
        stopped.set()
        never.wait(20)

    parts = [Part(name="stuck", work=stuck, stop=lambda: None), Part(name="ends", work=stopped.wait, stop=lambda: None)]
    began = time.monotonic()
    assert supervise(parts, stopped, drain_seconds=0.3) == ["stuck"]
    assert time.monotonic() - began < 5
    never.set()
