"""The workflows as GitHub would run them: pull requests, merges, drift, forms, schedules; with hostile text in them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from interact_gitops.ledger.keys import target_name
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.requests import Decision
from interact_gitops.runner.due import Watermark
from interact_gitops.runner.marks import to_ledger
from interact_gitops.schedule import Schedule

from .conftest import HOSTILE, Site
from .running import Run

OVERVIEW = "Give me the overview of all campaigns by spend."


def job(key: str, name: str, **more: Any) -> str:
    said = {"key": key, "name": name, "agent": "paid-search-analyst", "prompt": OVERVIEW, **more}
    return yaml.safe_dump(said, allow_unicode=True)


def merged(site: Site) -> None:
    """A first commit on main, applied."""
    site.write("jobs.d/overview.yaml", job("overview", "Overview"))
    (site.clone / "jobs.d/weekly-campaign-performance.yaml").unlink(missing_ok=True)
    site.tool("fmt")
    site.commit("first")
    done = site.run("apply")
    done.jobs.pop("unset", None)  # where a target is configured, nothing can be unset
    assert done.results == {"plan": "success", "apply": "success", "status": "success"}, done.log


def ended(run: int, head: str, *, good: str = "success") -> dict[str, Any]:
    """The event of a run of validate, of a branch of a fork."""
    return {"workflow_run": {"id": run, "head_sha": head, "event": "pull_request", "conclusion": good,
                             "head_branch": "change", "pull_requests": [], "path": ".github/workflows/validate.yml",
                             "head_repository": {"id": 9, "owner": {"login": "fork"}}}}  # fmt: skip


def pull_request(site: Site, number: int = 7) -> tuple[Run, Run]:
    """What is in the clone as a pull request: validate on its merge commit, then the comment from main."""
    if site.git("branch", "--show-current") != "change":
        site.git("checkout", "-q", "-b", "change")
    head = site.commit("a change", branch="change", generate=False)
    site.git("checkout", "-q", "-B", "merge", "origin/main")
    site.git("merge", "-q", "--no-ff", "-m", "merge", "change")
    site.git("push", "-q", "--force", "origin", "HEAD:refs/heads/merge")
    site.git("checkout", "-q", "change")
    validate = site.machine(ref="merge", event_name="pull_request", event={"ref": f"refs/pull/{number}/merge",
                                                                              "number": number})  # fmt: skip
    validate.secrets = {}  # a fork has none, and needs none
    first = validate.run("validate")
    site.api.pull(number, head)
    run = 100 + site.runs
    for name, kept in validate.artifacts.items():
        site.api.keep(run, name, kept)
    second = site.run("plan-comment", event_name="workflow_run", event=ended(run, head, good=first.results["validate"]))
    return first, second


def test_a_pull_request_has_one_comment_edited_in_place(site: Site) -> None:
    merged(site)
    site.write("jobs.d/second.yaml", job("second", "Second"))
    site.tool("fmt")
    site.tool("workflows", "generate")
    first, second = pull_request(site)
    assert first.results == {"validate": "success"}, first.log
    assert second.results == {"comment": "success"}, second.log
    (comment,) = site.api.comments[7]
    assert "1 to create" in comment["body"]
    assert "second" in comment["body"]
    site.write("jobs.d/second.yaml", job("second", "Another name"))
    site.write("jobs.d/third.yaml", job("third", "Third"))
    site.tool("fmt")
    site.tool("workflows", "generate")
    pull_request(site)
    (again,) = site.api.comments[7]
    assert again["id"] == comment["id"]
    assert "2 to create" in again["body"]
    assert site.names() == {"overview": "Overview"}, "a pull request writes nothing"


def test_a_pull_request_that_is_not_valid_is_annotated_on_its_lines(site: Site) -> None:
    merged(site)
    site.write("jobs.d/second.yaml", job("second", "Second").replace("prompt:", "promt:"))
    first, second = pull_request(site)
    assert first.results == {"validate": "failure"}
    assert "::error file=jobs.d/second.yaml,line=" in first.log
    assert second.results == {"comment": "success"}, second.log
    assert 7 not in site.api.comments or not site.api.comments[7]


def test_a_form_that_was_forgotten_fails_the_check(site: Site) -> None:
    merged(site)
    site.write("jobs.d/second.yaml", job("second", "Second"))
    site.tool("fmt")
    first, _ = pull_request(site)
    assert first.results == {"validate": "failure"}
    assert "run `interact-gitops workflows generate`, and commit" in first.log


def test_hostile_text_in_a_pull_request_is_shown_as_code(site: Site) -> None:
    merged(site)
    for number, text in enumerate(HOSTILE):
        shown = text.replace("\n", " ").replace("\u202e", "").replace("\u2066", "").replace("${{", "$ {{")
        site.write(f"jobs.d/h{number}.yaml", job(f"h{number}", shown, owner=shown[:50],
                                                 prompt=shown.replace("{", "(").replace("%", "")))  # fmt: skip
    site.tool("fmt")
    site.tool("workflows", "generate")
    first, second = pull_request(site)
    assert first.results == {"validate": "success"}, first.log
    assert second.results == {"comment": "success"}, second.log
    (comment,) = site.api.comments[7]
    outside = "\n".join(part for number, part in enumerate(comment["body"].split("```")) if number % 2 == 0)
    for bare in re.sub(r"<code>.*?</code>|`[^`]*`", "", outside).splitlines():
        assert "@everyone" not in bare
    assert "<img src=x>" not in outside
    assert "::set-output" not in first.log
    site.unharmed()


def test_a_fork_that_leaves_something_else_than_a_plan(site: Site) -> None:
    """Its artifact is data, whatever it is."""
    merged(site)
    site.git("checkout", "-q", "-B", "change", "origin/main")
    head = site.commit("nothing", branch="change", generate=False)
    site.api.pull(7, head)
    for content in ("[]", '{"changes": []}', "not json", '{"a":' * 5000, "\ud800".encode("utf-8", "surrogatepass")):
        path = site.folder / "plan.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        site.api.artifacts.clear()
        site.api.keep(55, "interact-plan-7", path)
        done = site.run("plan-comment", event_name="workflow_run", event=ended(55, head))
        assert done.results == {"comment": "failure"}, done.log
        assert "Traceback" not in done.log
        assert "no plan" in done.log
    assert not site.api.comments.get(7)


def test_a_merge_is_applied_when_its_plan_was_approved(site: Site) -> None:
    merged(site)
    (sha, status), *_ = site.api.statuses
    assert (status["state"], status["context"]) == ("success", "interact-gitops/apply")
    assert status["target_url"] == "https://github.com/acme/jobs/actions/runs/77"
    assert "1 done" in status["description"]
    assert sha == site.git("rev-parse", "HEAD")
    assert site.names() == {"overview": "Overview"}
    again = site.run("apply")
    assert again.results == {"unset": "skipped", "plan": "success", "apply": "skipped", "status": "success"}, again.log
    assert "no changes" in site.api.statuses[-1][1]["description"]


def test_what_was_approved_and_holds_no_more_is_refused(site: Site) -> None:
    merged(site)
    site.write("jobs.d/overview.yaml", job("overview", "Renamed"))
    site.commit("rename")
    machine = site.machine()
    machine.between = lambda name: site.by_hand("overview", name="By hand") if name == "apply" else None
    done = machine.run("apply")
    assert done.results == {"unset": "skipped", "plan": "success", "apply": "failure", "status": "success"}, done.log
    assert site.names() == {"overview": "By hand"}
    assert "stale plan" in done.log or "approved" in done.log
    assert site.api.statuses[-1][1]["state"] == "failure"
    assert site.api.statuses[-1][1]["description"].startswith("apply failed: stale plan: overview")
    assert "### Apply failed" in done.jobs["apply"].summary


def test_an_artifact_that_was_exchanged_is_refused(site: Site) -> None:
    """Whoever can write an artifact is not whoever approves."""
    merged(site)
    site.write("jobs.d/overview.yaml", job("overview", "Meant"))
    site.commit("meant")
    other = site.folder / "other-plan.json"
    machine = site.machine()

    def exchange(name: str) -> None:
        if name == "apply":
            site.write("jobs.d/overview.yaml", job("overview", "Smuggled in"))
            environ = {**site.secrets, **site.variables}
            subprocess.run([sys.executable, "-m", "interact_gitops", "plan", "--out", str(other)], cwd=site.clone,
                           env={**os.environ, **environ}, check=True, capture_output=True)  # fmt: skip
            other.replace(machine.artifacts["approved-plan"])

    machine.between = exchange
    done = machine.run("apply")
    assert done.results["apply"] == "failure"
    assert "was approved" in done.log
    assert site.names() == {"overview": "Overview"}


def test_drift_is_one_issue_edited_in_place_and_closed(site: Site) -> None:
    merged(site)
    clean = site.run("drift")
    assert clean.results == {"drift": "success"}, clean.log
    assert site.api.issues == []
    site.by_hand("overview", name="By hand <img src=x> @everyone")
    for _ in range(2):
        assert site.run("drift").results == {"drift": "success"}
    (issue,) = site.api.issues
    assert issue["state"] == "open"
    assert "overview" in issue["body"]
    body = issue["body"]
    site.by_hand("overview", name="By another hand")
    site.run("drift")
    (issue,) = site.api.issues
    assert issue["body"] != body
    site.by_hand("overview", name="Overview")
    site.run("drift")
    assert [one["state"] for one in site.api.issues] == ["closed"]


def thirty() -> dict[str, Any]:
    """A job of thirty parameters of every type."""
    kinds: list[dict[str, Any]] = [
        {"type": "string", "default": "x"}, {"type": "integer", "default": 3, "minimum": 0},
        {"type": "number", "default": 1.5}, {"type": "boolean", "default": False},
        {"type": "string", "enum": ["NL", "DE"], "default": "NL"},
    ]  # fmt: skip
    return {f"p{number:02d}": dict(kinds[number % 5]) for number in range(30)}


def test_a_form_of_thirty_parameters_with_hostile_values(site: Site) -> None:
    site.write("jobs.d/many.yaml", job("many", "Many", parameters=thirty()))
    site.tool("fmt")
    merged(site)
    form = yaml.safe_load((site.clone / ".github/workflows/run-many.yml").read_text())
    inputs = form[True]["workflow_dispatch"]["inputs"]
    assert len(inputs) == 25
    kinds = {name: one["type"] for name, one in inputs.items()}
    assert (kinds["p00"], kinds["p01"], kinds["p02"], kinds["p03"], kinds["p04"]) == (
        "string", "number", "number", "boolean", "choice")  # fmt: skip
    assert inputs["p04"]["options"] == ["NL", "DE"]
    given = {name: one.get("default", "") for name, one in inputs.items()}
    for text in (*HOSTILE[:3], HOSTILE[4], HOSTILE[6], HOSTILE[7] + "\u2028\x85", "x" * 9_000):
        rest = json.dumps({"p25": text})
        done = site.run("run-many", event_name="workflow_dispatch", inputs={**given, "p00": text, "params_json": rest})
        assert done.results == {"run": "success"}, done.log[-2000:]
        assert done.jobs["run"].outputs["chat-ids"].startswith("chat_")
        assert "Many" in done.summary
        assert len(done.summary.encode()) < 1 << 20
        (chat,) = site.client.chats(most=1)
        assert chat.parameters["p00"] == text.strip() or chat.parameters["p00"] == text
    much = {**given, "p00": "x" * 60_000, "params_json": ""}
    done = site.run("run-many", event_name="workflow_dispatch", inputs=much)
    assert done.results == {"run": "failure"}
    assert "p00: the text has 60,000 characters, the limit is 10,000" in done.log
    site.unharmed()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"days": "soon"}, "days"),
        ({"days": "500"}, "days"),
        ({"nope": "1"}, "has no field 'nope'"),
        ({"params_json": "{"}, "params_json is not JSON"),
    ],
)
def test_values_are_checked_again(site: Site, inputs: dict[str, Any], words: str) -> None:
    days = {"type": "integer", "minimum": 1, "maximum": 90, "default": 7}
    parameters = {"days": days, "params_json": {"type": "string", "default": "x"}}
    site.write("jobs.d/checked.yaml", job("checked", "Checked", parameters=parameters))
    site.tool("fmt")
    merged(site)
    done = site.run("run-checked", event_name="workflow_dispatch", inputs=inputs)
    assert done.results == {"run": "failure"}
    assert words in done.log
    assert list(site.client.chats(most=1)) == []


def test_a_run_that_fails_fails_the_workflow_and_says_so(site: Site) -> None:
    site.write("jobs.d/half.yaml", job("half", "Half", prompt="Hm, and what of the weather?"))
    merged(site)
    done = site.run("run-half", event_name="workflow_dispatch", inputs={})
    assert done.results == {"run": "failure"}
    assert "failed" in done.summary
    generic = site.run("run-job", event_name="workflow_dispatch", inputs={"job": "overview", "params_json": ""})
    assert generic.results == {"run": "success"}, generic.log


def test_two_schedules_at_once_with_the_ledger_in_git(site: Site) -> None:
    site.write("interact-gitops.yaml", (
        "managed_by: acme/jobs\ntargets:\n  main: {url: '${INTERACT_URL}', organization: '${INTERACT_ORG_ID}',"
        " api_key: '${INTERACT_API_KEY}', schedules: runner}\n"))  # fmt: skip
    now = datetime.now(UTC)
    due = now - timedelta(minutes=2)
    cron = f"{due.minute} {due.hour} * * *"
    site.write("jobs.d/daily.yaml", job("daily", "Daily", schedule={"cron": cron, "timezone": "UTC"}))
    site.tool("fmt")
    merged(site)
    # What an earlier run would have left: everything before this is decided.
    mark = to_ledger(Watermark(at=now - timedelta(minutes=10), schedule=Schedule(cron=cron, timezone="UTC")))
    space = f"{target_name(site.variables['INTERACT_URL'], site.variables['INTERACT_ORG_ID'])} acme/jobs"
    with closing(open_ledger("git:origin", folder=site.clone)) as ledger:
        ledger.decide(space, [Decision(job="daily", was=None, becomes=mark)], by="earlier", now=now)
    runs: list[Run] = []
    machines = [site.machine(event_name="schedule") for _ in range(2)]
    threads = [threading.Thread(target=lambda one=one: runs.append(one.run("schedule"))) for one in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.results for run in runs] == [{"run": "success"}] * 2, [run.log for run in runs]
    (chat,) = site.client.chats()
    assert chat.job_name == "Daily"
    assert site.run("schedule", event_name="schedule").results == {"run": "success"}
    assert len(list(site.client.chats())) == 1
    refs = site.git("ls-remote", "origin")
    assert "refs/interact-gitops/ledger" in refs
    site.variables["INTERACT_SCHEDULER"] = ""
    assert site.run("schedule", event_name="schedule").results == {"run": "skipped"}


def test_no_secret_stands_in_a_log(site: Site) -> None:
    merged(site)
    site.run("drift")
    for machine in site.machines:
        for path in machine.folder.rglob("*"):
            if path.is_file() and path.stat().st_size < 10**6 and "objects" not in path.parts:
                assert site.secrets["INTERACT_API_KEY"].encode() not in path.read_bytes(), path
