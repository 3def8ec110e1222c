"""The clock of leases: nobody can set it, and every process of a boot reads the same."""

from __future__ import annotations

import time

from interact_gitops.ledger import clock


def test_two_clocks_of_one_boot_agree():
    first, second = clock.boot_clock()(), clock.boot_clock()()
    assert first.epoch == second.epoch
    assert 0 <= second.seconds - first.seconds < 5
    assert first.wall.tzinfo is not None


def test_a_clock_step_moves_the_wall_and_not_the_lease(monkeypatch):
    now = clock.boot_clock()
    before = now()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 7_200)
    after = clock.boot_clock()()
    assert after.epoch == before.epoch
    assert after.seconds - before.seconds < 5


def test_without_linux_the_boot_is_told_by_its_time(monkeypatch, tmp_path):
    monkeypatch.setattr(clock, "_BOOT_ID", tmp_path / "none")
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    now = clock.boot_clock()
    assert now().epoch.startswith("boot ")
    assert 0 <= now().seconds - time.monotonic() < 5 or now().seconds <= time.monotonic()
