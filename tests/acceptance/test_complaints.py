"""The fifteen complaints of people who use other tools (peers.md), each answered from the command line.

One test or a few for each, black box: the command in a subprocess, an embedded server on a real socket, and
somebody else who edits there through the API.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.interact.records import RemoteJob

from ..contract.client.scripted import Reply, Request, Scripted, forward, problem
from .conftest import COMMAND, Shell

BESIDE = {"id", "etag", "definitionHash", "paused", "createdAt", "updatedAt"}  # what an API body has and no write takes
OURS = "acme/jobs"


@pytest.fixture
def someone(interact: Shell) -> Iterator[Client]:
    """Somebody else with a key: people in Interact's own UI, another repository."""
    environment = interact.environment
    with Client(environment["INTERACT_URL"], environment["INTERACT_API_KEY"], environment["INTERACT_ORG_ID"]) as client:
        yield client


@pytest.fixture
def few(interact: Shell) -> Shell:
    """Three jobs in a tree of their own, owned by `acme/jobs`."""
    for file in (interact.folder / "jobs.d").rglob("*.yaml"):
        file.unlink()
    for key in ("alpha", "beta", "gamma"):
        write(interact, key)
    (interact.folder / "interact-gitops.yaml").write_text(f"managed_by: {OURS}\n")
    return interact


def write(shell: Shell, key: str, **fields: Any) -> Path:
    body = {"key": key, "name": key.title(), "agent": "paid-search-analyst", "prompt": "How did it go?", **fields}
    file = shell.folder / f"jobs.d/{key}.yaml"
    file.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in body.items()))
    return file


def body(key: str, **fields: Any) -> dict[str, Any]:
    agent = {"slug": "paid-search-analyst"}
    return {"key": key, "name": key.title(), "agent": agent, "prompts": [{"text": "How did it go?"}], **fields}


def edit(client: Client, key: str, **fields: Any) -> RemoteJob:
    """What a person does in the UI: the job as it is, with something else in it."""
    job = held(client)[key]
    whole = {name: value for name, value in job.raw.items() if name not in BESIDE}
    whole["agent"] = {"slug": job.raw["agent"]["slug"]}
    return client.replace_job(job.id, {**whole, **fields}, etag=job.etag or "")


def held(client: Client) -> dict[str, RemoteJob]:
    return {job.key: job for job in client.jobs()}


def actions(shell: Shell, *arguments: str) -> list[tuple[str, str]]:
    changes = shell("plan", "--format", "json", *arguments).json["changes"]
    return [(change["action"], change["key"]) for change in changes]


def test_01_distinct_exit_codes(few: Shell, someone: Client) -> None:
    """dbt-jobs-as-code#79, deck#98, dnscontrol#1395, kongctl#57: a failure, changes and a bug all looked alike."""
    few("plan", expect=0)
    few("plan", "--detailed-exitcode", expect=2)
    few("apply", "--yes", expect=0)
    few("plan", "--detailed-exitcode", expect=0)
    few("drift", expect=0)
    edit(someone, "alpha", name="By hand")
    few("drift", expect=2)
    few("plan", "--no-such-option", expect=1)
    few("run", "no-such-job", expect=1)
    (few.folder / "jobs.d/alpha.yaml").write_text("key: [")
    few("validate", expect=1)
    few("plan", "--detailed-exitcode", expect=1)


def test_02_one_repository_never_deletes_anothers_jobs(few: Shell, someone: Client) -> None:
    """dbt-jobs-as-code#166, #64, octodns#752."""
    someone.create_job(body("theirs", managedBy="other/jobs"), idempotency_key="1")
    someone.create_job(body("nobodys"), idempotency_key="2")
    few("apply", "--yes")
    before = {key: held(someone)[key].raw for key in ("theirs", "nobodys")}
    assert "2 unmanaged, untouched" in few("plan").out
    for file in (few.folder / "jobs.d").glob("*.yaml"):
        file.unlink()
    few("apply", "--yes", "--allow-empty", "--allow-deletes", "3")
    assert {key: job.raw for key, job in held(someone).items()} == before


def test_03_foreign_objects_are_refused_unless_told(few: Shell, someone: Client) -> None:
    """octodns#1368."""
    nobodys = someone.create_job(body("alpha", name="Made by hand"), idempotency_key="1")
    theirs = someone.create_job(body("beta", managedBy="other/jobs"), idempotency_key="2")
    assert actions(few) == [("create", "gamma"), ("refused", "alpha"), ("refused", "beta")]
    answer = few("apply", "--yes", expect=1)
    assert "--adopt alpha" in answer.out
    assert "it is managed by 'other/jobs'" in answer.out
    assert held(someone)["alpha"].raw == nobodys.raw
    few("apply", "--yes", "--adopt", "alpha", "--adopt", "beta", expect=1)
    assert (held(someone)["alpha"].id, held(someone)["alpha"].managed_by) == (nobodys.id, OURS)
    assert held(someone)["beta"].raw == theirs.raw, "another's job is not adopted, whatever is said"


def test_04_the_mark_stays_out_of_text_that_people_see(few: Shell, someone: Client) -> None:
    """dbt-jobs-as-code#174; #162: a space in the mark in a job's name made duplicates."""
    file = few.folder / "interact-gitops.yaml"
    file.write_text('managed_by: "our mark"\n')
    assert "with no space" in few("plan", expect=1).err
    file.write_text("managed_by: our/very-own-mark\n")
    write(few, "alpha", name="Alpha [[alpha]] ", description="As it is")
    few("apply", "--yes")
    job = held(someone)["alpha"]
    assert (job.name, job.raw["description"], job.managed_by) == (
        "Alpha [[alpha]] ",
        "As it is",
        "our/very-own-mark",
    )
    shown = json.dumps([{**one.raw, "managedBy": None} for one in held(someone).values()])
    assert "very-own" not in shown
    assert actions(few) == []
    assert len(held(someone)) == 3


def test_05_import_then_plan_is_empty(interact: Shell, someone: Client) -> None:
    """dbt-jobs-as-code#146 (77 creates after an import), #121; terraform#22219."""
    interact("apply", "--yes")
    there = {key: job.raw["definitionHash"] for key, job in held(someone).items()}
    for file in (interact.folder / "jobs.d").rglob("*.yaml"):
        file.unlink()
    interact("import", "--write")
    interact("validate")
    assert "No changes" in interact("plan", "--detailed-exitcode", expect=0).out
    assert {key: job.raw["definitionHash"] for key, job in held(someone).items()} == there


def test_06_pruning_works_for_the_last_job_too(few: Shell, someone: Client) -> None:
    """prefect#15332, grizzly#557: the last one could not be deleted."""
    few("apply", "--yes")
    for key in ("alpha", "beta", "gamma"):
        (few.folder / f"jobs.d/{key}.yaml").unlink()
    held_back = few("apply", "--yes", expect=1)
    assert "--allow-empty" in held_back.err
    assert len(held(someone)) == 3
    few("apply", "--yes", "--allow-empty", "--allow-deletes", "3")
    assert held(someone) == {}
    assert actions(few) == []


def test_07_no_phantom_diffs(few: Shell, server: Any) -> None:
    """deck#196, #2166, databricks/cli#4972: a server's defaults and list orders showed as changes."""
    write(
        few, "alpha", labels={"b": "1", "a": "2"}, timeout="30m",
        schedule={"cron": "0 8 * * 1", "start_deadline": "360m"},
        parameters={"n": {"type": "number", "default": 2}}, fan_out={"matrix": {"n": [1, 2.5]}},
        prompt="Of {{ n }}?", ignore_changes=["owner", "grace"],
        notifications=[{"channel": "a", "topics": ["anomaly", "failed_run"]}, {"channel": "b"}],
    )  # fmt: skip
    few("apply", "--yes")

    def turned(value: Any, *, name: str = "") -> Any:
        """The same answer as another server gives it: maps in another order, lists without one reversed."""
        if isinstance(value, dict):
            return {key: turned(value[key], name=key) for key in reversed(value)}
        if isinstance(value, list):
            members = [turned(one) for one in value]
            return members[::-1] if name in {"notifications", "topics", "ignoreChanges"} else members
        return value

    ask = forward(server.url)

    def answer(request: Request) -> Reply:
        reply = ask(request)
        if request.method == "GET" and request.path == "/api/agents/jobs":
            whole = json.loads(reply.content)
            defaults = {"timeoutSeconds": 1_800, "overlap": "skip", "owner": None, "retries": None, "protect": False}
            for job in whole["jobs"]:
                for name, value in defaults.items():
                    if job.get(name, value) == value:
                        job.pop(name, None)
            return Reply(status=reply.status, body=turned(whole))
        return reply

    with Scripted(answer) as other:
        few.environment["INTERACT_URL"] = other.url
        assert "No changes" in few("plan", "--detailed-exitcode", expect=0).out
        few("drift", expect=0)


def test_08_protection_survives_the_definitions_removal(few: Shell, someone: Client) -> None:
    """terraform#17599, databricks/cli#4872: the flag went with the file, and the object with it."""
    write(few, "alpha", protect=True)
    few("apply", "--yes")
    (few.folder / "jobs.d/alpha.yaml").unlink()
    assert actions(few) == [("refused", "alpha")]
    answer = few("apply", "--yes", "--allow-deletes", "100%", expect=1)
    assert "its file is gone, but the job is protected" in answer.out
    assert "protect: false" in answer.out
    assert "alpha" in held(someone)
    write(few, "alpha", protect=False)
    few("apply", "--yes")
    (few.folder / "jobs.d/alpha.yaml").unlink()
    few("apply", "--yes", "--allow-deletes", "1")
    assert "alpha" not in held(someone)


def test_09_exactly_the_reviewed_plan_is_applied(few: Shell, someone: Client) -> None:
    """octodns#610, databricks/cli#4094, pulumi#2318."""
    few("apply", "--yes")
    write(few, "alpha", name="Reviewed")
    few("plan", "--out", "plan.json")
    write(few, "beta", name="Not reviewed")
    assert "stale plan: beta moved" in few("apply", "plan.json", "--yes", expect=1).err
    write(few, "beta")
    edit(someone, "alpha", owner="somebody")
    assert "stale plan: alpha moved" in few("apply", "plan.json", "--yes", expect=1).err
    assert held(someone)["alpha"].name == "Alpha"
    few("plan", "--out", "plan.json")
    few("apply", "plan.json", "--yes")
    assert held(someone)["alpha"].name == "Reviewed"


@pytest.mark.parametrize(
    ("setting", "flag", "spoil"),
    [
        ("guards.max_deletes", "--allow-deletes", lambda file: file.unlink()),
        ("guards.max_changes", "--allow-changes", lambda file: file.write_text(file.read_text() + "owner: new\n")),
    ],
)
def test_10_a_guard_names_its_setting_and_its_override(
    few: Shell, someone: Client, setting: str, flag: str, spoil: Callable[[Path], Any]
) -> None:
    """octodns#785, #808."""
    few("apply", "--yes")
    for key in ("alpha", "beta", "gamma")[: 2 if "deletes" in setting else 3]:
        spoil(few.folder / f"jobs.d/{key}.yaml")
    before = {key: job.raw for key, job in held(someone).items()}
    said = few("apply", "--yes", expect=1).err
    count, limit = ("2", "1") if "deletes" in setting else ("3", "2")
    assert re.search(rf"{count} of the 3 jobs managed from here; the limit is {limit} \({setting}: \d+%\)", said)
    assert f"{flag} {count}" in said
    assert {key: job.raw for key, job in held(someone).items()} == before
    few("apply", "--yes", flag, count)


def test_11_large_plans_stay_readable(few: Shell) -> None:
    """terraform#10507, opentofu#4200 (too much was shown); terraform#27139 (too much was hidden)."""
    for number in range(200):
        write(few, f"job-{number:03}", prompt=f"Question {number}: " + "long text " * 200)
    few("apply", "--yes", "-q")
    for number in range(0, 200, 2):
        write(few, f"job-{number:03}", prompt=f"Question {number}: " + "long text " * 200, owner="new")
    write(few, "new", prompt="First line\n" + "more of it\n" * 100, description="Only in full")
    brief = few("plan").out
    lines = brief.splitlines()
    assert "Plan: 1 to create, 100 to update, 0 to delete, 103 unchanged." in brief
    index = [line for line in lines if re.match(r" ~ job-\d\d\d +jobs\.d/job-\d\d\d\.yaml:1$", line)]
    assert len(index) == 100
    assert lines.index(index[-1]) < 102, "the index stands before the details"
    assert "long text" not in brief, "an unchanged field is not shown"
    assert "job-001" not in brief, "an unchanged job is not shown"
    assert len(lines) < 600
    assert max(map(len, lines)) < 200
    assert len(few("plan", "-q").out.splitlines()) <= 2
    full = few("plan", "--full").out
    assert "Only in full" in full
    assert full.count("more of it") == 100


def test_12_no_secret_is_printed(few: Shell, someone: Client) -> None:
    """deck#462, #2132, #2140: values were masked by substring, and old values not at all. More of it:
    test_secrets.py."""
    first, second = (
        "https://hooks.example.com/services/T0/old-secret",
        "https://hooks.example.com/services/T0/new-secret",
    )
    file = few.folder / "interact-gitops.yaml"
    file.write_text(file.read_text() + 'channels:\n  hooks: {type: webhook, url: "${HOOK}"}\n')
    write(few, "alpha", prompt="The word secret, and old-secret, may be shown here.")
    few.environment["HOOK"] = first
    outputs = [few("plan", "--format", "json"), few("apply", "--yes"), few("plan", "--full")]
    few.environment["HOOK"] = second
    outputs += [few("plan"), few("plan", "--out", "plan.json"), few("plan", "--format", "json"), few("apply", "--yes")]
    said = "".join(answer.out + answer.err for answer in outputs) + (few.folder / "plan.json").read_text()
    assert "T0" not in said
    assert few.environment["INTERACT_API_KEY"] not in said
    assert "The word secret, and old-secret, may be shown here." in said, "masked by field, not by substring"
    assert "hooks" in said


def fail_one(server: Any, key: str) -> Callable[[Request], Reply]:
    """The embedded server, but for the creation of one job."""
    ask = forward(server.url)

    def answer(request: Request) -> Reply:
        refused = request.method == "POST" and request.path == "/api/agents/jobs" and request.json["key"] == key
        return problem(422, "invalid", "this one is not taken") if refused else ask(request)

    return answer


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_13_partial_failure_stops_or_goes_on_and_is_resumed(
    few: Shell, server: Any, someone: Client, on_error: str
) -> None:
    """deck#860, databricks/cli#893: half was done, nobody knew which half, and again made duplicates."""
    with Scripted(fail_one(server, "beta")) as broken:
        direct, few.environment["INTERACT_URL"] = few.environment["INTERACT_URL"], broken.url
        answer = few("apply", "--yes", "--parallelism", "1", "--on-error", on_error, "--format", "json", expect=1).json
    results = {one["key"]: one["result"] for one in answer["outcomes"]}
    assert results == {"alpha": "done", "beta": "failed", "gamma": "done" if on_error == "continue" else "not tried"}
    assert sorted(held(someone)) == sorted(key for key, result in results.items() if result == "done")
    few.environment["INTERACT_URL"] = direct
    few("apply", "--yes")
    assert sorted(job.key for job in someone.jobs()) == ["alpha", "beta", "gamma"]
    assert actions(few) == []


def test_14_validation_says_where(few: Shell) -> None:
    """octodns#1027, databricks/cli#1106: types and typos passed, or broke without a place."""
    (few.folder / "jobs.d/bad.yaml").write_text(
        "key: bad\nname: Bad\nagent: a\nprompt: Why?\ntimeout: 30 minits\nenabled: yes\nschedul: '@daily'\n"
    )
    out = few("validate", expect=1).out
    assert re.search(r"^jobs\.d/bad\.yaml:5:\d+: .*30 minits", out, re.MULTILINE)
    assert re.search(r"^jobs\.d/bad\.yaml:6:10: .*not the text 'yes'", out, re.MULTILINE)
    assert "jobs.d/bad.yaml:7:1: unknown field 'schedul' [unknown-field]\n  did you mean 'schedule'?" in out
    assert "Traceback" not in out


def test_15_selectors_can_exclude(few: Shell) -> None:
    """terraform#2253."""
    write(few, "alpha", labels={"team": "a"})
    assert actions(few, "--select", "!alpha") == [("create", "beta"), ("create", "gamma")]
    assert actions(few, "--select", "*", "--select", "!label:team=a", "--select", "!g*") == [("create", "beta")]


def applying(shell: Shell, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(shell.folder / ".state"), **shell.environment}
    return subprocess.Popen(
        [*COMMAND, "apply", "--yes", *arguments],
        cwd=shell.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(there: Callable[[], object], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_15_locks_name_their_holder_and_end_with_it(few: Shell, server: Any, someone: Client) -> None:
    """databricks/cli#2381: a lock that nobody held stayed for ever, and said nothing."""
    ask, go_on = forward(server.url), threading.Event()

    def answer(request: Request) -> Reply:
        if request.method == "POST" and request.path == "/api/agents/jobs":
            go_on.wait(60)
        return ask(request)

    with Scripted(answer) as slow:
        direct, few.environment["INTERACT_URL"] = few.environment["INTERACT_URL"], slow.url
        with applying(few) as first:
            wait_for(lambda: any(one.method == "POST" and one.path == "/api/agents/jobs" for one in slow.requests))
            few.environment["INTERACT_URL"] = direct
            refused = few("apply", "--yes", "--lock-timeout", "0s", expect=1).err
            go_on.set()
            out, err = first.communicate(timeout=60)
    assert re.search(rf"@\S+.*\b{first.pid}\b", refused), refused
    assert first.returncode == 0, (out, err)
    assert sorted(held(someone)) == ["alpha", "beta", "gamma"]
    few("apply", "--yes", "--lock-timeout", "0s")
