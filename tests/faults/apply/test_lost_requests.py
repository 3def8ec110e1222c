"""Every request of an apply fails once, in every way: the end is git's state, and nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ...contract.client.scripted import CARRIED_OUT, Request, Trouble
from .conftest import KINDS, Room, first_of_each, history, whole_history

SIZE = 10
BEFORE, AFTER = whole_history(SIZE)  # 50 changes
SMALL_BEFORE, SMALL_AFTER = history(1)  # a change of each kind, but for adoptions
SMALL_KEYS = sorted(definition.job.key for definition in SMALL_AFTER)


@pytest.mark.parametrize("trouble", CARRIED_OUT)
def test_each_write_fails_once(room: Room, trouble: Trouble) -> None:
    """The client tries again by itself, and comes out as if nothing had happened."""
    room.settle(BEFORE, SIZE)
    ids = {job.key: job.id for job in room.direct.jobs()}
    room.front.troubles.clear()
    room.spoil(first_of_each(trouble))
    assert len(room.plan(AFTER).changes) == KINDS * SIZE
    applied = room.apply(AFTER)
    assert [o.said for o in applied.outcomes if o.result != "done"] == []
    assert applied.complete
    assert [how for _, how in room.front.troubles] == [trouble] * KINDS * SIZE
    room.demand_end(BEFORE, AFTER, ids)


@pytest.mark.parametrize("trouble", CARRIED_OUT)
def test_giving_up_at_any_write_and_running_again(
    new_room: Callable[[], Room], trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client gives up at once, as if the process had died there; the next apply finishes."""
    for position in range(4):
        room = new_room()
        assert room.apply(SMALL_BEFORE, room.direct).complete
        room.spoil(_nth_write(position, trouble))
        with monkeypatch.context() as patch:
            patch.setattr(room.fronted._transport, "_most_attempts", 1)
            applied = room.apply(SMALL_AFTER, parallelism=1)
        assert [o.result for o in applied.outcomes].count("failed") == 1
        assert applied.count("not tried") == 3 - position
        assert not applied.complete
        assert room.apply(SMALL_AFTER).complete
        assert room.plan(SMALL_AFTER).changes == ()
        assert room.keys() == SMALL_KEYS
        assert room.buried() == ["gone-0"]


@pytest.mark.parametrize("trouble", CARRIED_OUT)
def test_reading_the_target_fails_once(room: Room, trouble: Trouble) -> None:
    assert room.apply(SMALL_BEFORE, room.direct).complete
    spoilt: list[str] = []

    def first_read(request: Request, _number: int) -> Trouble | None:
        if spoilt:
            return None
        spoilt.append(request.target)
        return trouble

    room.spoil(first_read)
    assert room.plan(SMALL_BEFORE, room.fronted).changes == ()
    assert len(spoilt) == 1


def _nth_write(position: int, trouble: Trouble) -> Callable[[Request, int], Trouble | None]:
    writes: list[str] = []

    def spoil(request: Request, _number: int) -> Trouble | None:
        if request.method == "GET":
            return None
        writes.append(request.target)
        return trouble if len(writes) == position + 1 else None

    return spoil
