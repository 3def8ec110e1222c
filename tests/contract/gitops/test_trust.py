"""What a commit may not decide: which secrets leave, whose jobs these are, and what is approved unseen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from interact_gitops.gitops.memory import read_standing
from interact_gitops.gitops.standing import Difference
from interact_gitops.gitops.telling import standing_form

from .conftest import World, job

CHANNEL = "channels: {ops: {type: webhook, url: 'https://hooks.example.com/%s'}}\n"


def configure(world: World, text: str) -> None:
    world.repository.write("interact-gitops.yaml", text)
    world.repository.commit(a=job("a"))


@pytest.mark.parametrize("name", ["OPS", "PATH", "file:/etc/hostname"])
def test_a_commit_sends_no_secret_that_it_was_not_given(world: World, name: str) -> None:
    world.environ |= {"OPS": "CanaryOfTheLoop7Xk2"}
    configure(world, CHANNEL % f"${{{name}}}")
    standing = world.once()
    assert standing.health == "Degraded"
    assert f"channels.ops.url: commits may not use the secret '{name}'" in standing.health_reason
    assert f"--channel-secret {name}" in standing.health_reason
    assert "Canary" not in repr(standing)
    assert world.names() == {}
    assert world.client.channels.list() == []


def test_the_key_goes_to_no_channel_whoever_allows_it(world: World) -> None:
    world.environ |= {"INTERACT_API_KEY": "CanaryOfTheLoop7Xk2"}
    configure(world, CHANNEL % "${INTERACT_API_KEY}")
    standing = world.once(channel_secrets=("INTERACT_API_KEY",))
    assert standing.health == "Degraded"
    (said,) = standing.problems
    assert "INTERACT_API_KEY is the key of a target or of the ledger" in said
    assert "Canary" not in repr(standing)
    assert world.client.channels.list() == []


def test_a_secret_that_the_operator_named_is_used(world: World, tmp_path: Path) -> None:
    world.environ |= {"OPS": "T0/B0"}
    secret = tmp_path / "secret"
    secret.write_text("T1/B1\n")
    configure(world, CHANNEL % "${OPS}")
    assert world.once(channel_secrets=("OPS", f"file:{secret}")).sync == "Synced"
    configure(world, CHANNEL % f"${{file:{secret}}}")
    assert world.once().sync == "Synced"
    assert [channel.name for channel in world.client.channels.list()] == ["ops"]


def test_a_first_commit_does_not_take_over_another_repositorys_jobs(world: World) -> None:
    configure(world, "managed_by: acme/ours\n")
    standing = world.once()
    assert standing.sync == "Synced"
    elsewhere = {
        **standing_form(standing),
        "repository": "https://example.com/acme/theirs.git",
        "managedBy": "acme/theirs",
    }
    world.client.loops.report(elsewhere)
    shutil.rmtree(world.folder / "state")
    world.restart()
    configure(world, "managed_by: acme/theirs\n")
    world.repository.commit(a=None, b=job("b"))
    standing = world.once()
    assert (
        "the jobs of 'acme/theirs' are kept by the sync of https://example.com/acme/theirs.git"
        in standing.health_reason
    )
    assert world.loop is not None
    assert world.loop.commits.in_force is None  # nor is anything run
    assert list(world.names()) == ["a"]
    assert world.once(mark="acme/theirs").sync == "Synced"  # the operator knows better
    assert {key: found.managed_by for key, found in world.jobs().items()} == {"a": "acme/ours", "b": "acme/theirs"}


def test_the_same_repository_by_another_address_is_the_same(world: World) -> None:
    configure(world, "managed_by: acme/ours\n")
    world.once()
    shutil.rmtree(world.folder / "state")
    world.restart()
    assert world.once(repo=f"file://{world.repository.remote}").sync == "Synced"


def test_the_operators_mark_holds(world: World) -> None:
    configure(world, "managed_by: acme/theirs\n")
    standing = world.once(mark="acme/ours")
    assert (
        "the commit's jobs are those of 'acme/theirs', and the loop keeps those of 'acme/ours'"
        in standing.health_reason
    )
    assert world.names() == {}


def test_a_configuration_that_is_a_link_out_is_not_as_none(world: World) -> None:
    configure(world, "managed_by: acme/ours\n")
    world.once()
    (world.repository.work / "interact-gitops.yaml").unlink()
    os.symlink("/etc/hostname", world.repository.work / "interact-gitops.yaml")
    world.repository.commit(a=job("a", name="Changed"))
    standing = world.once()
    assert "'interact-gitops.yaml' at" in standing.health_reason
    assert "is a link that leads to no file of the commit" in standing.health_reason
    assert world.names() == {"a": "A"}


def test_what_waits_is_named(world: World) -> None:
    world.repository.commit(**{key: job(key) for key in "abcdef"})
    world.once()
    world.repository.commit(a=None, b=None, c=job("c", name="Changed"), g=job("g"))
    standing = world.once()
    assert standing.hold is not None
    (changed,) = (item for item in standing.items if item.key == "c")
    assert changed.fields == (Difference(field="name", target="C", git="Changed"),)
    assert read_standing(world.folder / "state") == standing
    assert {item.key: (item.state, item.reason) for item in standing.items} == {
        "a": ("pending", "to be deleted"), "b": ("pending", "to be deleted"),
        "c": ("pending", "to be changed: name"), "g": ("pending", "to be created"),
    }  # fmt: skip


def test_a_job_deleted_by_hand_is_said_to_be(world: World) -> None:
    world.repository.commit(a=job("a"), b=job("b"))
    world.once()
    world.delete_by_hand("a")
    world.by_hand("b", name="Else")
    world.later(minutes=10)
    assert {item.key: item.reason for item in world.once().items} == {
        "a": "it was deleted on the target by hand", "b": "it was changed on the target by hand",
    }  # fmt: skip


def test_a_held_lock_says_nothing_against_the_commit(world: World) -> None:
    world.repository.commit(a=job("a"))
    world.once()
    assert world.loop is not None
    with world.client.locks.held(managed_by=world.loop.standing.managed_by, holder="somebody"):
        world.repository.commit(a=job("a", name="Changed"))
        standing = world.once()
    assert standing.sync_reason == "the changes wait until somebody else has applied theirs"
    assert "somebody else is applying" in standing.health_reason
    assert world.once().sync == "Synced"


@pytest.mark.parametrize("broken", ["objects", "objects/pack", "refs", "HEAD"])
@pytest.mark.parametrize("anew", [False, True])
def test_a_damaged_mirror_heals(world: World, broken: str, anew: bool) -> None:
    world.repository.commit(a=job("a"))
    world.once()
    at = world.folder / "state" / "mirror" / ".git" / broken
    (shutil.rmtree if at.is_dir() else os.unlink)(at)
    if anew:
        world.restart()
    world.repository.commit(a=job("a", name="Changed"))
    for _ in range(3):
        standing = world.once()
        world.later(minutes=1)
    assert (standing.sync, world.names()) == ("Synced", {"a": "Changed"})
