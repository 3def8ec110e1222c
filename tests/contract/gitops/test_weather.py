"""What happens around the loop: a target that is away, a clock that jumps, other loops on the same target."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.server.serving import EmbeddedServer

from .conftest import Repository, World, git, job
from .test_passes import start


class Target:
    """An Interact that can be taken away and come back where it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = EmbeddedServer(folder, port=0, rate_limit=None, scheduler=False)
        self.port = self.server.options.port

    def away(self) -> None:
        self.server.stop()

    def back(self) -> None:
        self.server = EmbeddedServer(self.folder, port=self.port, rate_limit=None, scheduler=False)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    made = Target(tmp_path / "interact")
    yield made
    made.away()


@pytest.fixture
def world_of_its_own(target: Target, repository: Repository, tmp_path: Path) -> Iterator[World]:
    server = target.server
    environ = {"INTERACT_URL": server.url, "INTERACT_API_KEY": server.api_key,
               "INTERACT_ORG_ID": server.organization_id}  # fmt: skip
    (tmp_path / "ops").mkdir()
    with Client(server.url, server.api_key, server.organization_id) as client:
        yield World(repository, tmp_path / "ops", client, environ)


def test_a_target_that_is_away_for_an_hour(target: Target, world_of_its_own: World) -> None:
    world = world_of_its_own
    start(world, "one", "two")
    good = world.repository.commit(one=job("one", name="Meant"))
    target.away()
    left, passes, pauses = timedelta(hours=1), 0, []
    while left > timedelta(0):
        standing = world.once()
        assert (standing.health, standing.sync) == ("Degraded", "Unknown"), standing
        assert target.server.url.removeprefix("http://") in standing.health_reason
        assert standing.good is not None
        assert standing.good.sha == good
        assert standing.next_at is not None
        pause = standing.next_at - world.when
        pauses.append(pause.total_seconds())
        left -= pause
        world.when = standing.next_at
        passes += 1
    assert standing.failures == passes
    assert max(pauses) <= 72
    assert pauses[0] < 7 < 30 < pauses[-1]
    assert len(pauses) < 90
    target.back()
    standing = world.once()
    assert (standing.health, standing.sync, standing.failures) == ("Healthy", "Synced", 0)
    assert world.names() == {"one": "Meant", "two": "Two"}


@pytest.mark.parametrize("step", [timedelta(hours=-2), timedelta(hours=2), timedelta(days=-400), timedelta(days=400)])
def test_a_clock_that_steps(world: World, step: timedelta) -> None:
    start(world, "one", "two")
    world.by_hand("two", name="By hand")
    world.when += step
    standing = world.once()
    assert (standing.sync, standing.health) == ("OutOfSync", "Healthy"), "a look from another time does not count"
    assert standing.next_at is not None
    assert standing.next_at - world.when < timedelta(minutes=2), "the pause is as long as ever"
    world.repository.commit(one=job("one", name="After the step"))
    world.once()
    world.when -= step
    world.once()
    assert world.names() == {"one": "After the step", "two": "By hand"}


def test_two_repositories_on_one_target(new_world: Callable[[], World], tmp_path: Path) -> None:
    first = new_world()
    start(first, "shared", "mine")
    remote, work = tmp_path / "other.git", tmp_path / "other"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
    git(tmp_path, "clone", "-q", str(remote), str(work))
    other = World(Repository(remote, work), tmp_path / "other-ops", first.client, first.environ)
    other.folder.mkdir()
    other.repository.write("interact-gitops.yaml", "managed_by: beta/jobs\nguards: {max_deletes: 100%}\n")
    other.repository.commit(theirs=job("theirs"), shared=job("shared", name="Claimed"))
    standing = other.once()
    assert standing.health == "Degraded"
    (item,) = standing.items
    assert item.key == "shared"
    assert "acme/jobs" in item.reason
    assert "beta/jobs" in item.reason
    assert first.names() == {"shared": "Shared", "mine": "Mine", "theirs": "Theirs"}
    other.repository.commit(shared=None)
    assert other.once().sync == "Synced"
    other.repository.commit(theirs=None, second=job("second"))
    other.later(minutes=10)
    other.once()
    first.later(minutes=10)
    assert first.once().sync == "Synced"
    assert first.names() == {"shared": "Shared", "mine": "Mine", "second": "Second"}
