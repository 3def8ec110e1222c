"""What works with no target: validate, schedule, list, show, init; and what a missing target says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Shell

Fits = Callable[[str, Any], None]


def test_validate_the_sample_jobs(interact: Shell, fits: Fits) -> None:
    assert interact("validate").out == "12 valid jobs in jobs.d: no problem found.\n"
    assert interact("validate", "-q").out == ""
    answer = interact("validate", "--format", "json").json
    fits("validate", answer)
    assert answer == {"formatVersion": "1", "valid": True, "jobs": 12, "problems": []}


def test_validate_says_where(interact: Shell, fits: Fits) -> None:
    bad = interact.folder / "jobs.d/bad.yaml"
    bad.write_text("key: bad\nname: Bad\nagent: paid-search-analyst\npromt: x\nschedule: 0 0 31 2 *\n")
    answer = interact("validate", expect=1)
    assert "jobs.d/bad.yaml:4:1: unknown field 'promt' [unknown-field]" in answer.out
    machine = interact("validate", "--format", "json", expect=1).json
    fits("validate", machine)
    assert {problem["file"] for problem in machine["problems"]} == {"jobs.d/bad.yaml"}
    assert "jobs.d/bad.yaml" in interact("validate", "jobs.d/bad.yaml", expect=1).out
    assert interact("validate", "jobs.d/ecommerce", expect=0).code == 0
    assert "jobs.d/bad.yaml:4:1" in interact("plan", expect=1).err


def test_schedule_needs_no_job_file(shell: Shell, fits: Fits) -> None:
    answer = shell(
        "schedule", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin",
        "--from", "2027-03-27", "--to", "2027-03-30", "--format", "json",
    ).json  # fmt: skip
    fits("schedule", answer)
    assert [row["utc"] for row in answer["occurrences"]] == [
        "2027-03-27T01:30:00Z", "2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z",
    ]  # fmt: skip
    exclusive = shell(
        "schedule", "--cron", "0 0 * * *", "--from", "2026-11-23", "--to", "2026-11-25", "--format", "json"
    ).json
    assert [row["utc"] for row in exclusive["occurrences"]] == ["2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cron", "* * * * * *"], "the expression has 6 fields"),
        (["--cron", "0 0 31 2 *"], "never"),
        (["--cron", "@daily", "--timezone", "Europe/Amsterdm"], "did you mean 'Europe/Amsterdam'?"),
        (["--cron", "@daily", "--from", "soon"], "is not a date or an instant"),
        (["--cron", "@daily", "--from", "2026-02-02", "--to", "2026-02-01"], "--to is not after --from"),
        ([], "the definitions folder 'jobs.d' is not there"),
    ],
)
def test_schedule_refuses(shell: Shell, arguments: list[str], said: str) -> None:
    assert said in shell("schedule", *arguments, expect=1).err


def test_list_and_show_without_a_target(repository: Path, fits: Fits) -> None:
    shell = Shell(repository)
    answer = shell("list")
    assert "monday-briefing" in answer.out
    assert "interact-gitops serve" in answer.err
    fits("list", shell("list", "--offline", "--format", "json").json)
    fits("show", shell("show", "market-summary", "--offline", "--format", "json").json)
    assert "At 08:00 on the first business day" in shell("show", "market-summary", "--offline").out
    assert "did you mean 'market-summary'?" in shell("show", "market-sumary", expect=1).err


def test_no_target_says_what_to_do(repository: Path) -> None:
    answer = Shell(repository)("plan", expect=1)
    assert "no Interact to talk to" in answer.err
    assert "interact-gitops serve" in answer.err
    partial = Shell(repository, {"INTERACT_URL": "http://127.0.0.1:1"})("plan", expect=1)
    assert "but not INTERACT_API_KEY, INTERACT_ORG_ID" in partial.err


def test_a_dead_server_is_said_in_one_line(repository: Path) -> None:
    shell = Shell(
        repository,
        {"INTERACT_URL": "http://127.0.0.1:9", "INTERACT_API_KEY": "int_x", "INTERACT_ORG_ID": "org_x"},
    )
    answer = shell("plan", expect=1)
    assert answer.err.startswith("error: ")
    assert "127.0.0.1:9" in answer.err


def test_init_gives_a_valid_repository_and_never_overwrites(shell: Shell) -> None:
    shell("init", "jobs-repository")
    inside = Shell(shell.folder / "jobs-repository")
    assert "1 valid job" in inside("validate").out
    file = inside.folder / "interact-gitops.yaml"
    file.write_text(file.read_text() + "# mine\n")
    again = inside("init")
    assert "made" not in again.out
    assert file.read_text().endswith("# mine\n")


def test_options_work_before_and_after_the_command(repository: Path) -> None:
    shell = Shell(repository.parent)
    where = str(repository / "jobs.d")
    assert shell("--definitions", where, "validate").out == shell("validate", "--definitions", where).out
    from_environment = Shell(repository.parent, {"INTERACT_GITOPS_DEFINITIONS": where})
    assert "12 valid jobs" in from_environment("validate").out
