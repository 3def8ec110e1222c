"""`doctor`: each line with its remedy, nothing started, nothing changed, no secret shown."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import tzdata

from interact_gitops.server.serving import EmbeddedServer

from ..contract.client.scripted import Scripted
from ..contract.hosted.interact import KEY, ORGANIZATION, Hosted
from .conftest import ROOT, Shell


def checks(shell: Shell, expect: int = 0) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for check in shell("doctor", "--format", "json", expect=expect).json["checks"]:
        found.setdefault(check["subject"], []).append((check["level"], check["message"]))
        assert check["level"] == "ok" or check["remedy"], check
    return found


def test_all_is_well(interact):
    shutil.copytree(ROOT / "schema", interact.folder / "schema")
    found = checks(interact)
    assert {level for said in found.values() for level, _ in said} == {"ok"}
    assert found["key"] == [("ok", "has agent_jobs_read, agent_jobs_trigger, agent_jobs_write")]
    assert re.fullmatch(r"within \d+ s of the target's", found["clock"][0][1])
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
    assert re.fullmatch(r"agent_jobs_read: \d+ chats? can be read", found["key"][0][1])
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


def test_a_target_that_is_said_to_be_more_than_it_is_gets_no_write(repository):
    """What a request for a definition means to an API without any is not known: none is sent."""
    (repository / "interact-gitops.yaml").write_text(
        "targets: {hosted: {api: full, url: '${INTERACT_URL}', organization: '${INTERACT_ORG_ID}', "
        "api_key: '${INTERACT_API_KEY}'}}\n"
    )
    with Scripted(Hosted()) as server:
        shell = Shell(
            repository, {"INTERACT_URL": server.url, "INTERACT_API_KEY": KEY, "INTERACT_ORG_ID": ORGANIZATION}
        )
        found = checks(shell, expect=1)
        assert {request.method for request in server.requests} == {"GET"}
    assert ("fail", "it has no definitions API, though the configuration says `api: full`") in found["target"]
    assert "key" not in found


def test_editors_are_told_the_schema_and_the_right_one(shell):
    shell("init")
    assert checks(shell, expect=1)["editors"] == [
        ("ok", "1 of 1 file names the schema, and .vscode/settings.json does")
    ]
    schema = shell.folder / "schema/job.schema.json"
    schema.write_text(schema.read_text() + "\n")
    (level, said), = checks(shell, expect=1)["editors"]  # fmt: skip
    assert (level, said.partition(":")[0]) == ("warn", "schema/job.schema.json is another version's")
    schema.unlink()
    (level, said), = checks(shell, expect=1)["editors"]  # fmt: skip
    assert said == "jobs.d/weekly-campaign-performance.yaml names a schema that is not there: ../schema/job.schema.json"
    (shell.folder / ".vscode/settings.json").unlink()
    job = shell.folder / "jobs.d/weekly-campaign-performance.yaml"
    job.write_text(job.read_text().partition("\n")[2])
    (level, said), = checks(shell, expect=1)["editors"]  # fmt: skip
    assert said == "no file names its schema: editors check and complete nothing"


def test_a_ledger_elsewhere_is_named_and_not_made(interact):
    config = interact.folder / "interact-gitops.yaml"
    config.write_text("ledger: postgresql://me:c4nary@127.0.0.1:1/ledger\n")
    assert checks(interact)["ledger"] == [("ok", "postgresql://me@127.0.0.1:1/ledger, which was not connected to")]
    config.write_text("ledger: git:nowhere\n")
    assert checks(interact, expect=1)["ledger"] == [("fail", "there is no remote 'nowhere' in '.'")]
    (interact.folder / "ledger.db").mkdir()
    config.write_text("ledger: sqlite:///ledger.db\n")
    assert checks(interact, expect=1)["ledger"] == [("fail", "ledger.db cannot be written")]


def test_which_time_zones_are_read(interact):
    """The system's come before the package's, unless Python is told otherwise."""
    zones = interact.folder / "zones/Europe"
    zones.mkdir(parents=True)
    package = Path(tzdata.__file__).parent / "zoneinfo"
    shutil.copy(package / "Europe/Amsterdam", zones)
    for told, begins in (
        ("", "the package tzdata, release 20"),
        (str(zones.parent), f"{zones.parent}, release unknown; the package has 20"),
    ):
        interact.environment["PYTHONTZPATH"] = told
        ((level, said),) = checks(interact)["time zones"]
        assert (level, said[: len(begins)]) == ("ok", begins)
    for name, text in (("tzdata.zi", "# version 2019c\n"), ("+VERSION", "2018b\n")):
        (zones.parent / name).write_text(text)
        ((level, said),) = checks(interact)["time zones"]
        assert (level, said.partition(";")[0]) == ("warn", f"{zones.parent}, release {text.split()[-1]}")
    (zones / "Amsterdam").write_bytes(b"nonsense")
    assert checks(interact, expect=1)["time zones"] == [("fail", "there is no time-zone data that can be read")]
