"""Apply as a user meets it: reviewed plans, guards, the last job, half-done work, how much it says."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from typing import Any

import pytest

from interact_gitops.interact.client import Client

from .conftest import COMMAND, Shell

JOB = "key: {key}\nname: {key}\nagent: paid-search-analyst\nprompt: {prompt}\n"


def write(shell: Shell, *keys: str, prompt: str = "What was spent?") -> None:
    for key in keys:
        (shell.folder / "jobs.d" / f"{key}.yaml").write_text(JOB.format(key=key, prompt=prompt))


def remove(shell: Shell, *keys: str) -> None:
    for key in keys:
        (shell.folder / "jobs.d" / f"{key}.yaml").unlink()


def client(shell: Shell) -> Client:
    given = shell.environment
    return Client(given["INTERACT_URL"], given["INTERACT_API_KEY"], given["INTERACT_ORG_ID"])


@pytest.fixture
def three(interact: Shell) -> Shell:
    """A target with three jobs of ours, and nothing else in the tree."""
    shutil.rmtree(interact.folder / "jobs.d")
    (interact.folder / "jobs.d").mkdir()
    write(interact, "a", "b", "c")
    interact("apply", "--yes")
    return interact


def rewrite(shell: Shell, key: str, **changes: Any) -> None:
    """Somebody else writes a job on the target."""
    with client(shell) as there:
        job = next(job for job in there.jobs() if job.key == key)
        body = {name: value for name, value in job.raw.items()
                if name not in {"id", "etag", "definitionHash", "paused", "createdAt", "updatedAt"}}  # fmt: skip
        body["agent"] = {"slug": body["agent"]["slug"]}
        there.replace_job(job.id, {**body, **changes}, etag=job.etag or "")


def test_a_reviewed_plan_is_applied(three: Shell) -> None:
    write(three, "b", prompt="What was earned?")
    three("plan", "--out", "plan.json")
    answer = three("apply", "plan.json", "--yes")
    assert "Applied: 1 done." in answer.out
    # Again: everything in it is done.
    assert three("apply", "plan.json", "--yes").out == (
        "No changes. The target matches the definitions: 3 unchanged.\n"
    )


@pytest.mark.parametrize("changes", [{"name": "Theirs"}, {"commit": "f" * 40}])
def test_a_plan_is_stale_when_a_job_in_it_moved(three: Shell, changes: dict[str, str]) -> None:
    """Also when only its revision did: what was read by the reviewer is not what is there."""
    write(three, "a", "b", prompt="What was earned?")
    three("plan", "--out", "plan.json")
    rewrite(three, "b", **changes)
    answer = three("apply", "plan.json", "--yes", "-q", expect=1)
    assert answer.err == (
        "error: stale plan: b moved since it was made; nothing was done\n  plan again, and have it read\n"
    )
    with client(three) as there:
        assert {job.key: job.raw["prompts"][0]["text"] for job in there.jobs()}["a"] == "What was spent?"


def test_a_pause_is_no_reason_for_a_new_plan(three: Shell) -> None:
    write(three, "a", prompt="What was earned?")
    three("plan", "--out", "plan.json")
    with client(three) as there:
        there.pause_job(next(job.id for job in there.jobs() if job.key == "a"), reason="holidays")
    assert "Applied: 1 done." in three("apply", "plan.json", "--yes").out


def test_a_plan_is_stale_when_its_files_moved(three: Shell) -> None:
    write(three, "a", prompt="What was earned?")
    three("plan", "--out", "plan.json")
    write(three, "c", "new")
    assert "stale plan: new moved" in three("apply", "plan.json", "--yes", expect=1).err
    remove(three, "new")
    write(three, "a")
    assert "stale plan: a moved" in three("apply", "plan.json", "--yes", expect=1).err


def test_a_half_done_plan_is_finished(three: Shell) -> None:
    """One of its changes was carried out before the process died; what is left is still what was reviewed."""
    remove(three, "c")
    write(three, "a", "new", prompt="What was earned?")
    three("plan", "--out", "plan.json")
    three("apply", "--yes", "--select", "a", "--select", "new")
    answer = three("apply", "plan.json", "--yes")
    assert "Applied: 1 done." in answer.out
    assert "deleted c" in answer.out


def test_plan_files_that_are_none(three: Shell, server: Any) -> None:
    write(three, "a", prompt="What was earned?")
    three("plan", "--out", "plan.json")
    file = three.folder / "plan.json"
    saved = json.loads(file.read_text())
    saved["changes"][0]["after"]["prompts"][0]["text"] = "Something else"
    file.write_text(json.dumps(saved))
    assert "plan.json was changed after it was written" in three("apply", "plan.json", "--yes", expect=1).err
    file.write_text(json.dumps({**saved, "formatVersion": "9"}))
    assert "plan.json is a plan of format '9'" in three("apply", "plan.json", "--yes", expect=1).err
    file.write_text("{}")
    assert "plan.json is not a plan file" in three("apply", "plan.json", "--yes", expect=1).err
    three("plan", "--out", "plan.json")
    organization, key = server.create_organization("elsewhere")
    elsewhere = Shell(three.folder, {**three.environment, "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization})
    assert f"not for {server.url} {organization}" in elsewhere("apply", "plan.json", "--yes", expect=1).err
    (three.folder / "interact-gitops.yaml").write_text("managed_by: acme/others\n")
    assert "this plan is for what acme/jobs manages" in three("apply", "plan.json", "--yes", expect=1).err


def test_a_plan_file_keeps_no_secret(three: Shell) -> None:
    write(three, "a", prompt="What was earned?")
    three("plan", "--out", "plan.json")
    assert three.environment["INTERACT_API_KEY"] not in (three.folder / "plan.json").read_text()


def test_guards_say_all_there_is_to_know(three: Shell) -> None:
    (three.folder / "interact-gitops.yaml").write_text("guards: {max_deletes: 0, max_changes: 1}\n")
    write(three, "a", "b", prompt="What was earned?")
    remove(three, "c")
    answer = three("apply", "--yes", "-q", expect=1)
    assert answer.err == (
        "error: this would delete 1 of the 3 jobs managed from here; the limit is 0 (guards.max_deletes: 0); "
        "this would change 2 of the 3 jobs managed from here; the limit is 1 (guards.max_changes: 1)\n"
        "  check the plan; pass --allow-deletes 1 --allow-changes 2 to go on this once\n"
    )
    assert "Applied: 3 done." in three("apply", "--yes", "--allow-deletes", "1", "--allow-changes", "2").out


def test_the_last_jobs_can_go(three: Shell) -> None:
    remove(three, "a", "b", "c")
    answer = three("apply", "--yes", "-q", expect=1)
    assert "the definitions hold no job, and the target has 3 that are managed from here" in answer.err
    assert "pass --allow-empty --allow-deletes 3 to go on this once" in answer.err
    assert "Applied: 3 done." in three("apply", "--yes", "--allow-empty", "--allow-deletes", "3").out
    with client(three) as there:
        assert there.jobs() == []
    write(three, "a")
    three("apply", "--yes")
    remove(three, "a")
    assert "Applied: 1 done." in three("apply", "--yes", "--allow-empty").out


def test_quiet_says_the_end_alone(three: Shell) -> None:
    write(three, "a", "b", prompt="What was earned?")
    answer = three("apply", "--yes", "-q", "--allow-changes", "2")
    assert answer.out == "Plan: 0 to create, 2 to update, 0 to delete, 1 unchanged.\nApplied: 2 done.\n"
    assert answer.err == ""


def test_lock_timeouts_that_are_none(three: Shell) -> None:
    for text in ("5x", "-1", "", "1.5s", "5"):
        answer = three("apply", "--yes", "--lock-timeout", text, expect=1)
        assert "is not a duration; write 90s, 5m, 1h30m, or 0" in answer.err


@pytest.mark.parametrize(("options", "shown"), [([], True), (["-q"], False)])
def test_a_bar_on_a_terminal_and_on_stderr_only(three: Shell, options: list[str], shown: bool) -> None:
    write(three, *(f"more-{n}" for n in range(30)))
    screen, terminal = pty.openpty()
    environment = {**os.environ, **three.environment, "PYTHONWARNINGS": "error", "TERM": "xterm"}
    done = subprocess.run(
        [*COMMAND, "apply", "--yes", *options], cwd=three.folder, env=environment, stdout=subprocess.PIPE,
        stderr=terminal, text=True, check=False,
    )  # fmt: skip
    os.close(terminal)
    seen = read_all(screen)
    assert done.returncode == 0, seen
    assert "Applied: 30 done." in done.stdout
    assert "applying" not in done.stdout
    assert ("30/30" in seen) == shown
    assert (seen == "") != shown


def read_all(screen: int) -> str:
    """What was shown on a terminal whose program has ended."""
    found = b""
    try:
        while part := os.read(screen, 65536):
            found += part
    except OSError:  # Linux's way to say that nobody writes any more
        pass
    finally:
        os.close(screen)
    return found.decode()
