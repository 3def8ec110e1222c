"""Passes of the loop: what a commit changes is written, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interact_gitops.gitops.controls import Word, change_controls, read_controls
from interact_gitops.gitops.memory import read_standing
from interact_gitops.jobs.wire import job_from_wire, job_to_wire

from .conftest import World, git, job

WORD = Word(by="ada", at="2026-11-23T08:00:00+00:00", reason="a test")


def start(world: World, *keys: str) -> str:
    """A first commit with jobs, written to the target."""
    sha = world.repository.commit("first", **{key: job(key) for key in keys})
    standing = world.once()
    assert (standing.sync, standing.health, standing.failures) == ("Synced", "Healthy", 0), standing
    assert set(world.jobs()) == set(keys)
    return sha


def tell(world: World, **controls: Any) -> None:
    change_controls(world.folder / "state", lambda before: replace(before, **controls))


def test_a_commit_is_written_and_remembered(world: World) -> None:
    sha = start(world, "one", "two")
    assert {found.raw["commit"] for found in world.jobs().values()} == {sha}
    found = read_standing(world.folder / "state")
    assert found is not None
    assert found == world.loop.standing  # type: ignore[union-attr]  # there is one after a pass
    assert (found.applied, found.jobs, dict(found.counts)) == (sha, 2, {"create": 2})


def test_an_unchanged_branch_asks_the_target_nothing(world: World) -> None:
    start(world, "one")
    asked = count_requests(world)
    world.later(minutes=1)
    assert world.once().sync == "Synced"
    assert asked == []


def test_a_changed_file_costs_its_own_job_alone(world: World) -> None:
    start(world, *(f"job-{number}" for number in range(8)))
    world.later(minutes=6)  # the ids of jobs that we made are learnt with the next look at everything
    world.once()
    world.repository.commit(job_3=job("job-3", name="Changed"))
    asked = count_requests(world)
    assert world.once().sync == "Synced"
    assert world.names()["job-3"] == "Changed"
    reads = [path for method, path in asked if method == "GET"]
    assert len(reads) == 2, asked  # the job, and our own look above
    assert any(path.startswith("/api/agents/jobs/") for path in reads)
    assert [method for method, _ in asked if method == "PUT"] == ["PUT"]


def test_moved_new_and_removed_jobs_in_one_commit(world: World) -> None:
    start(world, "one", "two", "three")
    ids = {key: found.id for key, found in world.jobs().items()}
    world.repository.commit(
        one=None, uno=job("uno", moved_from="[one]"), two=None, four=job("four"),
    )  # fmt: skip
    world.later(minutes=1)
    assert world.once().sync == "Synced"
    assert set(world.jobs()) == {"uno", "three", "four"}
    assert world.jobs()["uno"].id == ids["one"]


def test_what_people_change_by_hand_is_reported_and_left(world: World) -> None:
    start(world, "one", "two")
    world.by_hand("one", name="By hand")
    world.later(minutes=6)
    standing = world.once()
    assert (standing.sync, standing.health) == ("OutOfSync", "Healthy")
    assert [(item.key, item.state) for item in standing.items] == [("one", "drifted")]
    assert world.names()["one"] == "By hand"
    world.restart()
    world.later(minutes=6)
    assert world.once().items == standing.items


def test_a_commit_counts_more_than_a_hand(world: World) -> None:
    start(world, "one", "two")
    world.by_hand("one", name="By hand")
    world.by_hand("two", name="By hand too")
    world.repository.commit(one=job("one", name="By git"))
    world.later(minutes=1)
    world.once()
    assert world.names() == {"one": "By git", "two": "By hand too"}


def test_a_lost_memory_puts_nothing_back(world: World) -> None:
    start(world, "one", "two")
    world.by_hand("one", name="By hand")
    world.delete_by_hand("two")
    (world.folder / "state" / "standing.json").unlink()
    world.restart()
    standing = world.once()
    assert world.names() == {"one": "By hand"}
    assert {item.key: item.state for item in standing.items} == {"one": "drifted", "two": "drifted"}


def test_healing_puts_back_what_was_changed_and_deleted(world: World) -> None:
    start(world, "one", "two", "three")
    world.by_hand("one", name="By hand")
    world.delete_by_hand("two")
    world.later(minutes=6)
    assert world.once(heal=True).sync == "Synced"
    assert world.names() == {"one": "One", "two": "Two", "three": "Three"}


def test_who_changes_it_back_each_time_is_told_of_and_left(world: World) -> None:
    start(world, "one")
    world.once(heal=True)
    for _ in range(3):
        world.by_hand("one", name="Mine")
        world.later(minutes=6)
        world.once()
        assert world.names()["one"] == "One"
    world.by_hand("one", name="Mine")
    world.later(minutes=6)
    standing = world.once()
    assert [(item.key, item.state) for item in standing.items] == [("one", "fighting")]
    assert standing.health == "Degraded"
    assert world.names()["one"] == "Mine"
    world.restart()
    world.later(minutes=6)
    world.once()
    assert world.names()["one"] == "Mine"  # not even a restart forgets it
    world.repository.commit(one=job("one", name="Settled"))
    assert world.once().sync == "Synced"
    assert world.names()["one"] == "Settled"


def test_ignored_changes_are_left_in_diff_and_in_apply(world: World) -> None:
    world.repository.commit(one=job("one", ignore_changes="[name]"))
    world.once(heal=True)
    world.by_hand("one", name="Theirs")
    world.later(minutes=6)
    assert world.once().sync == "Synced"
    world.repository.commit(one=job("one", ignore_changes="[name]", description="New"))
    world.once()
    assert world.names()["one"] == "Theirs"
    assert world.jobs()["one"].raw["description"] == "New"


def test_a_bad_commit_changes_nothing_and_is_told_with_its_line(world: World) -> None:
    sha = start(world, "one", "two")
    world.repository.commit(one=job("one", name="Half"), two="key: two\nnmae: Two\n")
    for _ in range(2):
        standing = world.once()
        assert (standing.sync, standing.health) == ("OutOfSync", "Degraded")
        assert any("jobs.d/two.yaml:2:1:" in problem for problem in standing.problems)
        assert standing.good is not None
        assert standing.good.sha == sha
        world.later(minutes=1)
    assert world.names() == {"one": "One", "two": "Two"}
    assert standing.next_at is not None
    assert (standing.next_at - world.when).total_seconds() < 70  # a mended commit is not waited for long
    world.repository.commit(two=job("two"))
    assert world.once().sync == "Synced"
    assert world.names() == {"one": "Half", "two": "Two"}


def test_a_commit_that_deletes_everything_waits(world: World) -> None:
    start(world, "one", "two", "three")
    world.repository.commit("gone", one=None, two=None, three=None)
    standing = world.once()
    assert "no definitions folder" in standing.health_reason
    world.repository.write("jobs.d/notes.txt", "nothing here\n")
    world.repository.commit("an empty folder")
    standing = world.once()
    assert standing.hold is not None
    assert "the definitions hold no job" in standing.hold.reason
    assert set(world.jobs()) == {"one", "two", "three"}


def test_deletes_over_the_guard_wait_for_their_digest_once(world: World) -> None:
    start(world, "a", "b", "c", "d", "e")
    world.repository.commit(a=None, b=None, c=job("c", name="Changed"))
    standing = world.once()
    assert standing.hold is not None
    assert standing.hold.digest is not None
    assert f"sync approve {standing.hold.digest}" in standing.hold.release
    assert len(world.jobs()) == 5
    asked = count_requests(world)
    world.later(minutes=1)
    assert world.once().hold == standing.hold
    assert asked == []
    tell(world, approvals={"0" * 64: WORD})
    world.later(minutes=6)
    assert len(world.once().hold.reason) > 0  # type: ignore[union-attr]  # it still waits
    tell(world, approvals={standing.hold.digest: WORD})
    assert world.once().sync == "Synced"
    assert set(world.jobs()) == {"c", "d", "e"}
    assert read_controls(world.folder / "state").approvals == {}


def test_a_pinned_commit_stays(world: World) -> None:
    first = start(world, "one")
    world.repository.commit(one=job("one", name="Nonsense"))
    world.once()
    tell(world, pin=replace(WORD, value=first))
    world.once()
    assert world.names()["one"] == "One"
    world.repository.commit(one=job("one", name="More nonsense"))
    world.later(minutes=10)
    world.once()
    assert world.names()["one"] == "One"
    tell(world, pin=None)
    world.once()
    assert world.names()["one"] == "More nonsense"


def test_a_suspended_loop_writes_nothing(world: World) -> None:
    start(world, "one")
    tell(world, suspend=WORD)
    world.repository.commit(one=job("one", name="Changed"))
    standing = world.once()
    assert (standing.health, standing.sync, world.names()["one"]) == ("Suspended", "Unknown", "One")
    tell(world, suspend=None)
    standing = world.once()
    assert (standing.health, standing.sync) == ("Healthy", "Synced")
    assert world.names()["one"] == "Changed"


def test_controls_that_cannot_be_read_stop_everything(world: World) -> None:
    start(world, "one")
    (world.folder / "state" / "controls.json").write_text("{")
    world.repository.commit(one=job("one", name="Changed"))
    standing = world.once()
    assert "controls.json" in standing.health_reason
    assert world.names()["one"] == "One"


def test_outside_its_windows_nothing_is_written(world: World) -> None:
    windows = "sync: {windows: [{kind: deny, cron: '0 8 * * *', for: 2h}]}\n"
    world.repository.write("interact-gitops.yaml", f"managed_by: acme/jobs\n{windows}")
    world.repository.commit(one=job("one"))
    standing = world.once()
    assert standing.hold is not None
    assert "until 2026-11-23T10:00Z" in standing.hold.reason
    assert world.jobs() == {}
    world.later(hours=2)
    assert world.once().sync == "Synced"
    world.later(hours=22.5)
    world.repository.commit(one=job("one", name="Urgent"))
    assert world.once().hold is not None
    tell(world, override=replace(WORD, value="2026-11-24T09:00:00+00:00"))
    assert world.once().sync == "Synced"
    assert world.names()["one"] == "Urgent"


def test_a_protected_target_waits_for_every_plan(world: World) -> None:
    world.environ |= {"URL": world.environ["INTERACT_URL"], "KEY": world.environ["INTERACT_API_KEY"]}
    (world.folder / "interact-gitops.yaml").write_text(
        "targets: {main: {url: '${URL}', organization: '${INTERACT_ORG_ID}', api_key: '${KEY}', protected: true}}\n"
    )
    world.repository.commit(one=job("one"))
    standing = world.once()
    assert standing.hold is not None
    assert "protected" in standing.hold.reason
    tell(world, approvals={standing.hold.digest or "": WORD})
    assert world.once().sync == "Synced"


@pytest.mark.parametrize("foreign", ["other/repository", None])
def test_a_job_of_somebody_else_is_refused_and_named(world: World, foreign: str | None) -> None:
    start(world, "one")
    body = {**job_to_wire(job_from_wire(world.jobs()["one"].raw)), "key": "theirs", "managedBy": foreign}
    world.client.create_job(body, idempotency_key="x")
    world.repository.commit(theirs=job("theirs"))
    standing = world.once()
    assert standing.health == "Degraded"
    (item,) = standing.items
    assert item.key == "theirs"
    assert foreign is None or foreign in item.reason or "KeyTaken" in item.reason or "taken" in item.reason
    assert world.names()["theirs"] == "One"


def test_a_new_mark_is_refused(world: World) -> None:
    start(world, "one")
    world.repository.write("interact-gitops.yaml", "managed_by: other/jobs\n")
    world.repository.commit(one=job("one", name="Changed"))
    assert "changes managed_by" in world.once().health_reason
    assert world.names()["one"] == "One"


def test_history_may_be_rewritten_and_the_branch_go(world: World) -> None:
    start(world, "one")
    git(world.repository.work, "commit", "-q", "--amend", "-m", "another past")
    world.repository.write("jobs.d/one.yaml", job("one", name="Rewritten"))
    git(world.repository.work, "commit", "-qam", "more")
    world.repository.push("--force")
    assert world.once().sync == "Synced"
    assert world.names()["one"] == "Rewritten"
    git(world.repository.work, "push", "-q", "origin", ":main")
    standing = world.once()
    assert "no branch 'main'" in standing.health_reason
    assert standing.sync == "Unknown"
    assert world.names()["one"] == "Rewritten"
    world.repository.push()
    assert world.once().sync == "Synced"


def test_a_damaged_mirror_is_made_anew(world: World) -> None:
    start(world, "one")
    world.repository.commit(one=job("one", name="Changed"))
    for pack in (world.folder / "state/mirror/.git/objects").rglob("*"):
        if pack.is_file():
            pack.chmod(0o644)
            pack.write_bytes(b"garbage")
    world.restart()
    for _ in range(3):
        standing = world.once()
        world.later(minutes=1)
    assert standing.sync == "Synced", standing
    assert world.names()["one"] == "Changed"


def count_requests(world: World) -> list[tuple[str, str]]:
    """Every request from now on, as (method, path)."""
    asked: list[tuple[str, str]] = []
    transport = world.client._transport
    send = transport.send

    def counting(method: str, path: str, **more: Any) -> Any:
        if path != "/api/sync":  # what it says of itself
            asked.append((method, path))
        return send(method, path, **more)

    transport.send = counting  # type: ignore[method-assign]  # the test looks over its shoulder
    return asked
