"""The product's main job, as a user does it: plan, apply, run, read the chat."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import subprocess
from collections.abc import Callable
from typing import Any

from .conftest import COMMAND, Shell

Fits = Callable[[str, Any], None]


def test_from_yaml_to_a_chat(interact: Shell, fits: Fits) -> None:
    first = interact("plan", "--detailed-exitcode", expect=2)
    assert "Plan: 12 to create, 0 to update, 0 to delete, 0 unchanged." in first.out
    assert interact("apply", expect=1).err.startswith("error: apply asks before it writes")
    interact("apply", "--yes")
    again = interact("plan", "--detailed-exitcode")
    assert "No changes" in again.out

    ran = interact("run", "weekly-campaign-performance", "--wait", "--format", "json").json
    fits("run", ran)
    assert len(ran["runs"]) == 4
    assert {run["state"] for run in ran["runs"]} == {"succeeded"}
    assert [run["parameters"]["campaign_id"] for run in ran["runs"]] == [
        "CMP-2026-001", "CMP-2026-002", "CMP-2026-002", "CMP-2026-004",
    ]  # fmt: skip

    chat_id = ran["runs"][-1]["id"]
    text = interact("chat", chat_id, "--sql").out
    assert "CMP-2026-004" in text
    assert "from daily_performance" in text
    assert re.search(r"\d+ rows?", text)
    rows = list(csv.reader(io.StringIO(interact("chat", chat_id, "--format", "csv").out)))
    assert rows[0][0] == "campaign_id"
    assert rows[1][0] == "CMP-2026-004"
    record = interact("chat", chat_id, "--format", "json").json
    fits("chat", record)
    assert record["chat"]["status"] == "completed"
    assert "```sql" in interact("chat", chat_id, "--format", "markdown").out

    history = interact("history", "weekly-campaign-performance", "--format", "json").json
    fits("history", history)
    assert {run["id"] for run in history["runs"]} == {run["id"] for run in ran["runs"]}
    listed = interact("list", "--format", "json").json
    fits("list", listed)
    assert {job["state"] for job in listed["jobs"]} == {"in sync"}
    shown = interact("show", "weekly-campaign-performance", "--format", "json").json
    fits("show", shown)
    assert shown["lastRun"]["state"] == "succeeded"
    doctor = interact("doctor", "--format", "json").json
    fits("doctor", doctor)
    assert doctor["healthy"]


def test_every_sample_job_answers(interact: Shell) -> None:
    """Each job of jobs.d really runs; the one with a required parameter gets it."""
    interact("apply", "--yes")
    for job in interact("list", "--format", "json").json["jobs"]:
        given = ["-p", "campaign_id=CMP-2026-004"] if job["key"] == "campaign-check" else []
        interact("run", job["key"], *given, "--wait")


def test_edit_apply_delete(interact: Shell) -> None:
    interact("apply", "--yes")
    file = interact.folder / "jobs.d/paid-search/01-account-overview.yaml"
    file.write_text(file.read_text().replace("07:30", "09:45"))
    (interact.folder / "jobs.d/ecommerce/top-products.yaml").unlink()
    plan = interact("plan").out
    assert "Plan: 0 to create, 1 to update, 1 to delete, 10 unchanged." in plan
    assert "jobs.d/paid-search/01-account-overview.yaml" in plan
    assert "09:45" in plan
    interact("apply", "--yes", "--allow-deletes", "1")
    assert "No changes" in interact("plan").out


def test_guards_hold_before_the_first_write(interact: Shell) -> None:
    interact("apply", "--yes")
    for file in (interact.folder / "jobs.d/ecommerce").glob("[!_]*.yaml"):
        file.unlink()
    held = interact("apply", "--yes", expect=1)
    assert "--allow-deletes" in held.err
    assert "guards.max_deletes" in held.err
    for file in (interact.folder / "jobs.d").rglob("[!_]*.yaml"):
        file.unlink()
    empty = interact("apply", "--yes", expect=1)
    assert "--allow-empty" in empty.err
    assert len(interact("history", "--format", "json").json["runs"]) == 0


def test_bad_runs(interact: Shell) -> None:
    interact("apply", "--yes")
    assert "a value is required" in interact("run", "campaign-check", "-p", "days=7", expect=1).err
    assert (
        "is above 90"
        in interact("run", "campaign-check", "-p", "days=900", "-p", "campaign_id=CMP-2026-001", expect=1).err
    )
    assert "did you mean 'days'?" in interact("run", "campaign-check", "-p", "dayz=9", expect=1).err
    assert "is not NAME=VALUE" in interact("run", "campaign-check", "-p", "days", expect=1).err
    assert "did you mean 'campaign-check'?" in interact("run", "campaign-chek", expect=1).err
    assert "there is no run" in interact("chat", "nope", expect=1).err
    assert "there is no run" in interact("cancel", "nope", expect=1).err
    failed = interact("run", "campaign-check", "-p", "campaign_id=CMP-1999-001", "--wait", expect=None)
    assert failed.code in {0, 4}


def test_no_secret_is_ever_shown(interact: Shell) -> None:
    key = interact.environment["INTERACT_API_KEY"]
    interact("apply", "--yes")
    outputs = [
        interact(*arguments, expect=None)
        for arguments in (
            ["plan"], ["plan", "--format", "json"], ["doctor"], ["doctor", "--format", "json"], ["list"],
            ["run", "account-overview", "--wait"], ["history", "--format", "json"], ["-v", "plan"], ["chat", "nope"],
        )
    ]  # fmt: skip
    assert not [answer for answer in outputs if key in answer.out + answer.err]


def test_a_second_run_is_skipped_with_5_and_cancel_stops_the_first(interact: Shell, fits: Fits) -> None:
    interact("apply", "--yes")
    combinations = interact.folder / "combinations.yaml"
    combinations.write_text(
        "".join(f"- {{campaign_id: CMP-2026-001, days: {n % 90 + 1}, roas_floor: {n}}}\n" for n in range(400))
    )
    first = interact(
        "run", "campaign-check", "--combinations", "combinations.yaml", "--max-parallel", "1", "--format", "json"
    )
    runs = first.json["runs"]
    assert len(runs) == 400
    second = interact("run", "campaign-check", "-p", "campaign_id=CMP-2026-001", expect=5)
    assert "a run of this job is in progress" in second.err
    last = runs[-1]["id"]
    assert interact("cancel", last).out == f"{last} is cancelled.\n"
    assert interact("cancel", last).out == f"{last} had already ended: cancelled.\n"
    whole = interact("cancel", runs[0]["id"], "--all", "--format", "json").json
    fits("cancel", whole)
    assert {run["id"] for run in whole["runs"]} == {run["id"] for run in runs}
    assert "active" not in {run["state"] for run in whole["runs"]}
    assert interact("history", "--status", "cancelled", "--format", "json").json["runs"][0]["id"] == last


def test_interrupted_waiting_leaves_the_run_alone(interact: Shell) -> None:
    interact("apply", "--yes")
    combinations = interact.folder / "combinations.yaml"
    combinations.write_text("".join(f"- {{campaign_id: CMP-2026-001, roas_floor: {n}}}\n" for n in range(300)))
    environment = {**os.environ, **interact.environment}
    command = [
        *COMMAND,
        "run",
        "campaign-check",
        "--combinations",
        "combinations.yaml",
        "--max-parallel",
        "1",
        "--wait",
    ]
    with subprocess.Popen(
        command, cwd=interact.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        assert "chat_" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        rest = waiting.stderr.read()
    assert waiting.returncode == 130
    assert "no longer waiting; the run goes on" in rest
    assert interact("history", "--format", "json").json["runs"][0]["state"] == "active"


def test_verbose_names_requests(interact: Shell) -> None:
    said = interact("plan", "-v").err
    assert "GET" in said
    assert "/api/agents/jobs" in said
    assert interact.environment["INTERACT_API_KEY"] not in said


def test_a_protected_target_takes_only_a_plan_that_still_holds(interact: Shell) -> None:
    (interact.folder / "interact-gitops.yaml").write_text(
        'managed_by: acme/jobs\ntargets:\n  production: {url: "${INTERACT_URL}", organization: "${INTERACT_ORG_ID}", '
        'api_key: "${INTERACT_API_KEY}", protected: true}\n'
    )
    assert "needs a plan file and --yes" in interact("apply", "--yes", expect=1).err
    interact("plan", "--out", "plan.json")
    assert interact.environment["INTERACT_API_KEY"] not in (interact.folder / "plan.json").read_text()
    assert "needs a plan file and --yes" in interact("apply", "plan.json", expect=1).err
    assert "says itself what it selects" in interact("apply", "plan.json", "--yes", "--select", "*", expect=1).err
    interact("apply", "plan.json", "--yes")
    file = interact.folder / "jobs.d/paid-search/01-account-overview.yaml"
    file.write_text(file.read_text().replace("07:30", "08:30"))
    interact("plan", "--out", "plan.json", "--select", "account-overview")
    file.write_text(file.read_text().replace("08:30", "08:31"))
    stale = interact("apply", "plan.json", "--yes", expect=1)
    assert "stale plan: account-overview moved" in stale.err
    file.write_text(file.read_text().replace("08:31", "08:30"))
    interact("apply", "plan.json", "--yes")
    (interact.folder / "plan.json").write_text("{}")
    assert "is not a plan file" in interact("apply", "plan.json", "--yes", expect=1).err


def test_an_unknown_agent_is_refused_in_the_plan(interact: Shell) -> None:
    file = interact.folder / "jobs.d/paid-search/_defaults.yaml"
    file.write_text(file.read_text().replace("paid-search-analyst", "paid-serch-analyst"))
    plan = interact("plan").out
    assert "the target has no agent 'paid-serch-analyst'" in plan
    assert "did you mean 'paid-search-analyst'?" in plan
    assert "8 refused" in plan


def test_plan_says_what_apply_would_refuse(interact: Shell) -> None:
    interact("apply", "--yes")
    for name in ("daily-shop", "top-products", "peak-season"):
        (interact.folder / f"jobs.d/ecommerce/{name}.yaml").unlink()
    assert "apply would refuse this: this would delete 4 of the 12 jobs" in interact("plan").err
