"""The demo: once, and once more; and its end when the terminal asks for it."""

from __future__ import annotations

from .conftest import Shell


def test_demo_twice(shell: Shell) -> None:
    answer = shell("demo")
    first = answer.out
    assert "leaked" not in answer.err
    assert "Plan: 12 to create" in first
    assert "No changes" in first
    assert "4 of 4 chats succeeded." in first
    assert "ROAS" in first
    assert ".interact/demo" in first
    second = shell("demo").out
    assert "No changes" in second
    assert "4 of 4 chats succeeded." in second
