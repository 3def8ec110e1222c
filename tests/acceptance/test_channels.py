"""Channels as code: declared in the configuration, compared, applied, taken over and deleted."""

from __future__ import annotations

import json

import pytest

from interact_gitops.interact.client import Client

from .conftest import Shell

CANARY = "https://hooks.example.com/services/c4nary-71c"
DECLARED = """\
channels:
  marketing-slack: {type: slack, url: "${SLACK_WEBHOOK_URL}", level: warning, topics: [failed_run, anomaly]}
  ops-mail: {type: email, to: [ops@example.com]}
"""


@pytest.fixture
def team(interact: Shell) -> Shell:
    """A repository that declares two channels, with the secret of one in the environment."""
    interact.environment["SLACK_WEBHOOK_URL"] = CANARY
    (interact.folder / "interact-gitops.yaml").write_text(DECLARED)
    return interact


def client(shell: Shell) -> Client:
    return Client(*(shell.environment[name] for name in ("INTERACT_URL", "INTERACT_API_KEY", "INTERACT_ORG_ID")))


def actions(shell: Shell, *arguments: str) -> list[tuple[str, str]]:
    changes = shell("plan", "--format", "json", *arguments).json["changes"]
    return [(change["action"], change["key"]) for change in changes if change["kind"] == "channel"]


def test_from_declared_to_deleted(team):
    shown = team("plan").out
    assert "channel marketing-slack" in shown
    assert "interact-gitops.yaml:2" in shown
    assert actions(team) == [("create", "marketing-slack"), ("create", "ops-mail")]
    done = team("apply", "--yes").out
    assert "marketing-slack" in done
    assert "No changes." in team("plan").out
    with client(team) as api:
        before = {channel.name: channel for channel in api.channels.list()}
        assert before["marketing-slack"].definition["urlFingerprint"]
        assert before["marketing-slack"].applied_hash

    team.environment["SLACK_WEBHOOK_URL"] = f"{CANARY}-new"
    update = team("plan").out
    assert "channel marketing-slack" in update
    assert "never shown" in update
    team("apply", "--yes")
    with client(team) as api:
        after = {channel.name: channel for channel in api.channels.list()}
    assert (
        after["marketing-slack"].definition["urlFingerprint"]
        != (before["marketing-slack"].definition["urlFingerprint"])
    )
    assert after["ops-mail"].etag == before["ops-mail"].etag

    (team.folder / "interact-gitops.yaml").write_text("channels: {}\n")
    refused = team("apply", "--yes", expect=1)
    assert "delete 2 of the 2 channels managed from here" in refused.err
    team("apply", "--yes", "--allow-deletes", "2")
    with client(team) as api:
        assert api.channels.list() == []


def test_a_secret_that_is_not_set_is_not_compared_and_cannot_be_applied(team):
    team("apply", "--yes")
    del team.environment["SLACK_WEBHOOK_URL"]
    shown = team("plan")
    assert "url is not compared: the environment variable SLACK_WEBHOOK_URL is not set" in shown.out
    assert team("plan", "--detailed-exitcode").code == 0
    refused = team("apply", "--yes", expect=1)
    assert refused.err.startswith("error: interact-gitops.yaml:2: channels.marketing-slack.url: the environment")
    assert team("apply", "--yes", "--select", "account-overview").code == 0


def test_a_channel_that_nobody_manages_is_taken_over_on_request(team):
    with client(team) as api:
        api.channels.create({"name": "ops-mail", "type": "email", "to": ["x@example.com"]}, idempotency_key="k")
    assert actions(team) == [("create", "marketing-slack"), ("refused", "ops-mail")]
    assert "take it over with --adopt channel:ops-mail" in team("plan").out
    assert actions(team, "--adopt", "channel:ops-*") == [("adopt", "ops-mail"), ("create", "marketing-slack")]
    team("apply", "--yes", "--adopt", "channel:ops-mail")
    assert actions(team) == []


def test_channels_can_be_chosen_and_misspelt(team):
    assert actions(team, "--select", "channel:ops-mail") == [("create", "ops-mail")]
    assert actions(team, "--select", "account-overview") == []
    misspelt = team("plan", "--select", "channel:ops-mial", expect=1)
    assert "did you mean 'ops-mail'" in misspelt.err


def test_another_repository_s_channels_are_left_alone(team):
    team("apply", "--yes")
    (team.folder / "interact-gitops.yaml").write_text("managed_by: somebody/else\nchannels: {}\n")
    assert actions(team) == []
    (team.folder / "interact-gitops.yaml").write_text("managed_by: somebody/else\n" + DECLARED)
    assert actions(team) == [("refused", "marketing-slack"), ("refused", "ops-mail")]


def test_a_saved_plan_holds_no_secret_and_is_stale_when_the_secret_changes(team):
    team("plan", "--out", "plan.json")
    saved = (team.folder / "plan.json").read_text()
    assert CANARY not in saved
    assert json.loads(saved)["counts"]["create"] >= 2
    team.environment["SLACK_WEBHOOK_URL"] = f"{CANARY}-new"
    stale = team("apply", "plan.json", "--yes", expect=1)
    assert "stale plan: channel marketing-slack" in stale.err


def test_a_channel_changed_by_hand_is_drift_until_apply_mends_it(team):
    team("apply", "--yes")
    assert team("drift").out.startswith("No drift.")
    with client(team) as api:
        mail = next(channel for channel in api.channels.list() if channel.name == "ops-mail")
        body = {"name": "ops-mail", "type": "email", "to": ["somebody@example.com"]}
        api.channels.replace(mail.id, body, etag=mail.etag or "")
    drifted = team("drift", "--format", "json", expect=2).json["drifted"]
    assert [(one["kind"], one["what"], one["key"]) for one in drifted] == [("channel", "changed", "ops-mail")]
    assert "channel ops-mail" in team("drift", expect=2).out
    # A change in git alone is none, and what git says too by now neither.
    config = team.folder / "interact-gitops.yaml"
    config.write_text(DECLARED.replace("ops@example.com", "somebody@example.com").replace("warning", "error"))
    team("drift")
    config.write_text(DECLARED)
    team("apply", "--yes", "--allow-changes", "1")
    team("drift")
