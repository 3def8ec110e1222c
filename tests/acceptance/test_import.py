"""`import`: what somebody made or changed on the target, in files that plan finds nothing to do about."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.interact.records import RemoteJob

from .conftest import Shell

Fits = Callable[[str, Any], None]
BESIDE = {"id", "etag", "definitionHash", "paused", "createdAt", "updatedAt"}  # what an API body has and no write takes
HOSTILE = [
    "on",
    "- x",
    "key: value",
    "a #b",
    "---\n%TAG ! x\n...",
    "\u202egnp.exe",
    "{{ '{{' }} braces",
    "${var.x} $${y}",
    "  indented\nfirst",
    "tab\there",
    "é 日本語 🙂\u200d",
    "\n\nblank above",
    "blank below\n\n\n",
    "'\"\\",
    "x" * 50_000,
    'quote: "it\'s" # no comment',
    "| literal",
    "> folded",
    "&a *a !b",
    "[a, b]",
    "{a: b}",
    "12:30",
    "1e3",
    "<<",
    "?",
    "\ufeffmark",
]


@pytest.fixture
def someone(interact: Shell) -> Iterator[Client]:
    """Somebody who works in Interact's own UI."""
    environment = interact.environment
    with Client(environment["INTERACT_URL"], environment["INTERACT_API_KEY"], environment["INTERACT_ORG_ID"]) as client:
        yield client


def held(client: Client) -> dict[str, RemoteJob]:
    return {job.key: job for job in client.jobs()}


def edit(client: Client, key: str, **fields: Any) -> None:
    job = held(client)[key]
    whole = {name: value for name, value in job.raw.items() if name not in BESIDE}
    whole["agent"] = {"slug": job.raw["agent"]["slug"]}
    client.replace_job(job.id, {**whole, **fields}, etag=job.etag or "")


def make(client: Client, key: str, **fields: Any) -> None:
    body = {"key": key, "name": key.title(), "agent": {"slug": "paid-search-analyst"}, "prompts": [{"text": "How?"}]}
    client.create_job({**body, **fields}, idempotency_key=f"made-{key}")


def tree(shell: Shell) -> dict[str, bytes]:
    folder = shell.folder / "jobs.d"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.y*ml"))}


def nothing_to_do(shell: Shell) -> None:
    assert shell("plan").out.startswith("No changes.")
    before = tree(shell)
    shell("import", "--write")
    assert tree(shell) == before


def test_what_was_applied_comes_back_into_an_empty_tree(interact: Shell, fits: Fits) -> None:
    interact("apply", "--yes")
    shutil.rmtree(interact.folder / "jobs.d")
    shown = interact("import")
    assert " + market-summary               jobs.d/market-summary.yaml\n" in shown.out
    assert "Import: 12 new, 0 changed, 0 unchanged; 12 files to write.\nNothing was written: pass --write." in shown.out
    assert not (interact.folder / "jobs.d").exists()
    document = interact("import", "--format", "json").json
    fits("import", document)
    interact("import", "--write")
    assert {f"jobs.d/{name}": raw.decode() for name, raw in tree(interact).items()} == {
        file["path"]: file["text"] for file in document["files"]
    }
    assert interact("validate").out == "12 valid jobs in jobs.d: no problem found.\n"
    assert interact("fmt", "--check").out == "12 as they should be.\n"
    nothing_to_do(interact)


def test_edits_come_into_the_files_where_they_belong(interact: Shell, someone: Client) -> None:
    interact("apply", "--yes")
    before = tree(interact)
    market = held(someone)["market-summary"].raw["schedule"]
    edit(someone, "market-summary", name='Market: "NL"', schedule={**market, "cron": "@daily 09:00", "calendar": None})
    edit(someone, "top-products", description="By revenue", labels={"tier": "silver", "team": "web"})
    shown = interact("import", "--full").out
    assert "-name: Monthly market summary\n+name: 'Market: \"NL\"'\n" in shown
    assert " ~ market-summary  jobs.d/paid-search/07-market-summary.yaml:4  name, schedule\n" in shown
    interact("import", "--write")
    after = tree(interact)
    assert {name for name in after if after[name] != before[name]} == {
        "ecommerce/top-products.yaml", "paid-search/07-market-summary.yaml",
    }  # fmt: skip
    changed = after["paid-search/07-market-summary.yaml"].decode()
    assert changed.splitlines()[:3] == before["paid-search/07-market-summary.yaml"].decode().splitlines()[:3]
    assert 'schedule:\n  cron: "@daily 09:00"\n  catch_up: all\n' in changed
    assert "timezone" not in changed, "the folder's _defaults.yaml says it"
    nothing_to_do(interact)


def test_comments_layout_and_variables_stay(interact: Shell, someone: Client) -> None:
    shutil.rmtree(interact.folder / "jobs.d")
    (interact.folder / "jobs.d").mkdir()
    text = (
        "# Ours.\n\n---\nkey: one   # the first\nname:  'One${var.suffix}'\nagent: paid-search-analyst\n"
        "prompts:\n# asked first\n- What happened?   # last week\n- Why?\nlabels: {team: a,   # why\n  tier: b}\n"
        "---\n# The second.\nkey: two\nname: Two\nagent: paid-search-analyst\nprompt: Who?\n"
    )
    file = interact.folder / "jobs.d/both.yaml"
    file.write_text(text)
    file.chmod(0o640)
    (interact.folder / "interact-gitops.yaml").write_text(
        "managed_by: acme/jobs\ntargets:\n  t:\n    url: ${INTERACT_URL}\n    api_key: ${INTERACT_API_KEY}\n"
        "    organization: ${INTERACT_ORG_ID}\n    variables: {suffix: ' (t)'}\n"
    )
    interact("apply", "--yes")
    asked = [{"text": "What happened?"}, {"text": "Why\nso?"}, {"text": "Really?"}]
    edit(someone, "one", prompts=asked, labels={"team": "a", "tier": "c"})
    edit(someone, "two", owner="us@example.com")
    interact("import", "--write")
    assert file.read_text() == (
        text.replace("- Why?\n", "- |-\n  Why\n  so?\n- Really?\n").replace("tier: b", "tier: c")
        .replace("prompt: Who?", "owner: us@example.com\nprompt: Who?")
    )  # fmt: skip
    assert file.stat().st_mode & 0o777 == 0o640
    nothing_to_do(interact)
    edit(someone, "one", name="Another")
    assert "name: a variable gave way to the target's own value" in interact("import", "--write").out
    assert 'name:  "Another"' in file.read_text()


def test_what_nobody_manages_is_taken_over_on_request(interact: Shell, someone: Client) -> None:
    interact("apply", "--yes")
    make(someone, "by-hand", labels={"tier": "silver"})
    make(someone, "by-others", managedBy="other/jobs")
    assert "pass --write, too" in interact("import", "--adopt", expect=1).err
    shown = interact("import", "--write")
    assert "! by-others  managed by 'other/jobs': left out" in shown.out
    assert "1 job is managed by nobody yet: `import --write --adopt` takes them over" in shown.out
    assert "nobody manages it" in interact("plan").out
    refused = interact("import", "--write", "--adopt", expect=1)
    assert "apply asks before it writes, and there is no terminal here" in refused.err
    assert held(someone)["by-hand"].managed_by is None
    shutil.rmtree(interact.folder / "jobs.d/ecommerce")  # what is missing here must not be deleted there
    taken = interact("import", "by-*", "--write", "--adopt", "--yes")
    assert "adopted by-hand" in taken.out
    assert "top-products" in held(someone)
    assert held(someone)["by-hand"].managed_by is not None
    assert held(someone)["by-others"].managed_by == "other/jobs"
    assert json.loads(interact("import", "--write", "--adopt", "--yes", "--format", "json").out)["adopted"] == []
    assert interact("plan").out.startswith("No changes.")


def test_a_protected_target_is_not_written_to(interact: Shell, someone: Client) -> None:
    (interact.folder / "interact-gitops.yaml").write_text(
        "managed_by: acme/jobs\ntargets:\n  t:\n    url: ${INTERACT_URL}\n    api_key: ${INTERACT_API_KEY}\n"
        "    organization: ${INTERACT_ORG_ID}\n    protected: true\n"
    )
    make(someone, "by-hand", labels={"tier": "silver"})
    before = tree(interact)
    assert "protected" in interact("import", "--write", "--adopt", "--yes", expect=1).err
    assert tree(interact) == before
    interact("import", "--write")
    assert held(someone)["by-hand"].managed_by is None


def test_hostile_texts_survive(interact: Shell, someone: Client, tmp_path: Path) -> None:
    shutil.rmtree(interact.folder / "jobs.d")
    for number, text in enumerate(HOSTILE):
        make(someone, f"job-{number}", name=f"x{text[:100]}", prompts=[{"text": text}, {"text": "And?"}],
             description=text[:2000], labels={"a": text[:200]})  # fmt: skip
    shown = interact("import", "--full").out
    assert "\u202e" not in shown
    interact("import", "--write", "--adopt", "--yes")
    assert "26 valid jobs" in interact("validate").out
    nothing_to_do(interact)


def test_what_no_file_can_hold_is_refused_in_a_line(interact: Shell, someone: Client) -> None:
    make(someone, "windows", prompts=[{"text": "One\r\nTwo"}], labels={"tier": "silver"})
    make(someone, "fine", labels={"tier": "silver"})
    answer = interact("import", "--write", expect=1)
    assert " ! windows" in answer.out
    assert "no file can say it: this text holds the control character U+000D" in answer.out
    assert (interact.folder / "jobs.d/fine.yaml").is_file()
    assert not (interact.folder / "jobs.d/windows.yaml").exists()


def test_what_a_defaults_file_forces_is_told(interact: Shell, someone: Client) -> None:
    make(someone, "plain")
    answer = interact("import", "--write", expect=1)
    assert "labels.tier comes from the folder's _defaults.yaml, and the target's job has none" in answer.out
    assert (interact.folder / "jobs.d/plain.yaml").is_file()


def test_a_foreign_file_is_never_written_over(interact: Shell, someone: Client) -> None:
    make(someone, "campaign", labels={"tier": "silver"})
    mine = interact.folder / "jobs.d/campaign.yaml"
    mine.write_text("key: mine\nname: Mine\nagent: paid-search-analyst\nprompt: x\n")
    interact("import", "--write")
    assert mine.read_text().startswith("key: mine\n")
    assert (interact.folder / "jobs.d/campaign-2.yaml").read_text().startswith("key: campaign\n")


def test_a_tree_that_cannot_be_used_stops_it(interact: Shell) -> None:
    (interact.folder / "jobs.d/bad.yaml").write_text("key: bad\nkey: worse\n")
    answer = interact("import", "--write", expect=1)
    assert "jobs.d/bad.yaml:2:1: the key 'key' stands twice" in answer.err
    assert "did you mean 'budget-pacing'?" in _without_bad(interact)("import", "budget-pacin", expect=1).err


def _without_bad(shell: Shell) -> Shell:
    (shell.folder / "jobs.d/bad.yaml").unlink()
    shell("apply", "--yes")
    return shell
