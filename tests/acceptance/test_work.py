"""How much work a command does: what it imports and what it asks, which no larger tree may change.

Seconds differ from machine to machine; these are what they come from. `make bench` has the seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Shell

JOB = """\
key: report-{number}
name: Report {number}
agent: paid-search-analyst
prompt: |
  Report {number}: the {{{{ days }}}} days before {{{{ run.date }}}}.
parameters:
  days: {{type: integer, minimum: 1, default: 7}}
fan_out: {{matrix: {{days: [7, 28]}}}}
schedule: {{cron: "{number} 8 * * 1-5", timezone: Europe/Amsterdam}}
"""
# What loading and comparing a plain tree has no use for, by the time that importing it takes.
HEAVY = {"rich", "pygments", "git", "jinja2", "croniter", "holidays", "cron_descriptor", "ruamel", "jsonschema"}


def write(folder: Path, count: int) -> None:
    shutil.rmtree(folder / "jobs.d", ignore_errors=True)
    (folder / "jobs.d").mkdir()
    (folder / "interact-gitops.yaml").write_text("managed_by: acme/jobs\n")
    for number in range(count):
        (folder / "jobs.d" / f"{number}.yaml").write_text(JOB.format(number=number))


def imported(shell: Shell, *arguments: str) -> set[str]:
    """The packages that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "interact_gitops", *arguments],
        cwd=shell.folder, env={**os.environ, **shell.environment}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    names = re.findall(r"^import time:.*\|\s+([\w.]+)$", done.stderr, re.MULTILINE)
    return {name.partition(".")[0] for name in names} | {name for name in names if name.startswith("interact_gitops.")}


def requests(shell: Shell, *arguments: str) -> list[str]:
    """The requests of a command, as --verbose names them, without what differs from page to page."""
    said = shell(*arguments, "--verbose").err
    return [re.sub(r"&cursor=\S+", "&cursor=…", path) for path in re.findall(r"HTTP Request: (\w+ \S+)", said)]


def test_validate_imports_only_what_a_plain_tree_needs(shell: Shell) -> None:
    write(shell.folder, 3)
    names = imported(shell, "validate")
    assert {"yaml", "jsonschema_rs", "click"} <= names
    assert not names & (HEAVY | {"httpx", "starlette", "duckdb", "hashlib"})
    assert not [name for name in names if name.startswith(("interact_gitops.interact", "interact_gitops.server"))]


def test_plan_imports_no_more_than_a_client(interact: Shell) -> None:
    write(interact.folder, 3)
    interact("apply", "--yes")
    names = imported(interact, "plan", "--detailed-exitcode")
    assert {"httpx", "httpcore"} <= names
    assert not names & (HEAVY | {"starlette", "duckdb"})
    assert "interact_gitops.planning.applying" not in names
    assert "interact_gitops.server" not in names


def test_a_plan_asks_as_often_for_many_jobs_as_for_few(interact: Shell) -> None:
    asked = []
    for count in (1, 40):
        write(interact.folder, count)
        for path in ("apply", "--yes", "-q"), ("plan", "-q"):
            found = requests(interact, *path)
        asked.append(found)
        assert any("limit=500" in request for request in found)
    assert asked[0] == asked[1]
    assert len(asked[0]) <= 5


@pytest.mark.parametrize("word", ["validate", "plan"])
def test_a_command_reads_the_tree_once(interact: Shell, word: str) -> None:
    write(interact.folder, 5)
    program = (
        "import sys, os\n"
        "from interact_gitops.jobs import source\n"
        "read = source.read_documents\n"
        "names = []\n"
        "from interact_gitops.jobs import loading\n"
        "loading.read_documents = lambda file, raw: names.append(file) or read(file, raw)\n"
        "from interact_gitops.cli.main import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "finally:\n"
        "    print(len(names), len(set(names)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, word], cwd=interact.folder, env={**os.environ, **interact.environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    read, files = map(int, done.stderr.split()[-2:])
    assert read == files >= 5
