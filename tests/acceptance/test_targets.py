"""Staging and production from one tree: two organisations, their variables, and which one is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.server.serving import EmbeddedServer

from .conftest import Shell

Fits = Callable[[str, Any], None]

CONFIGURATION = """\
managed_by: acme/jobs
targets:
  staging:
    url: "${INTERACT_URL}"
    organization: "${STAGING_ORG}"
    api_key: "${STAGING_KEY}"
    variables: {suffix: " (staging)", hour: 7, zone: UTC}
  production:
    url: "${INTERACT_URL}"
    organization: "${PROD_ORG}"
    api_key: "${PROD_KEY}"
    protected: true
    variables: {suffix: "", hour: 8, zone: Europe/Amsterdam}
"""
JOB = """\
key: brief
name: Brief${var.suffix}
agent: paid-search-analyst
prompt: How did it go?
schedule: {cron: "0 ${var.hour} * * 1", timezone: "${var.zone}"}
"""


@pytest.fixture
def two(shell: Shell, server: EmbeddedServer, request: pytest.FixtureRequest) -> Shell:
    """A folder whose configuration has two targets, each an organisation of its own."""
    staging, staging_key = server.create_organization(f"{request.node.name} staging")
    production, production_key = server.create_organization(f"{request.node.name} production")
    shell.environment.update(
        INTERACT_URL=server.url, STAGING_ORG=staging, STAGING_KEY=staging_key,
        PROD_ORG=production, PROD_KEY=production_key,
    )  # fmt: skip
    (shell.folder / "jobs.d").mkdir()
    (shell.folder / "jobs.d/brief.yaml").write_text(JOB)
    (shell.folder / "interact-gitops.yaml").write_text(CONFIGURATION)
    return shell


@pytest.fixture
def organisations(two: Shell) -> Iterator[dict[str, Client]]:
    """What each organisation really holds."""
    environment = two.environment
    with (
        Client(environment["INTERACT_URL"], environment["STAGING_KEY"], environment["STAGING_ORG"]) as staging,
        Client(environment["INTERACT_URL"], environment["PROD_KEY"], environment["PROD_ORG"]) as production,
    ):
        yield {"staging": staging, "production": production}


def default(shell: Shell, name: str) -> None:
    file = shell.folder / "interact-gitops.yaml"
    file.write_text(file.read_text() + f"default_target: {name}\n")


def test_each_target_gets_its_own_and_no_other_is_touched(two: Shell, organisations: dict[str, Client]) -> None:
    two("apply", "--yes", "--target", "staging")
    (job,) = organisations["staging"].jobs()
    assert (job.name, job.raw["schedule"]["cron"], job.raw["schedule"]["timezone"]) == (
        "Brief (staging)", "0 7 * * 1", "UTC",
    )  # fmt: skip
    assert organisations["production"].jobs() == []
    assert "needs a plan file and --yes" in two("apply", "--yes", "--target", "production", expect=1).err
    two("plan", "--target", "production", "--out", "plan.json")
    assert "this plan is for" in two("apply", "plan.json", "--yes", "--target", "staging", expect=1).err
    two("apply", "plan.json", "--yes", "--target", "production")
    (job,) = organisations["production"].jobs()
    assert (job.name, job.raw["schedule"]["cron"], job.raw["schedule"]["timezone"]) == (
        "Brief", "0 8 * * 1", "Europe/Amsterdam",
    )  # fmt: skip
    for target in ("staging", "production"):
        assert "No changes" in two("plan", "--target", target, "--detailed-exitcode").out
        assert two("drift", "--target", target, "--format", "json").json["asApplied"] == 1


def test_drift_is_each_targets_own(two: Shell, organisations: dict[str, Client], fits: Fits) -> None:
    two("apply", "--yes", "--target", "staging")
    client = organisations["staging"]
    (job,) = client.jobs()
    client.delete_job(job.id, etag=job.etag or "")
    answer = two("drift", "--target", "staging", "--format", "json", expect=2).json
    fits("drift", answer)
    assert [(one["what"], one["key"]) for one in answer["drifted"]] == [("deleted", "brief")]
    assert answer["target"].endswith(two.environment["STAGING_ORG"])
    assert "No job on the target is managed from here." in two("drift", "--target", "production").out


@pytest.mark.parametrize(
    "command",
    [["plan"], ["apply", "--yes"], ["list", "--offline"], ["schedule"], ["drift"], ["show", "brief"], ["doctor"]],
)
def test_with_several_and_no_default_none_is_guessed(two: Shell, command: list[str]) -> None:
    answer = two(*command, expect=1)
    said = answer.err + answer.out
    assert "interact-gitops.yaml has 2 targets and no default_target" in said
    assert "name one with --target, or set default_target: staging, production" in said


def test_an_unknown_target_is_named_with_the_nearest(two: Shell) -> None:
    answer = two("plan", "--target", "stagin", expect=1)
    assert answer.err == "error: there is no target 'stagin'\n  did you mean 'staging'?\n"


def test_the_ways_to_name_a_target_and_which_one_counts(two: Shell) -> None:
    def named(*arguments: str) -> str:
        (job,) = two(*arguments, "--format", "json").json["jobs"]
        return str(job["name"])

    default(two, "production")
    assert named("list", "--offline") == "Brief"
    two.environment["INTERACT_GITOPS_TARGET"] = "staging"
    assert named("list", "--offline") == "Brief (staging)"
    assert named("list", "--offline", "--target", "production") == "Brief"
    assert named("--target", "production", "list", "--offline") == "Brief"


def test_the_schedule_is_the_targets(two: Shell) -> None:
    def first(target: str) -> str:
        arguments = ["--from", "2026-11-23", "--to", "2026-11-24", "--format", "json", "--target", target]
        return str(two("schedule", "brief", *arguments).json["occurrences"][0]["utc"])

    assert (first("staging"), first("production")) == ("2026-11-23T07:00:00Z", "2026-11-23T07:00:00Z")
    file = two.folder / "interact-gitops.yaml"
    file.write_text(file.read_text().replace("hour: 8", "hour: 11"))
    assert (first("staging"), first("production")) == ("2026-11-23T07:00:00Z", "2026-11-23T10:00:00Z")


@pytest.mark.parametrize("with_default", [False, True])
def test_validate_checks_the_tree_for_every_target(two: Shell, fits: Fits, with_default: bool) -> None:
    if with_default:
        default(two, "staging")
    assert two("validate").out == "1 valid job in jobs.d: no problem found.\n"
    file = two.folder / "interact-gitops.yaml"
    whole = file.read_text()
    file.write_text(whole.replace("Europe/Amsterdam", "Europe/Amsterdm"))
    answer = two("validate", expect=1)
    assert "there is no time zone 'Europe/Amsterdm' (target production)" in answer.out
    file.write_text(whole.replace("hour: 8, ", ""))
    answer = two("validate", expect=1)
    assert "jobs.d/brief.yaml:5:21: this target has no variable 'hour' (target production) [variable]" in answer.out
    assert answer.out.splitlines()[-1] == "1 error in jobs.d."
    machine = two("validate", "--format", "json", expect=1).json
    fits("validate", machine)
    assert len(machine["problems"]) == 1
    two("validate", "--target", "staging")
    alone = two("validate", "--target", "production", expect=1).out
    assert "this target has no variable 'hour' [variable]" in alone


def test_a_problem_of_every_target_is_said_once(two: Shell) -> None:
    file = two.folder / "jobs.d/brief.yaml"
    file.write_text(JOB + "promt: x\n" + "description: ${var.sufix}\n")
    out = two("validate", expect=1).out
    assert out.count("unknown field 'promt' [unknown-field]") == 1
    assert out.count("no variable 'sufix' [variable]") == 1
    assert "(target" not in out


def test_one_targets_missing_secret_does_not_stop_the_other(two: Shell) -> None:
    del two.environment["PROD_KEY"]
    two("validate")
    two("plan", "--target", "staging")
    answer = two("plan", "--target", "production", expect=1)
    assert "targets.production.api_key: the environment variable PROD_KEY is not set" in answer.err


def test_one_key_opens_one_organisation(two: Shell) -> None:
    two.environment["PROD_KEY"] = two.environment["STAGING_KEY"]
    answer = two("plan", "--target", "production", expect=1)
    assert answer.err.startswith("error: ")
    assert two.environment["STAGING_KEY"] not in answer.err
