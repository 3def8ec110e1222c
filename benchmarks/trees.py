"""Trees of any size, ours and the peers', like real ones: thirty lines a job, several teams, one file a job.

No two prompts, and few schedules, are the same: what is remembered of one job must not answer for the next.
"""

from __future__ import annotations

from pathlib import Path

JOB = """\
key: job-{number:05d}
name: Campaign report {number}
agent: paid-search-analyst
description: Report number {number} of the team.
owner: team-{team}@example.com
prompt: |
  Report {number}: analyse campaign {{{{ campaign_id }}}} for the {{{{ days }}}} days before {{{{ run.date }}}}.
  Highlight it if ROAS dropped below {{{{ roas_floor }}}}.
parameters:
  campaign_id: {{type: string, pattern: '^CMP-\\d{{4}}-\\d{{3}}$', description: Campaign to analyse}}
  days: {{type: integer, minimum: 1, maximum: 90, default: 7}}
  roas_floor: {{type: number, default: 2}}
fan_out:
  matrix:
    campaign_id: [CMP-2026-001, CMP-2026-002]
    days: [7, 28]
  max_parallel: 4
schedule:
  cron: "{minute} {hour} * * 1-5"
  timezone: Europe/Amsterdam
  start_deadline: 6h
  jitter: 2m
timeout: 30m
retries: {{max_attempts: 2, backoff: 5m}}
notifications:
  - channel: team-{team}
    topics: [failed_run, anomaly]
labels:
  team: team-{team}
  tier: gold
"""

DBT_JOB = """\
jobs:
  job-{number:05d}:
    account_id: 1
    project_id: 2
    environment_id: 3
    dbt_version: null
    name: Campaign report {number}
    description: Report number {number} of the team.
    settings:
      threads: 4
      target_name: production
    execution:
      timeout_seconds: 1800
    deferring_job_definition_id: null
    run_generate_sources: false
    execute_steps:
      - dbt run --select report_{number}
      - dbt test --select report_{number}
    generate_docs: false
    schedule:
      cron: "{minute} {hour} * * 1-5"
    triggers:
      github_webhook: false
      git_provider_webhook: false
      schedule: true
    state: 1
"""


def write_tree(folder: Path, count: int) -> Path:
    """A tree of `count` jobs in `folder`/jobs.d, a folder a team; returns `folder`."""
    for number in range(count):
        team = number % 20
        path = folder / "jobs.d" / f"team-{team}" / f"job-{number:05d}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(JOB.format(number=number, team=team, minute=number % 60, hour=number % 24))
    (folder / "interact-gitops.yaml").write_text("managed_by: bench/jobs\n")
    return folder


def write_dbt_jobs(folder: Path, count: int) -> Path:
    """A peer's tree: dbt-jobs-as-code, `count` jobs of its own kind, one file a job; returns `folder`.

    Without environment variables: with one a job, that program lists all jobs once for each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        text = DBT_JOB.format(number=number, minute=number % 60, hour=number % 24)
        (folder / f"job-{number:05d}.yml").write_text(text)
    return folder


def write_zone(folder: Path, count: int) -> Path:
    """The peer's tree: octoDNS, one zone of `count` records, and a target that already has them."""
    for side in ("source", "target"):
        (folder / side).mkdir(parents=True, exist_ok=True)
        lines = [f"job-{n:05d}:\n  type: A\n  value: 192.0.2.{n % 250 + 1}" for n in range(count)]
        (folder / side / "example.com.yaml").write_text("---\n" + "\n".join(lines) + "\n")
    (folder / "config.yaml").write_text(
        "providers:\n"
        + "".join(
            f"  {side}:\n    class: octodns.provider.yaml.YamlProvider\n    directory: {folder / side}\n"
            "    default_ttl: 3600\n    enforce_order: false\n"
            for side in ("source", "target")
        )
        + "zones:\n  example.com.:\n    sources: [source]\n    targets: [target]\n"
    )
    return folder
