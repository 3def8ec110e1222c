"""Who evaluates a schedule: the served Interact, a runner beside it, or for now nobody. Never both."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from interact_gitops.interact.client import Client
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.server.serving import EmbeddedServer

from .conftest import COMMAND, Shell

CONFIGURATION = """\
managed_by: acme/jobs
targets:
  local: {url: "${INTERACT_URL}", organization: "${INTERACT_ORG_ID}", api_key: "${INTERACT_API_KEY}", schedules: SIDE}
"""
JOB = """\
key: brief
name: Brief
agent: paid-search-analyst
prompt: How did it go?
schedule: "0 7 * * 1"
"""


def test_a_job_is_handed_over_and_back(interact: Shell, server: EmbeddedServer) -> None:
    environment = interact.environment
    shutil.rmtree(interact.folder / "jobs.d")
    (interact.folder / "jobs.d").mkdir()
    (interact.folder / "jobs.d/brief.yaml").write_text(JOB)

    def apply(side: str) -> bool:
        (interact.folder / "interact-gitops.yaml").write_text(CONFIGURATION.replace("SIDE", side))
        interact("apply", "--yes")
        organization = environment["INTERACT_ORG_ID"]
        with Client(environment["INTERACT_URL"], environment["INTERACT_API_KEY"], organization) as client:
            (job,) = client.jobs()
        return job.schedule_enabled

    assert apply("runner") is False
    time.sleep(0.5)
    assert _decided(server, environment["INTERACT_ORG_ID"]) == {}  # the server leaves it alone
    assert apply("interact") is True
    _until(lambda: '"enabled":true' in _decided(server, environment["INTERACT_ORG_ID"]).get("brief", ""))
    assert apply("runner") is False
    _until(lambda: '"enabled":false' in _decided(server, environment["INTERACT_ORG_ID"]).get("brief", ""))


def test_serve_without_a_scheduler(tmp_path: Path) -> None:
    command = [*COMMAND, "serve", "--port", "0", "--data", str(tmp_path / "data"), "--no-scheduler"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[4]
        assert httpx.get(f"{url}/readyz").json()["checks"] == {"store": True, "runs": True, "notifications": True}
        assert not (tmp_path / "data/schedules.db").exists()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.parametrize("data", [None, "some where"])
def test_what_serve_says_comes_next_works(tmp_path: Path, data: str | None) -> None:
    """Also where its folder is another, in which commands do not look by themselves."""
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "interact-gitops.yaml").write_text("managed_by: acme/jobs\n")
    environ = {name: text for name, text in os.environ.items() if not name.startswith("INTERACT_")}
    command = [*COMMAND, "serve", "--port", "0", *(["--data", data] if data else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environ)
    try:
        assert process.stdout is not None
        said = next(line for line in process.stdout if "next:" in line).partition("next:")[2].partition(", in ")[0]
        script = said.strip().replace("interact-gitops", " ".join(map(shlex.quote, COMMAND)))
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_a_ledger_from_the_future_is_one_clear_line(tmp_path: Path) -> None:
    import sqlite3

    shell = Shell(tmp_path)
    open_ledger("sqlite:///data/schedules.db", folder=tmp_path).close()
    with sqlite3.connect(tmp_path / "data/schedules.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    said = shell("serve", "--port", "0", "--data", "data", expect=1).err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("error: the ledger ")
    assert "has schema 99" in said[0]


def _decided(server: EmbeddedServer, organization: str) -> dict[str, str]:
    """What the server's ledger knows: the schedule that each job is decided by."""
    ledger = open_ledger("sqlite:///schedules.db", folder=server.data)
    try:
        standings = ledger.jobs(organization)
    finally:
        ledger.close()
    return {key: standing.watermark.schedule for key, standing in standings.items() if standing.watermark}


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)
