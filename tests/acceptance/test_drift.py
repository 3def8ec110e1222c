"""`drift` from the command line: what people did on the target, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.interact.records import RemoteJob

from ..contract.client.scripted import Reply, Request, Scripted, problem
from .conftest import Shell

Fits = Callable[[str, Any], None]
BESIDE = {"id", "etag", "definitionHash", "paused", "createdAt", "updatedAt"}


@pytest.fixture
def someone(interact: Shell) -> Iterator[Client]:
    environment = interact.environment
    with Client(environment["INTERACT_URL"], environment["INTERACT_API_KEY"], environment["INTERACT_ORG_ID"]) as client:
        yield client


def find(client: Client, key: str) -> RemoteJob:
    return next(job for job in client.jobs() if job.key == key)


def edit(client: Client, key: str, **fields: Any) -> None:
    job = find(client, key)
    body = {name: value for name, value in job.raw.items() if name not in BESIDE}
    client.replace_job(job.id, {**body, "agent": {"slug": job.raw["agent"]["slug"]}, **fields}, etag=job.etag or "")


def delete(client: Client, key: str) -> None:
    job = find(client, key)
    client.delete_job(job.id, etag=job.etag or "")


def drifted(shell: Shell, *arguments: str) -> list[tuple[str, str]]:
    found = shell("drift", "--format", "json", *arguments, expect=None)
    whole = found.json["drifted"]
    assert found.code == (2 if whole else 0)
    return [(one["what"], one["key"]) for one in whole]


def test_what_people_did_there(interact: Shell, someone: Client, fits: Fits) -> None:
    interact("apply", "--yes")
    assert interact("drift").out == "No drift. 12 jobs on the target as applied.\n"
    edit(someone, "account-overview", schedule={"cron": "15 9 * * *"}, labels={"a": "b"})
    delete(someone, "top-products")
    someone.pause_job(find(someone, "budget-pacing").id, reason="holidays")
    answer = interact("drift", expect=2)
    assert " - deleted top-products" in answer.out
    assert " ~ changed account-overview" in answer.out
    assert "schedule.cron: @weekdays 07:30 → 15 9 * * *" in answer.out.replace('"', "")
    assert "; applied from commit " in answer.out
    assert "Drift: 1 deleted, 1 changed since the last apply; 10 as applied." in answer.out
    machine = interact("drift", "--format", "json", expect=2).json
    fits("drift", machine)
    assert [field["field"] for field in machine["drifted"][1]["fields"]] == ["schedule", "labels"]
    assert interact("drift", "-q", expect=2).out.count("\n") == 1
    assert interact("drift", "--format", "markdown", expect=2).out.startswith("<!-- interact-gitops:drift ")
    interact("apply", "--yes")
    interact("drift", expect=0)


def test_unapplied_changes_in_git_are_none(interact: Shell, someone: Client) -> None:
    interact("apply", "--yes")
    (interact.folder / "jobs.d/ecommerce/top-products.yaml").unlink()
    overview = interact.folder / "jobs.d/paid-search/01-account-overview.yaml"
    overview.write_text(overview.read_text().replace("07:30", "09:45"))
    assert drifted(interact) == []
    edit(someone, "account-overview", owner="somebody")
    assert drifted(interact) == [("changed", "account-overview")]
    assert "the fields cannot be told" in interact("drift", expect=2).out


def test_what_apply_deletes_is_no_drift_even_when_it_comes_back(interact: Shell, someone: Client) -> None:
    file = interact.folder / "jobs.d/ecommerce/top-products.yaml"
    whole = file.read_text()
    interact("apply", "--yes")
    file.unlink()
    interact("apply", "--yes", "--allow-deletes", "1")
    assert drifted(interact) == []
    file.write_text(whole)
    assert drifted(interact) == [], "the file is back, and not applied yet"
    interact("apply", "--yes")
    delete(someone, "top-products")
    assert drifted(interact) == [("deleted", "top-products")]
    file.unlink()
    assert drifted(interact) == [], "nobody wants it any more"


def test_fields_left_to_people(interact: Shell, someone: Client) -> None:
    file = interact.folder / "jobs.d/paid-search/01-account-overview.yaml"
    file.write_text(file.read_text() + "ignore_changes: [prompts, owner]\n")
    interact("apply", "--yes")
    edit(someone, "account-overview", prompts=[{"text": "Mine."}], owner="me")
    assert drifted(interact) == []
    assert "No changes" in interact("plan").out
    states = {job["key"]: job["state"] for job in interact("list", "--format", "json").json["jobs"]}
    assert states["account-overview"] == "in sync"
    file.write_text(file.read_text().replace("07:30", "08:00"))
    interact("apply", "--yes")
    assert find(someone, "account-overview").raw["owner"] == "me", "applying something else leaves them alone"
    assert drifted(interact) == []
    edit(someone, "account-overview", name="By hand")
    assert drifted(interact) == [("changed", "account-overview")]


def test_the_tree_may_be_broken_or_away(interact: Shell, someone: Client) -> None:
    interact("apply", "--yes")
    delete(someone, "top-products")
    (interact.folder / "jobs.d/bad.yaml").write_text("key: [")
    answer = interact("drift", expect=2)
    assert "deleted top-products" in answer.out
    assert answer.err.startswith("note: 1 problem in jobs.d; so a job that git no longer has counts as deleted")
    away = interact("drift", "--definitions", "nowhere", expect=2)
    assert "the definitions folder 'nowhere' is not there" in away.err
    part = interact.folder / "jobs.d/paid-search"
    assert "deleted top-products" in interact("drift", "--definitions", str(part), expect=2).out


def test_selecting(interact: Shell, someone: Client) -> None:
    interact("apply", "--yes")
    edit(someone, "account-overview", owner="me")
    delete(someone, "top-products")
    assert drifted(interact, "--select", "top-*") == [("deleted", "top-products")]
    assert drifted(interact, "--select", "!top-*") == [("changed", "account-overview")]
    assert drifted(interact, "--select", "budget-pacing") == []
    assert "did you mean 'budget-pacing'?" in interact("drift", "--select", "budget-pacng", expect=1).err
    assert "drift selects by key, not by agent" in interact("drift", "--select", "agent:x", expect=1).err


def test_a_public_target_cannot_tell(interact: Shell) -> None:
    def public(request: Request) -> Reply:
        return problem(404, "not_found")

    with Scripted(public) as target:
        interact.environment["INTERACT_URL"] = target.url
        answer = interact("drift", expect=1)
    assert "the target 'environment' offers the public API only" in answer.err
    assert answer.out == ""
