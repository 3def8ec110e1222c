"""How things end that do not go well: half an apply, a run whose workflow is broken off, odd answers, odd places."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.cli.github_action import _ends, _within
from interact_gitops.server.serving import EmbeddedServer

from ..contract.client.scripted import Reply, Request, Scripted, forward
from .conftest import Site
from .test_paths import ended, job, merged, pull_request


def test_an_apply_that_failed_in_part_says_so_everywhere(site: Site, served: EmbeddedServer) -> None:
    merged(site)
    site.write("jobs.d/more.yaml", job("more", "More"))
    site.write("jobs.d/overview.yaml", job("overview", "Renamed"))
    site.commit("rename")
    pass_on = forward(served.url)

    def answer(request: Request) -> Reply:
        if request.method == "PUT" and "/agents/jobs/" in request.target:
            return Reply(status=422, body={"error": {"code": "invalid", "message": "the name 🥾 is taken"}})
        return pass_on(request)

    with Scripted(answer) as target:
        site.variables["INTERACT_URL"] = target.url
        done = site.run("apply")
    assert done.results == {"unset": "skipped", "plan": "success", "apply": "failure", "status": "success"}, done.log
    said = "Applied: 1 done, 1 failed; update job overview: the target answered 422"
    assert f"::error title=interact-gitops::{said}" in done.jobs["apply"].log
    assert "the name 🥾 is taken" in done.jobs["apply"].summary
    status = site.api.statuses[-1][1]
    assert (status["state"], status["description"][: len(f"apply failed: {said}")]) == (
        "failure", f"apply failed: {said}")  # fmt: skip


def test_what_apply_prints_is_kept_at_both_ends() -> None:
    lines = [f"line {number} " + "x" * 90 for number in range(10_000)]
    kept = _within(lines)
    assert kept[0] == lines[0]
    assert kept[-1] == lines[-1]
    assert sum(map(len, kept)) < 210_000
    assert kept[1_000].startswith("line") or "… " in kept[1_000]
    assert any(line.startswith(("… 7,9", "… 8,0")) for line in kept), kept[900:1100]
    assert _within(lines[:10]) == lines[:10]
    assert _ends(["x"]) == ""
    assert _ends(["  ✗ update a", "Applied: 0 done, 1 failed."]) == "Applied: 0 done, 1 failed; update a"


def action_in(site: Site, folder: Path, **environ: str) -> subprocess.Popen[str]:
    """The action's program beside the clone, as a process that can be asked to stop."""
    given = {
        **site.variables, **site.secrets, "RUNNER_TEMP": str(folder), "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(folder / "out"), "GITHUB_STEP_SUMMARY": str(folder / "summary"), **environ,
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "interact_gitops", "github", "action"], cwd=site.clone, env={**os.environ, **given},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_apply_that_is_asked_to_stop_ends_what_it_began(
    site: Site, served: EmbeddedServer, tmp_path: Path, number: int
) -> None:
    merged(site)
    for n in range(4):
        site.write(f"jobs.d/more-{n}.yaml", job(f"more-{n}", f"More {n}"))
    pass_on, began = forward(served.url), []

    def answer(request: Request) -> Reply:
        if request.method == "POST" and request.target.startswith("/api/agents/jobs"):
            began.append(request)
            time.sleep(1)
        return pass_on(request)

    with Scripted(answer) as target:
        site.variables["INTERACT_URL"] = target.url
        process = action_in(site, tmp_path, ACTION_COMMAND="apply", ACTION_ARGS="--yes --parallelism 1")
        until = time.monotonic() + 20
        while not began:
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(number)
        log, _ = process.communicate(timeout=30)
    assert process.returncode == 130, log
    assert "+ more-0" in log, "the plan was shown before"
    assert "Interrupted: nothing more was started." in log
    assert "Interrupted" in (tmp_path / "summary").read_text()
    assert set(site.names()) == {"overview", "more-0"}


def test_a_run_whose_workflow_is_killed_has_its_chat_in_the_log(site: Site, tmp_path: Path) -> None:
    merged(site)
    process = action_in(site, tmp_path, ACTION_COMMAND="github", ACTION_ARGS="dispatch overview", INPUTS="null")
    assert process.stdout is not None
    first = process.stdout.readline()
    process.kill()
    process.communicate(timeout=30)
    (chat,) = site.client.chats(most=1)
    assert first == f"started 1 chat, from {chat.id}\n"


def test_a_summary_that_cannot_be_written_undoes_nothing(site: Site, tmp_path: Path) -> None:
    merged(site)
    site.write("jobs.d/more.yaml", job("more", "More"))
    with action_in(
        site, tmp_path, ACTION_COMMAND="apply", ACTION_ARGS="--yes", GITHUB_STEP_SUMMARY="/dev/full"
    ) as process:
        log, _ = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "the summary cannot be written: No space left on device" in log
    assert "more" in site.names()


@pytest.mark.parametrize("end", ["cancelled", "action_required", "timed_out", "startup_failure", "skipped", "stale"])
def test_a_run_that_was_broken_off_leaves_the_comment(site: Site, end: str) -> None:
    merged(site)
    site.write("jobs.d/overview.yaml", job("overview", "Renamed"))
    site.tool("workflows", "generate")
    pull_request(site)
    ((before,),) = site.api.comments.values()
    text = str(before["body"])
    head = site.git("rev-parse", "HEAD")
    done = site.run("plan-comment", event_name="workflow_run", event=ended(999, head, good=end))
    assert done.results == {"comment": "success"}, done.log
    assert f"the run is {end}: nothing is said" in done.log
    assert before["body"] == text


def test_of_a_fork_that_is_gone_nothing_is_said(site: Site) -> None:
    merged(site)
    event: dict[str, Any] = ended(55, "a" * 40)
    event["workflow_run"]["head_repository"] = None
    done = site.run("plan-comment", event_name="workflow_run", event=event)
    assert done.results == {"comment": "success"}, done.log
    assert "its repository is gone" in done.log


def test_a_base_that_is_mended_is_not_called_broken(site: Site) -> None:
    merged(site)
    site.write("jobs.d/overview.yaml", job("overview", "Renamed"))
    site.tool("workflows", "generate")
    _, comment = pull_request(site)
    head = site.git("rev-parse", "HEAD")
    done = site.run("plan-comment", event_name="workflow_run", event=ended(999, head))
    assert done.results == comment.results == {"comment": "success"}
    ((said,),) = site.api.comments.values()
    assert "There is nothing to compare it with" in said["body"]
    assert "cannot be planned; the checks" not in said["body"]


ODD = "chat_1`\n\n<img src=x>\n# @everyone\n"


def test_a_chat_whose_id_is_no_word_is_refused(site: Site, served: EmbeddedServer) -> None:
    merged(site)
    pass_on = forward(served.url)

    def answer(request: Request) -> Reply:
        found = pass_on(request)
        if request.method == "POST" and b'"chat_' in found.content:
            text = found.content.decode()
            return Reply(status=found.status, body=text.replace('"chat_', json.dumps(ODD)[:-1]).encode())
        return found

    with Scripted(answer) as target:
        site.variables["INTERACT_URL"] = target.url
        done = site.run("run-overview", event_name="workflow_dispatch", inputs={})
    assert done.results == {"run": "failure"}, done.log
    assert "a started chat without an id" in done.log
    assert "<img" not in done.summary + str(done.jobs["run"].outputs)


def test_notices_have_their_secrets_where_schedules_run(site: Site) -> None:
    site.write("interact-gitops.yaml", (
        "managed_by: acme/jobs\nchannels:\n  ops: {type: slack, url: '${OPS_URL}'}\n"
        "  team: {type: slack, url: '${TEAM_URL}'}\nnotices: {channels: [ops]}\n"))  # fmt: skip
    site.secrets |= {"OPS_URL": "https://hooks.example.com/ops", "TEAM_URL": "https://hooks.example.com/team"}
    merged(site)
    made = (site.clone / ".github/workflows/schedule.yml").read_text()
    assert ("secrets.OPS_URL" in made, "secrets.TEAM_URL" in made) == (True, False)
    done = site.run("schedule", event_name="schedule")
    assert done.results == {"run": "success"}, done.log


def test_a_new_address_is_named_before_it_is_approved(site: Site) -> None:
    site.write(
        "interact-gitops.yaml",
        ("managed_by: acme/jobs\nchannels:\n  ops: {type: slack, url: 'https://hooks.example.com/${OPS_PATH}'}\n"),
    )
    site.secrets["OPS_PATH"] = "5ecretPath"
    merged(site)
    site.write(
        "interact-gitops.yaml",
        ("managed_by: acme/jobs\nchannels:\n  ops: {type: slack, url: 'https://evil.example/${OPS_PATH}'}\n"),
    )
    site.tool("workflows", "generate")
    pull_request(site)
    ((comment,),) = site.api.comments.values()
    assert "leads to https://evil.example" in comment["body"]
    site.git("checkout", "-q", "main")
    site.git("merge", "-q", "change")
    site.git("push", "-q", "origin", "main")
    done = site.run("apply")
    assert "leads to https://evil.example" in done.jobs["plan"].summary
    assert "5ecretPath" not in done.log + done.summary + comment["body"]
    site.write(
        "interact-gitops.yaml",
        ("managed_by: acme/jobs\nchannels:\n  ops: {type: slack, url: 'https://x.example/${INTERACT_API_KEY}'}\n"),
    )
    assert "INTERACT_API_KEY is the key of a target" in site.tool("validate", expect=1)
