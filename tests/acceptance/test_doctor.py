"""`doctor`: each line with its remedy, nothing started, nothing changed, no secret shown."""

from __future__ import annotations

import pytest

from interact_gitops.server.serving import EmbeddedServer

from ..contract.client.scripted import Scripted
from ..contract.hosted.interact import KEY, ORGANIZATION, Hosted
from .conftest import Shell


def checks(shell: Shell, expect: int = 0) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for check in shell("doctor", "--format", "json", expect=expect).json["checks"]:
        found.setdefault(check["subject"], []).append((check["level"], check["message"]))
        assert check["level"] == "ok" or check["remedy"], check
    return found


def test_all_is_well(interact):
    found = checks(interact)
    assert {level for said in found.values() for level, _ in said} == {"ok"}
    assert found["key"] == [("ok", "has agent_jobs_read, agent_jobs_trigger, agent_jobs_write")]
    assert found["clock"][0][1].startswith("within 1 s")
    assert "acme/jobs at " in found["git"][0][1]
    assert found["ledger"] == [("ok", ".interact/ledger.db, made when a run is started")]
    assert not (interact.folder / ".interact").exists()


@pytest.mark.parametrize(
    ("permissions", "lacks"),
    [
        (["agent_jobs_read"], ["agent_jobs_trigger", "agent_jobs_write"]),
        (["agent_jobs_read", "agent_jobs_write"], ["agent_jobs_trigger"]),
        (["agent_jobs_read", "agent_jobs_trigger"], ["agent_jobs_write"]),
    ],
)
def test_what_a_key_lacks_and_what_that_means(interact, server: EmbeddedServer, permissions, lacks):
    organization = interact.environment["INTERACT_ORG_ID"]
    interact.environment["INTERACT_API_KEY"] = server.create_key(permissions, organization_id=organization, name="less")
    found = checks(interact)
    assert [said.split()[1].rstrip(":") for level, said in found["key"] if level == "warn"] == lacks
    assert f"has {', '.join(permissions)}" in [said for _, said in found["key"]]


def test_a_key_that_cannot_read_is_a_failure(interact, server: EmbeddedServer):
    organization = interact.environment["INTERACT_ORG_ID"]
    interact.environment["INTERACT_API_KEY"] = server.create_key(
        ["agent_jobs_write"], organization_id=organization, name="blind"
    )
    found = checks(interact, expect=1)
    assert found["target"][0][0] == "fail"
    assert "agent_jobs_read" in found["target"][0][1]


def test_hosted_interact_is_asked_nothing_but_what_it_documents(repository):
    hosted = Hosted()
    hosted.job("job-1", "Account overview")
    with Scripted(hosted) as server:
        shell = Shell(
            repository, {"INTERACT_URL": server.url, "INTERACT_API_KEY": KEY, "INTERACT_ORG_ID": ORGANIZATION}
        )
        found = checks(shell)
        asked = {(request.method, request.path) for request in server.requests}
    assert asked == {("GET", "/api/agents/jobs"), ("GET", "/api/agents/chats")}
    assert found["key"][0] == ("ok", "agent_jobs_read: 1 chats can be read")
    assert found["key"][1][1].startswith("agent_jobs_trigger: not looked at")
    assert KEY not in str(found)


def test_with_nothing_there_it_still_says_everything(shell):
    found = checks(shell, expect=1)
    assert found["definitions"][0][0] == "fail"
    assert found["git"][0][0] == "warn"
    assert found["target"][0][0] == "fail"


def test_a_ledger_that_cannot_be_used(interact):
    config = interact.folder / "interact-gitops.yaml"
    for ledger, said in (
        ("sqlite:///", ""),
        ("mysql://me:c4nary@db/ledger", ""),
        ('"${NOPE}"', "the environment variable NOPE is not set"),
    ):
        config.write_text(f"ledger: {ledger}\n")
        answer = interact("doctor", "--format", "json", expect=None)
        assert "c4nary" not in answer.out + answer.err
        failed = [check for check in answer.json["checks"] if check["level"] == "fail"]
        assert any(said in check["message"] for check in failed), failed


def test_a_ledger_below_a_file(interact):
    (interact.folder / "interact-gitops.yaml").write_text("ledger: sqlite:///jobs.d/_defaults.yaml/ledger.db\n")
    assert checks(interact, expect=1)["ledger"] == [("fail", "jobs.d/_defaults.yaml/ledger.db cannot be written")]


def test_secrets_of_channels_that_are_missing(interact):
    (interact.folder / "interact-gitops.yaml").write_text("channels: {ops: {type: slack, url: '${NOPE}'}}\n")
    found = checks(interact)
    assert found["channels"] == [("warn", "1 secret cannot be read: ops: the environment variable NOPE is not set")]
