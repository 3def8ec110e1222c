"""The files that `init` writes."""

from __future__ import annotations

import json
import re
from pathlib import Path

from interact_gitops.errors import Failure
from interact_gitops.shapes import schema_path

_CONFIGURATION = """\
# yaml-language-server: $schema=schema/config.schema.json
# Everything here is optional. With no target, commands use INTERACT_URL, INTERACT_API_KEY and INTERACT_ORG_ID
# from the environment, or else the server that `interact-gitops serve` starts in this folder.
definitions: jobs.d
managed_by: {owner} # the mark on every job that this repository manages
# targets:
#   production:
#     url: https://interact.turntwo.com
#     organization: "${{INTERACT_ORG_ID}}"
#     api_key: "${{INTERACT_API_KEY}}"
#     protected: true
guards: {{max_deletes: 10%, max_changes: 50%}}
"""

_EXAMPLE = """\
# yaml-language-server: $schema=../schema/job.schema.json
key: weekly-campaign-performance
name: Weekly campaign performance
agent: paid-search-analyst
prompt: |
  Analyse the performance of campaign {{ campaign_id }} for the {{ days }} days before {{ run.date }}.
parameters:
  campaign_id: {type: string, pattern: '^CMP-\\d{4}-\\d{3}$', description: Campaign to analyse}
  days: {type: integer, minimum: 1, maximum: 90, default: 7}
fan_out:
  matrix:
    campaign_id: [CMP-2026-001, CMP-2026-002]
schedule:
  cron: "0 8 * * 1"
  timezone: Europe/Amsterdam
labels: {team: marketing}
"""

_IGNORED = """\
# State of the embedded server and the ledger: never commit it, it holds an API key.
.interact/
"""

_EDITOR = {
    "yaml.schemas": {
        "./schema/job.schema.json": "jobs.d/**/*.y*ml",
        "./schema/config.schema.json": "interact-gitops.yaml",
    }
}


_HOOKS = """\
# Before each commit: https://pre-commit.com (pre-commit install)
repos:
  - repo: local
    hooks:
      - id: interact-gitops-validate
        name: definitions are valid
        entry: interact-gitops validate
        language: system
        pass_filenames: false
        always_run: true # a file that is gone, and a folder of another name, count too
      - id: interact-gitops-fmt
        name: definitions are in the canonical layout
        entry: interact-gitops fmt --check
        language: system
        pass_filenames: false
        always_run: true
      - id: interact-gitops-workflows
        name: workflows are in step with the jobs
        entry: interact-gitops workflows generate --check
        language: system
        pass_filenames: false
        always_run: true
"""

_OWNERS = """\
# Who reviews what, once the names are those of your teams: remove the first `#` of each line.
# /jobs.d/marketing/      @acme/marketing-analytics
# /interact-gitops.yaml   @acme/platform
# /.github/               @acme/platform
"""


def scaffold(folder: Path) -> tuple[list[str], list[str]]:
    """Write what is missing; returns (names made, names that were there). Raises Failure on a full or
    read-only disk."""
    files = {
        "interact-gitops.yaml": _CONFIGURATION.format(owner=_owner(folder)),
        "jobs.d/weekly-campaign-performance.yaml": _EXAMPLE,
        "schema/job.schema.json": schema_path("job.schema.json").read_text(encoding="utf-8"),
        "schema/config.schema.json": schema_path("config.schema.json").read_text(encoding="utf-8"),
        ".vscode/settings.json": json.dumps(_EDITOR, indent=2) + "\n",
        ".gitignore": _IGNORED,
        ".pre-commit-config.yaml": _HOOKS,
        ".github/CODEOWNERS": _OWNERS,
    }
    jobs = folder / "jobs.d"
    if jobs.is_dir() and any(jobs.rglob("*.y*ml")):
        del files["jobs.d/weekly-campaign-performance.yaml"]  # a repository with jobs needs no example
    made, kept = [], []
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as stream:  # never over what is there, not even in a race
                stream.write(text)
            made.append(name)
        except FileExistsError:
            kept.append(name)
        except OSError as error:
            raise Failure(f"{path} cannot be written: {error.strerror}") from error
    return made, kept


def _owner(folder: Path) -> str:
    """The git remote's path, or the folder's name until there is a remote."""
    from interact_gitops.gitops.checkout import read_checkout

    checkout = read_checkout(folder) if folder.is_dir() else None
    name = (checkout.remote_path if checkout else None) or folder.resolve().name
    return re.sub(r"[^A-Za-z0-9._/-]", "-", name).lstrip("._/-") or "my-jobs"
