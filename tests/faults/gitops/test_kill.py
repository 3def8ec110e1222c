"""The loop is killed at each step of a pass; whoever comes next ends where git is, and nothing is made twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.jobs.wire import job_from_wire, job_to_wire
from interact_gitops.server.serving import EmbeddedServer

from ...contract.gitops.conftest import Repository, git, job

DYING = Path(__file__).with_name("dying.py")
ALL = os.environ.get("CHAOS") == "all"
EACH = 1 if ALL else 8  # in `make test` every eighth step, and which ones differs from day to day
FIRST = int(time.time() // 86_400) % EACH
LIMIT = 200


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("embedded"), port=0, rate_limit=None, scheduler=False) as server:
        yield server


class Story:
    """Two commits, a hand's change in between, and a loop that may die at any step of the second pass."""

    def __init__(self, served: EmbeddedServer, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        remote, work = folder / "jobs.git", folder / "work"
        git(folder, "init", "-q", "--bare", "-b", "main", str(remote))
        git(folder, "clone", "-q", str(remote), str(work))
        self.repository = Repository(remote, work)
        self.repository.write(
            "interact-gitops.yaml", "managed_by: acme/jobs\nguards: {max_deletes: 5, max_changes: 20}\n"
        )
        organization, key = served.create_organization(str(folder))
        self.environ = {**os.environ, "INTERACT_URL": served.url, "INTERACT_API_KEY": key,
                        "INTERACT_ORG_ID": organization}  # fmt: skip
        self.client = Client(served.url, key, organization)
        self.repository.commit(**{name: job(name) for name in ("one", "two", "three", "four")})
        self.pass_by()
        body = job_to_wire(job_from_wire(self.client.jobs()[0].raw))
        theirs = {**body, "key": "theirs", "name": "Theirs", "managedBy": "other/jobs"}
        self.client.create_job(theirs, idempotency_key="theirs")

    def close(self) -> None:
        self.client.__exit__(None, None, None)

    def pass_by(self, number: int = 0, when: str = "before") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(DYING), str(self.repository.remote), str(self.folder / "state"), str(number), when],
            env=self.environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def change(self) -> None:
        """By git: one new, one changed, one moved, one removed. By hand: one changed."""
        self.repository.commit(
            one=job("one", name="Changed"), two=None, dos=job("dos", moved_from="[two]"), three=None,
            five=job("five"),
        )  # fmt: skip
        there = {found.key: found for found in self.client.jobs()}["four"]
        body = {**job_to_wire(job_from_wire(there.raw)), "managedBy": there.managed_by, "name": "By hand"}
        self.client.replace_job(there.id, body, etag=there.etag or "")

    def check(self) -> None:
        found = self.client.jobs()
        names = {one.key: (one.name, one.managed_by) for one in found}
        assert len(found) == len(names)
        mine = {key: (name, "acme/jobs") for key, name in
                {"one": "Changed", "dos": "Dos", "four": "Four", "five": "Five"}.items()}  # fmt: skip
        assert names == {**mine, "theirs": ("Theirs", "other/jobs")}


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_each_step(served: EmbeddedServer, tmp_path: Path, when: str) -> None:
    kills = 0
    for number in range(1 + FIRST, LIMIT, EACH):
        story = Story(served, tmp_path / f"{when}-{number}")
        story.change()
        died = story.pass_by(number, when)
        if died.returncode != -signal.SIGKILL:
            assert died.returncode == 0, died.stderr
            assert kills, died
            story.close()
            break
        kills += 1
        # A lock that was left behind keeps the next one away for as long as its lease lasts, and no longer.
        until = time.monotonic() + 45
        while True:
            again = story.pass_by()
            assert again.returncode == 0, again.stderr
            try:
                story.check()
                break
            except AssertionError:
                if time.monotonic() > until:
                    raise
                time.sleep(1)
        story.close()
    else:
        pytest.fail(f"more than {LIMIT} steps")
    print(f"{when}: {kills} kills, the last at step {number - EACH}")
