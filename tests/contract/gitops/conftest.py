"""A real repository, a served Interact, and the loop between them, pass by pass."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.cli.options import Workspace
from interact_gitops.cli.syncing import loop_of
from interact_gitops.gitops.loop import Loop
from interact_gitops.gitops.standing import Standing
from interact_gitops.interact.client import Client
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.wire import job_from_wire, job_to_wire
from interact_gitops.server.serving import EmbeddedServer

MARK = "acme/jobs"
OPTIONS: dict[str, Any] = {
    "branch": "main", "path": None, "heal": False, "prune": True, "interval": 60, "compare": 300,
    "require_signed": None, "allowed_signers": None, "credential_helper": None, "ssh_key": None, "known_hosts": None,
    "git_timeout": 20, "max_size": 64, "commit_status": False, "once": True, "listen": None,
    "channel_secrets": (), "mark": None,
}  # fmt: skip


def git(folder: Path, *arguments: str, **environ: str) -> str:
    """What git prints."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "Ada",
             "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada",
             "GIT_COMMITTER_EMAIL": "ada@example.com", **environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def job(key: str, **fields: str) -> str:
    """A definition file."""
    lines = {"key": key, "name": key.title(), "agent": "paid-search-analyst", "prompt": "What was spent?", **fields}
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


@dataclass
class Repository:
    """A remote and a clone of it to work in."""

    remote: Path
    work: Path

    def write(self, name: str, text: str | None) -> None:
        path = self.work / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def commit(self, message: str = "a change", *options: str, **files: str | None) -> str:
        """Write files (`key="text"` is jobs.d/key.yaml), commit and push; the commit."""
        for name, text in files.items():
            self.write(f"jobs.d/{name.replace('_', '-')}.yaml", text)
        git(self.work, "add", "-A")
        git(self.work, "commit", "-qm", message, "--allow-empty", *options)
        self.push()
        return git(self.work, "rev-parse", "HEAD")

    def push(self, *options: str) -> None:
        git(self.work, "push", "-q", *options, "origin", "HEAD:main")


@dataclass
class World:
    """The loop's options and its time, the target as somebody else sees it."""

    repository: Repository
    folder: Path
    client: Client
    environ: dict[str, str]
    options: dict[str, Any] = field(default_factory=lambda: dict(OPTIONS))
    when: datetime = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    settings: str = ""
    loop: Loop | None = None

    def restart(self) -> None:
        self.loop = None

    def once(self, **options: Any) -> Standing:
        """One pass, of the loop that is there or of a new one."""
        if options:
            self.options.update(options)
            self.loop = None
        if self.loop is None:
            workspace = Workspace(folder=self.folder, environ=self.environ)
            wanted = {"repo": str(self.repository.remote), "state": str(self.folder / "state"), **self.options}
            self.loop = loop_of(workspace, self.client, wanted)
            self.loop.now = lambda: self.when
        return self.loop.once()

    def later(self, **span: float) -> None:
        self.when += timedelta(**span)

    def jobs(self) -> dict[str, RemoteJob]:
        return {job.key: job for job in self.client.jobs()}

    def names(self) -> dict[str, str]:
        return {key: found.name for key, found in self.jobs().items()}

    def by_hand(self, key: str, **fields: Any) -> None:
        """Change a job as a person in the UI would."""
        there = self.jobs()[key]
        body = {**job_to_wire(job_from_wire(there.raw)), "managedBy": there.managed_by, **fields}
        self.client.replace_job(there.id, body, etag=there.etag or "")

    def delete_by_hand(self, key: str) -> None:
        there = self.jobs()[key]
        self.client.delete_job(there.id, etag=there.etag or "")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("embedded"), port=0, rate_limit=None, scheduler=False) as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    remote, work = tmp_path / "jobs.git", tmp_path / "work"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(remote))
    git(remote, "config", "receive.denyDeleteCurrent", "ignore")
    git(tmp_path, "clone", "-q", str(remote), str(work))
    made = Repository(remote, work)
    made.write("interact-gitops.yaml", f"managed_by: {MARK}\n")
    return made


@pytest.fixture
def new_world(served: EmbeddedServer, repository: Repository, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Worlds on one target."""
    organization, key = served.create_organization(tmp_path.name)
    environ = {"INTERACT_URL": served.url, "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization}
    with Client(served.url, key, organization) as client:

        def make() -> World:
            folder = tmp_path / "ops"
            folder.mkdir(exist_ok=True)
            return World(repository, folder, client, environ)

        yield make


@pytest.fixture
def world(new_world: Callable[[], World]) -> World:
    return new_world()
