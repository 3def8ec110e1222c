"""A jobs repository with generated workflows, its origin, an Interact to work with, and GitHub's API beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.interact.client import Client
from interact_gitops.jobs.wire import job_from_wire, job_to_wire
from interact_gitops.server.serving import EmbeddedServer

from .github_api import TOKEN, Api, github_api
from .running import Machine, Run

HOSTILE = ('"; touch PWN; echo "', "$(touch PWN)", "`touch PWN`", "a\nb\n::set-output name=x::y", "%0A::error::x",
           "${{ secrets.INTERACT_API_KEY }}", "é🥾\u202e\u2066x", "' || touch PWN #",
           "<!channel> @everyone <img src=x>",
           "]] && touch PWN && [[")  # fmt: skip


@dataclass
class Site:
    """A team's clone and its origin."""

    folder: Path
    api: Api
    client: Client
    secrets: dict[str, str]
    variables: dict[str, str]
    runs: int = 0
    machines: list[Machine] = field(default_factory=list)

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.clone), "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *arguments],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def tool(self, *arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "interact_gitops", *arguments], cwd=self.clone, capture_output=True, text=True,
            check=False, env={**os.environ, "PYTHONWARNINGS": "error"},
        )  # fmt: skip
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def write(self, name: str, text: str) -> None:
        path = self.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str = "a change", *, branch: str = "main", generate: bool = True) -> str:
        """Generate, commit and push what is in the clone; the commit."""
        if generate:
            self.tool("workflows", "generate")
        self.git("add", "-A")
        self.git("commit", "-qm", message, "--allow-empty")
        self.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def machine(self, ref: str = "main", **more: Any) -> Machine:
        """A runner for one workflow."""
        self.runs += 1
        made = Machine(
            folder=self.folder / f"machine-{self.runs}", origin=self.origin, ref=ref, secrets=self.secrets,
            variables=self.variables, environ={"GITHUB_API_URL": self.api.url, "TOKEN": TOKEN}, **more,
        )  # fmt: skip
        self.machines.append(made)
        return made

    def run(self, workflow: str, **more: Any) -> Run:
        return self.machine(**more).run(workflow)

    def names(self) -> dict[str, str]:
        return {job.key: job.name for job in self.client.jobs()}

    def by_hand(self, key: str, **fields: Any) -> None:
        there = next(job for job in self.client.jobs() if job.key == key)
        body = {**job_to_wire(job_from_wire(there.raw)), "managedBy": there.managed_by, **fields}
        self.client.replace_job(there.id, body, etag=there.etag or "")

    def unharmed(self) -> None:
        """Nothing that somebody typed was executed."""
        assert not list(self.folder.rglob("PWN"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("interact")
    with EmbeddedServer(folder, port=0, sample_folder=sample, rate_limit=None, scheduler=False) as server:
        yield server


@pytest.fixture
def api() -> Iterator[Api]:
    with github_api() as double:
        yield double


@pytest.fixture
def site(tmp_path: Path, served: EmbeddedServer, api: Api, request: pytest.FixtureRequest) -> Iterator[Site]:
    organization, key = served.create_organization(request.node.name)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git")], check=True)
    subprocess.run(["git", "clone", "-q", str(tmp_path / "origin.git"), str(tmp_path / "clone")], check=True,
                   capture_output=True)  # fmt: skip
    with Client(served.url, key, organization) as client:
        api.origin = tmp_path / "origin.git"
        made = Site(
            tmp_path, api, client, {"INTERACT_API_KEY": key},
            {"INTERACT_URL": served.url, "INTERACT_ORG_ID": organization, "INTERACT_SCHEDULER": "github"},
        )  # fmt: skip
        made.tool("init")
        yield made


New = Callable[..., Any]
