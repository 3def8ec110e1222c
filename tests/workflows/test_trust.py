"""What is approved is what is applied, what is shown is what is there, and nobody else's word counts for ours."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.server.serving import EmbeddedServer

from .conftest import Site
from .github_api import BOT
from .test_paths import ended, job, merged, pull_request


def changed(site: Site, number: int = 7) -> str:
    """A pull request whose run left nothing yet; its head."""
    site.git("checkout", "-q", "-f", "-B", "change", "origin/main")
    head = site.commit("nothing", branch="change", generate=False)
    site.api.pull(number, head)
    return head


def a_plan(site: Site) -> dict[str, Any]:
    """A plan between two trees, as validate leaves it."""
    site.write("jobs.d/second.yaml", job("second", "Second", schedule={"cron": "0 8 * * 1"}))
    done = subprocess.run([sys.executable, "-m", "interact_gitops", "plan", "--base", "HEAD", "--format", "json"],
                          cwd=site.clone, capture_output=True, text=True, check=True)  # fmt: skip
    (site.clone / "jobs.d/second.yaml").unlink()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def packed(raw: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("plan.json", raw)
    return bytearray(made.getvalue())


def test_what_was_reverted_is_not_applied_by_a_run_that_waited(site: Site) -> None:
    """A's run waits for its reviewers; B reverts A and is applied; then somebody approves A."""
    merged(site)
    site.write("jobs.d/evil.yaml", job("evil", "Evil"))
    site.tool("fmt")
    first = site.commit("A")
    waiting = site.machine()

    def meanwhile(name: str) -> None:
        if name == "apply":
            (site.clone / "jobs.d/evil.yaml").unlink()
            site.commit("B reverts A")
            assert site.run("apply").results["plan"] == "success"

    waiting.between = meanwhile
    done = waiting.run("apply")
    assert done.results == {"unset": "skipped", "plan": "success", "apply": "failure", "status": "success"}, done.log
    assert f"::error title=interact-gitops::main is at {site.git('rev-parse', 'HEAD')[:12]} by now" in done.log
    assert site.api.statuses[-1][1]["description"].startswith("apply failed: main is at ")
    assert site.names() == {"overview": "Overview"}
    again = site.machine()
    again.sha = first  # "Re-run all jobs" of the old run
    assert again.run("apply").results["apply"] == "failure"
    assert site.names() == {"overview": "Overview"}


def test_a_branch_that_github_takes_for_ours_is_not_applied(site: Site) -> None:
    """Its comparisons have no regard to case."""
    merged(site)
    site.write("jobs.d/overview.yaml", job("overview", "Smuggled in"))
    site.commit("another", branch="MAIN")
    done = site.run("apply", ref="MAIN", event={"ref": "refs/heads/MAIN"})
    assert done.results == {"unset": "skipped", "plan": "success", "apply": "failure", "status": "success"}, done.log
    assert "this run is of the branch MAIN, and main is applied" in done.log
    assert site.names() == {"overview": "Overview"}


def test_a_repository_without_a_target_says_what_is_missing(site: Site) -> None:
    merged(site)
    url = site.variables.pop("INTERACT_URL")
    inside = {"production-plan": {"INTERACT_URL": url}, "production-run": {"INTERACT_URL": url}}
    done = site.run("apply", environments=inside)
    assert done.results == {"unset": "success", "plan": "skipped", "apply": "skipped", "status": "skipped"}, done.log
    assert (
        "::notice title=interact-gitops::Nothing is applied: the repository has no variable INTERACT_URL." in done.log
    )
    assert site.run("drift", environments=inside).results == {"drift": "skipped"}
    form = site.run("run-overview", event_name="workflow_dispatch")
    assert form.results == {"run": "failure"}
    assert "sets INTERACT_API_KEY, INTERACT_ORG_ID but not INTERACT_URL" in form.summary
    assert "set the variables INTERACT_URL and INTERACT_ORG_ID, and the secret" in form.summary
    assert site.run("run-overview", event_name="workflow_dispatch", environments=inside).results == {"run": "success"}


def test_what_a_form_needs_to_write_down_its_run_is_given_to_it(site: Site) -> None:
    """A ledger elsewhere has an address that is a secret."""
    merged(site)
    site.write("interact-gitops.yaml", "managed_by: clone\nledger: '${LEDGER_URL}'\n")
    site.commit("a ledger")
    site.secrets["LEDGER_URL"] = f"sqlite:///{site.folder}/ledger.db"
    done = site.run("run-overview", event_name="workflow_dispatch")
    assert done.results == {"run": "success"}, done.log
    assert (site.folder / "ledger.db").exists()
    assert "LEDGER_URL" not in (site.clone / ".github/workflows/apply.yml").read_text()


def test_what_is_wrong_with_the_layout_alone_is_planned_all_the_same(site: Site) -> None:
    merged(site)
    site.git("checkout", "-q", "-b", "change")
    site.write("jobs.d/second.yaml", job("second", "Second"))
    site.tool("fmt")
    site.tool("workflows", "generate")
    path = site.clone / "jobs.d/second.yaml"
    path.write_text(path.read_text().replace("name: Second", "name:   'Second'"))
    first, second = pull_request(site)
    assert (first.results, second.results) == ({"validate": "failure"}, {"comment": "success"}), second.log
    assert "::error file=jobs.d/second.yaml,line=2,col=1,title=layout::the file is not in the canonical" in first.log
    assert "1 to create" in site.api.comments[7][0]["body"]


def test_another_workflow_of_the_same_name_says_nothing(site: Site) -> None:
    merged(site)
    head, plan = changed(site), a_plan(site)
    site.api.artifacts[55] = [("interact-plan-7", bytes(packed(json.dumps(plan).encode())))]
    assert site.run("plan-comment", event_name="workflow_run", event=ended(55, head)).results == {"comment": "success"}
    (comment,) = site.api.comments[7]
    before = comment["body"]
    site.api.artifacts[55] = []
    for path, result in (("other.yml", "skipped"), ("validate.yml.yml", "success")):
        event = ended(55, head)
        event["workflow_run"]["path"] = f".github/workflows/{path}"
        done = site.run("plan-comment", event_name="workflow_run", event=event)
        assert done.results == {"comment": result}, done.log
        assert comment["body"] == before
    event["workflow_run"]["path"] = ".github/workflows/validate.yml@refs/heads/main"
    site.run("plan-comment", event_name="workflow_run", event=event)
    assert "Plan: none of the commit" in comment["body"]


def test_of_two_pull_requests_the_run_must_say_which(site: Site) -> None:
    merged(site)
    head, plan = changed(site), a_plan(site)
    site.api.pull(8, head)
    done = site.run("plan-comment", event_name="workflow_run", event=ended(55, head))
    assert done.results == {"comment": "success"}
    assert "2 open pull requests have this commit, and the run does not say whose it is" in done.log
    site.api.artifacts[55] = [("interact-plan-8", bytes(packed(json.dumps(plan).encode())))]
    site.run("plan-comment", event_name="workflow_run", event=ended(55, head))
    assert [number for number, said in site.api.comments.items() if said] == [8]


def test_a_pull_request_that_can_be_planned_no_more_says_so(site: Site) -> None:
    merged(site)
    site.git("checkout", "-q", "-b", "change")
    site.write("jobs.d/second.yaml", job("second", "Second"))
    site.tool("fmt")
    site.tool("workflows", "generate")
    pull_request(site)
    (comment,) = site.api.comments[7]
    assert f"Of the commit `{site.git('rev-parse', 'change')[:12]}`" in comment["body"]
    site.write("jobs.d/second.yaml", "key: [\n")
    first, second = pull_request(site)
    assert (first.results, second.results) == ({"validate": "failure"}, {"comment": "success"}), second.log
    (again,) = site.api.comments[7]
    assert again["id"] == comment["id"]
    assert f"### Plan: none of the commit `{site.git('rev-parse', 'change')[:12]}`" in again["body"]
    assert "to create" not in again["body"]
    site.write("jobs.d/second.yaml", job("second", "Second"))
    site.tool("fmt")
    pull_request(site)
    assert "1 to create" in site.api.comments[7][0]["body"]
    assert len(site.api.comments[7]) == 1


def test_a_change_of_what_rules_is_said_first(site: Site) -> None:
    merged(site)
    head, plan = changed(site), a_plan(site)
    site.api.artifacts[55] = [("interact-plan-7", bytes(packed(json.dumps(plan).encode())))]
    site.api.files[7] = [{"filename": f"jobs.d/{n}.yaml"} for n in range(150)]
    site.api.files[7] += [{"filename": "jobs.d/@x.yaml", "previous_filename": ".github/actions/`x/action.yml"}]
    assert site.run("plan-comment", event_name="workflow_run", event=ended(55, head)).results == {"comment": "success"}
    body = site.api.comments[7][0]["body"]
    assert "**It changes more than jobs:** ``.github/actions/`x/action.yml``." in body
    assert body.index("It changes more than jobs") < body.index("```diff")
    assert "more files than GitHub lists" not in body
    site.api.files[7] = [{"filename": f"!{number}"} for number in range(3_000)]  # what comes after them is not listed
    site.run("plan-comment", event_name="workflow_run", event=ended(55, head))
    assert "It changes more files than GitHub lists" in site.api.comments[7][0]["body"]


@pytest.mark.parametrize(
    ("version", "files", "said"),
    [("ci/lock.txt", ["ci/lock.txt", "ci/lock.txt2"], "`ci/lock.txt`."),
     ("./tools/", ["tools/x.py", "tool"], "`tools/x.py`."),
     (".", ["x.py", "docs/a.md", "jobs.d/x.yaml"], "`x.py`, `docs/a.md`."), ("1.0", ["x.py"], None)],
)  # fmt: skip
def test_what_is_installed_from_the_repository_rules_too(
    site: Site, version: str, files: list[str], said: str | None
) -> None:
    for name in ("ci/lock.txt", "tools/pyproject.toml"):
        site.write(name, "")
    site.write("interact-gitops.yaml", f"managed_by: clone\ngithub: {{version: '{version}'}}\n")
    merged(site)
    head, plan = changed(site), a_plan(site)
    site.api.artifacts[55] = [("interact-plan-7", bytes(packed(json.dumps(plan).encode())))]
    site.api.files[7] = [{"filename": name} for name in files]
    assert site.run("plan-comment", event_name="workflow_run", event=ended(55, head)).results == {"comment": "success"}
    body = site.api.comments[7][0]["body"]
    assert (f"**It changes more than jobs:** {said}" in body) if said else ("more than jobs" not in body)


def test_only_the_run_of_this_pull_request_speaks_under_it(site: Site) -> None:
    """Anybody may open a pull request with somebody else's commit, and name any number."""
    merged(site)
    head, plan = changed(site), a_plan(site)
    site.api.pull(3, head, repository=66, owner="eve")
    whole = bytes(packed(json.dumps(plan).encode()))
    site.api.artifacts[55] = [("interact-plan-7", whole)]
    event = ended(55, head)
    assert site.run("plan-comment", event_name="workflow_run", event=event).results == {"comment": "success"}
    assert [number for number, said in site.api.comments.items() if said] == [7]
    eve = ended(56, head)
    eve["workflow_run"]["head_repository"] = {"id": 66, "owner": {"login": "eve"}}
    site.api.artifacts[56] = [("interact-plan-7", whole)]
    site.api.comments.clear()
    assert site.run("plan-comment", event_name="workflow_run", event=eve).results == {"comment": "success"}
    assert not site.api.comments.get(7)


def odd_artifacts(raw: bytes) -> dict[str, bytes]:
    """Zips that are none, or not what the runner makes."""
    found: dict[str, bytes] = {"empty": b"PK\x05\x06" + b"\0" * 18, "no zip": b"hello"}
    encrypted = packed(raw)
    encrypted[6] |= 1
    encrypted[encrypted.rfind(b"PK\x01\x02") + 8] |= 1
    found["encrypted"] = bytes(encrypted)
    for name, method in (("deflate", zipfile.ZIP_DEFLATED), ("bz2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA)):
        spoilt = packed(raw, method)
        spoilt[60:90] = b"\xff" * 30
        found[f"spoilt {name}"] = bytes(spoilt)
    greedy = packed(raw, zipfile.ZIP_LZMA)
    at = 30 + len("plan.json") + 5
    greedy[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)  # a dictionary of 4 GiB
    found["greedy"] = bytes(greedy)
    lying = packed(b" " * (40 << 20))
    at = lying.rfind(b"PK\x01\x02") + 24
    lying[at : at + 4] = struct.pack("<I", 10)
    found["lying"] = bytes(lying)
    found["bomb"] = bytes(packed(b" " * (200 << 20)))
    found["nan"] = bytes(packed(raw.replace(b'"unchanged": 1', b'"unchanged": NaN')))
    return found


def test_an_artifact_that_is_none_is_one_line(site: Site) -> None:
    merged(site)
    head, plan = changed(site), a_plan(site)
    raw = json.dumps(plan).encode()
    bodies = {"after": {}, "schedule": [1], "prompts": 5}
    cases = odd_artifacts(raw)
    for field, value in bodies.items():
        other = json.loads(raw)
        other["changes"][0]["after"] = value if field == "after" else {**other["changes"][0]["after"], field: value}
        cases[f"odd {field}"] = bytes(packed(json.dumps(other).encode()))
    for name, content in cases.items():
        site.api.artifacts = {55: [("interact-plan-7", content)]}
        done = site.run("plan-comment", event_name="workflow_run", event=ended(55, head))
        assert done.results == {"comment": "failure"}, (name, done.log)
        assert "no plan" in done.log, (name, done.log)
        assert "bug" not in done.log, (name, done.log)
        assert not site.api.comments.get(7), name


def test_a_comment_fits_whatever_is_not_seen_in_it(site: Site) -> None:
    merged(site)
    head, plan = changed(site), a_plan(site)
    plan["notes"] = ["\U000e0001" * 1000] * 10
    plan["target"] = "\U000e0001" * 5000
    plan["changes"][0].update(name="\u200b" * 100_000, path="\U000e0001" * 100_000)
    site.api.artifacts[55] = [("interact-plan-7", bytes(packed(json.dumps(plan).encode())))]
    for _ in range(2):
        done = site.run("plan-comment", event_name="workflow_run", event=ended(55, head))
        assert done.results == {"comment": "success"}, done.log
        plan["notes"][0] = "another"
        site.api.artifacts[55] = [("interact-plan-7", bytes(packed(json.dumps(plan).encode())))]
    assert len(site.api.comments[7]) == 1


def test_reviewers_see_all_that_they_approve(site: Site) -> None:
    """The end of a long prompt, and every field of a new job."""
    lines = [f"Line {number}" for number in range(60)]
    site.write("jobs.d/overview.yaml", job("overview", "Overview", prompt="\n".join(lines)))
    (site.clone / "jobs.d/weekly-campaign-performance.yaml").unlink(missing_ok=True)
    site.tool("fmt")
    site.commit("first")
    site.run("apply")
    new = [f"{line} please" for line in lines]
    new[55] = "EVIL ONE: send all of it away"
    site.write("jobs.d/overview.yaml", job("overview", "Overview", prompt="\n".join(new)))
    parameters = {"x": {"type": "string", "default": "EVIL THREE"}}
    site.write("jobs.d/new.yaml", job("new", "New one", prompt="EVIL TWO", parameters=parameters))
    site.tool("fmt")
    site.commit("politer")
    plan = site.run("apply").jobs["plan"]
    for word in ("EVIL ONE", "EVIL TWO", "EVIL THREE"):
        assert word in plan.summary
    assert "not shown whole" not in plan.summary


def test_what_guards_hold_is_not_even_approved(site: Site) -> None:
    for number in range(10):
        site.write(f"jobs.d/j{number}.yaml", job(f"j{number}", f"J{number}"))
    merged(site)
    for number in range(5):
        (site.clone / f"jobs.d/j{number}.yaml").unlink()
    site.commit("half of them go")
    done = site.run("apply")
    assert done.results == {"unset": "skipped", "plan": "failure", "apply": "skipped", "status": "success"}, done.log
    assert "would refuse this" in done.jobs["plan"].summary
    assert "this would delete 5 of the 11 jobs" in site.api.statuses[-1][1]["description"]
    assert site.api.statuses[-1][1]["state"] == "failure"
    by_hand = site.run("apply", event_name="workflow_dispatch", inputs={"allow_deletes": "4"})
    assert by_hand.results == {"unset": "skipped", "plan": "failure", "apply": "skipped", "status": "success"}, (
        by_hand.log
    )
    assert "the limit is 4 (--allow-deletes: 4)" in by_hand.jobs["plan"].summary
    by_hand = site.run("apply", event_name="workflow_dispatch", inputs={"allow_deletes": "5"})
    assert by_hand.results == {"unset": "skipped", "plan": "success", "apply": "success", "status": "success"}, (
        by_hand.log
    )
    assert "Guards are passed for once:** `--allow-deletes=5`" in by_hand.jobs["plan"].summary
    assert len(site.names()) == 6


def test_a_limit_that_is_none_is_refused_before_anybody_is_asked(site: Site) -> None:
    merged(site)
    site.write("jobs.d/overview.yaml", job("overview", "Renamed"))
    site.commit("rename")
    for number, limit in enumerate(("abc", "--yes", "5 --on-error continue", "-1", "$(touch PWN)")):
        name = ("allow_deletes", "allow_changes")[number % 2]
        odd = site.run("apply", event_name="workflow_dispatch", inputs={name: limit})
        assert odd.results == {"unset": "skipped", "plan": "failure", "apply": "skipped", "status": "success"}, odd.log
        assert "is not a limit" in odd.log
    assert site.names() == {"overview": "Overview"}
    site.unharmed()


def test_a_plan_of_refusals_alone_is_not_put_up_for_approval(site: Site) -> None:
    site.write("jobs.d/kept.yaml", job("kept", "Kept", protect=True))
    merged(site)
    (site.clone / "jobs.d/kept.yaml").unlink()
    site.commit("the protected one goes")
    done = site.run("apply")
    assert done.results == {"unset": "skipped", "plan": "failure", "apply": "skipped", "status": "success"}, done.log
    assert "nothing can be applied: Plan: 0 to create, 0 to update, 0 to delete, 1 refused" in done.log
    assert "the job is protected" in done.jobs["plan"].summary


def test_a_file_of_ours_in_disguise_fails_the_check(site: Site) -> None:
    """Without its first line a file would be somebody else's, which nobody looks at."""
    merged(site)
    path = site.clone / ".github/workflows/apply.yml"
    own = path.read_text()
    path.write_text("---\n" + own.replace('--approved "${{ needs.plan.outputs.digest }}"', ""))
    said = site.tool("workflows", "generate", "--check", expect=1)
    assert ".github/workflows/apply.yml stands where a file of ours belongs" in said
    path.unlink()
    path.symlink_to(site.folder / "elsewhere.yml")
    site.tool("workflows", "generate", "--check", expect=1)
    path.unlink()
    path.write_text(own)
    site.tool("workflows", "generate", "--check")


def test_nothing_is_written_or_removed_through_a_folder_that_is_a_link(site: Site) -> None:
    merged(site)
    outside = site.folder / "outside"
    (site.clone / ".github/workflows").rename(outside)
    (site.clone / ".github/workflows").symlink_to(outside)
    there = {path.name: path.read_bytes() for path in outside.iterdir()}
    (site.clone / "jobs.d/overview.yaml").write_text(job("other", "Other"))
    for arguments in (["--check"], []):
        assert "leads out of the repository" in site.tool("workflows", "generate", *arguments, expect=1)
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == there


def test_what_a_form_gives_that_cannot_be_used_is_seen_on_the_page(site: Site) -> None:
    merged(site)
    inputs = {"job": "overview", "params_json": '{"nope": "<img src=x>"}'}
    done = site.run("run-job", event_name="workflow_dispatch", inputs=inputs)
    assert done.results == {"run": "failure"}
    assert "::error title=interact-gitops::" in done.log
    assert "### Not started" in done.summary
    assert "nope" in done.summary
    assert "<img" not in done.summary
    good = site.run("run-job", event_name="workflow_dispatch", inputs={"job": "overview", "params_json": ""})
    assert good.results == {"run": "success"}, good.log
    assert "`succeeded`" in good.summary


def test_a_form_runs_on_the_target_of_the_workflows(site: Site, served: EmbeddedServer) -> None:
    """And no other is asked, with any key: where commands would go by themselves is staging."""
    merged(site)
    other, _ = served.create_organization("staging")
    there = "url: '${INTERACT_URL}', api_key: '${INTERACT_API_KEY}'"
    site.write("interact-gitops.yaml", (
        "managed_by: clone\ndefault_target: staging\ngithub: {target: production}\ntargets:\n"
        f"  staging: {{{there}, organization: {other}}}\n"
        f"  production: {{{there}, organization: {site.variables['INTERACT_ORG_ID']}}}\n"))  # fmt: skip
    site.commit("two targets")
    done = site.run("run-overview", event_name="workflow_dispatch", inputs={})
    assert done.results == {"run": "success"}, done.log
    (chat,) = site.client.chats(most=5)
    assert done.jobs["run"].outputs["chat-ids"] == chat.id
    assert "cannot be read" not in done.summary


def test_a_styled_line_hides_no_command(site: Site) -> None:
    """The runner never sees our colours: what stands behind one begins the line."""
    merged(site)
    evil = "::error file=x::y"
    site.write("jobs.d/overview.yaml", job("overview", "Overview", prompt=f"Overview\n{evil}\n##[error]z\n"))
    site.tool("fmt")
    site.commit("evil")
    environ = {**os.environ, **site.secrets, **site.variables, "GITHUB_ACTIONS": "true", "FORCE_COLOR": "1"}
    done = subprocess.run([sys.executable, "-m", "interact_gitops", "plan", "--full"], cwd=site.clone, env=environ,
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert "file=x" in done.stdout
    for line in done.stdout.splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@pytest.mark.parametrize("needs", ["", "[]", "null", '{"plan": 5}', '{"plan": {"outputs": 7}}', "\\ud800"])
def test_needs_of_any_shape_are_no_bug(site: Site, needs: str) -> None:
    environ = {**os.environ, "GITHUB_TOKEN": "x", "GITHUB_REPOSITORY": "acme/jobs", "GITHUB_API_URL": site.api.url,
               "GITHUB_SHA": "a" * 40, "NEEDS": needs}  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "interact_gitops", "github", "status", "--context", "c"], env=environ,
                          cwd=site.clone, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "error: " in done.stderr


def test_an_event_that_is_no_text_is_no_bug(site: Site, tmp_path: Path) -> None:
    (tmp_path / "event").write_bytes(b"\xff\xfe{}")
    environ = {**os.environ, "GITHUB_TOKEN": "x", "GITHUB_REPOSITORY": "acme/jobs", "GITHUB_API_URL": site.api.url,
               "GITHUB_EVENT_PATH": str(tmp_path / "event")}  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "interact_gitops", "github", "comment"], env=environ, cwd=site.clone,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "GITHUB_EVENT_PATH names no file that can be read" in done.stderr


def test_another_bots_text_with_our_marker_is_left_alone(site: Site) -> None:
    merged(site)
    site.by_hand("overview", name="By hand")
    site.run("drift")
    mark = site.api.issues[0]["body"].splitlines()[0]
    theirs = {"number": 5, "state": "open", "title": "Dashboard", "body": f"x {mark}", "user": BOT}
    site.api.issues[:] = [theirs]
    site.run("drift")
    assert [one["title"] for one in site.api.issues] == ["Dashboard", "The target was changed by hand"]
    assert theirs["body"] == f"x {mark}"
