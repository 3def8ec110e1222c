"""Channels end to end: declared in the configuration, applied, attached to a job, the job run, the message received by
real servers on loopback; and what docs/notifications.md tells a receiver to do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..contract.senders.conftest import Hooks, Post, Received, hooks, post_office
from .conftest import COMMAND, ROOT, Shell

__all__ = ["hooks", "post_office"]  # fixtures

DOCS = (ROOT / "docs/notifications.md").read_text()
SECRET = "s3cret of the hook's"
CONFIGURATION = """\
managed_by: acme/jobs
channels:
  hook: {type: webhook, url: "${HOOK_URL}", secret: "${HOOK_SECRET}"}
  chat: {type: slack, url: "${SLACK_URL}"}
  cards: {type: teams, url: "${TEAMS_URL}"}
  mail: {type: email, to: [ada@example.com, bob@example.com]}
"""
JOB = """\
key: overview
name: Campaign overview
agent: paid-search-analyst
prompt: Give me the overview of all campaigns by spend.
notifications:
  - {channel: hook, topics: [completed_run, failed_run, anomaly]}
  - {channel: chat, topics: [completed_run, failed_run, anomaly]}
  - {channel: cards, topics: [completed_run, failed_run, anomaly]}
  - {channel: mail, topics: [completed_run, failed_run, anomaly]}
"""


@pytest.fixture
def served(repository: Path, post_office: Callable[..., Post]) -> Iterator[tuple[Shell, Post]]:
    """The command line in a repository that is served by `interact-gitops serve`, and its post office."""
    post = post_office()
    shell = Shell(repository)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("INTERACT_")}
    environ |= {"INTERACT_SMTP_URL": f"smtp://127.0.0.1:{post.port}?tls=none",
                "INTERACT_MAIL_FROM": "interact@example.com"}  # fmt: skip
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--allow-private", "127.0.0.1", "--public-url", "https://interact.example.com"],
        cwd=repository, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert "served at" in process.stdout.readline()
    yield shell, post
    process.terminate()
    process.communicate(timeout=30)


def wait(what: Callable[[], Any], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.1)


def prepared(shell: Shell, hooks: Hooks, **urls: str) -> None:
    for path in (shell.folder / "jobs.d").rglob("*.yaml"):
        path.unlink()
    (shell.folder / "interact-gitops.yaml").write_text(CONFIGURATION)
    (shell.folder / "jobs.d/overview.yaml").write_text(JOB)
    addresses = {"HOOK_URL": "/ok/hook", "SLACK_URL": "/ok/slack", "TEAMS_URL": "/ok/teams", **urls}
    shell.environment |= {name: hooks.url + path for name, path in addresses.items()} | {"HOOK_SECRET": SECRET}
    shell("apply", "--yes")


def received(hooks: Hooks, path: str) -> list[Received]:
    return [one for one in hooks.received if one.path == path]


def test_from_the_configuration_to_the_receivers(served: tuple[Shell, Post], hooks: Hooks) -> None:
    shell, post = served
    prepared(shell, hooks)
    listed = shell("channels", "list").out
    assert all(name in listed for name in ("hook", "chat", "cards", "mail"))
    assert hooks.url not in listed
    assert SECRET not in listed
    assert "The test message to hook was taken by its receiver." in shell("channels", "test", "hook").out
    assert json.loads(received(hooks, "/ok/hook")[0].body)["topic"] == "test"
    chat = shell("run", "overview", "--wait", "--format", "json").json["runs"][0]
    wait(lambda: len(hooks.received) == 4 and post.mails)
    body = json.loads(received(hooks, "/ok/hook")[1].body)
    assert body["title"].startswith("Campaign overview: ")
    (part,) = body["parts"]
    assert part["chatId"] == chat["id"]
    slack = json.loads(received(hooks, "/ok/slack")[0].body)
    assert len(slack["blocks"]) <= 50
    assert len(json.dumps(slack)) < 40_000
    teams = received(hooks, "/ok/teams")[0].body
    assert len(teams) < 28_000
    for text in (json.dumps(slack), teams.decode()):
        assert "https://interact.example.com/" in text
        assert chat["id"] in text
    (mail,) = post.mails
    assert post.receivers == [("ada@example.com", "bob@example.com")]
    assert str(mail["Subject"]).startswith("Campaign overview: ")
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))  # type: ignore[union-attr]
    first_line = part["answer"].replace("**", "").strip().splitlines()[0][:40]
    assert first_line in plain.replace("**", "")
    assert chat["id"] in html
    shell("run", "overview", "--wait")
    wait(lambda: len(post.mails) == 2)
    time.sleep(0.5)
    assert [len(received(hooks, f"/ok/{name}")) for name in ("hook", "slack", "teams")] == [3, 2, 2]


def test_what_did_not_arrive_is_seen_and_sent_again(served: tuple[Shell, Post], hooks: Hooks) -> None:
    shell, _ = served
    prepared(shell, hooks, HOOK_URL="/gone/hook")
    answer = shell("channels", "test", "hook", expect=1)
    assert "the test message to 'hook' did not arrive" in answer.err
    assert "404" in answer.err
    shell("run", "overview", "--wait")
    wait(lambda: "overview" in shell("channels", "dead", expect=0).out)
    table = shell("channels", "dead").out
    assert "404" in table
    assert hooks.url not in table
    assert "\x1b" not in table
    shell.environment["HOOK_URL"] = f"{hooks.url}/ok/hook"
    shell("apply", "--yes")
    (one,) = re.findall(r"(dlv_\w+) +hook +\S*overview", table) or [""]
    assert one, table
    assert "1 message is on the way again." in shell("channels", "resend", one).out
    wait(lambda: received(hooks, "/ok/hook"))
    assert received(hooks, "/ok/hook")[0].headers["interact-delivery"] == one
    assert "no delivery" in shell("channels", "resend", "dlv_000000000000", expect=1).err.lower()


def block(language: str) -> str:
    """The code that docs/notifications.md gives a receiver."""
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    (code,) = [code for code in found if "hmac" in code]
    assert len(code.strip().splitlines()) <= 6
    return code


def judged(one: Received, tmp_path: Path, *, secret: str = SECRET) -> tuple[bool, str]:
    """What the documented Python and bash say of a request."""
    names = {"Interact-Timestamp": "interact-timestamp", "Interact-Signature": "interact-signature"}
    given: dict[str, Any] = {"headers": {name: one.headers[low] for name, low in names.items()}, "body": one.body,
                             "secret": secret}  # fmt: skip
    exec(block("python"), given)  # the documented code is what is tested
    (tmp_path / "body").write_bytes(one.body)
    said = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block("bash")], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "secret": secret, "timestamp": one.headers["interact-timestamp"],
             "signature": one.headers["interact-signature"]},
    )  # fmt: skip
    return given["genuine"], said.stdout.strip()


def test_a_receiver_can_check_the_signature(served: tuple[Shell, Post], hooks: Hooks, tmp_path: Path) -> None:
    shell, _ = served
    prepared(shell, hooks)
    shell("channels", "test", "hook")
    (one,) = received(hooks, "/ok/hook")
    assert judged(one, tmp_path) == (True, "genuine")
    assert judged(one, tmp_path, secret="another") == (False, "forged")
    longer = Received(one.path, one.headers, one.body + b" ")
    assert judged(longer, tmp_path) == (False, "forged")
    old = {**one.headers, "interact-timestamp": str(int(one.headers["interact-timestamp"]) - 400)}
    assert judged(Received(one.path, old, one.body), tmp_path) == (False, "forged")
