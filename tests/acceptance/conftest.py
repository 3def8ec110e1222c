"""The installed command in a subprocess, a served Interact, and a repository of jobs to work in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.server.serving import EmbeddedServer

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "interact_gitops"]


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """A folder and an environment to run the command in."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, expect: int | None = 0, stdin: str = "") -> Answer:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("INTERACT_")},
            "XDG_STATE_HOME": str(self.folder / ".state"),
            "PYTHONWARNINGS": "error",
            **self.environment,
        }
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in answer.err + answer.out, answer.err
        assert expect is None or answer.code == expect, (answer.code, answer.out, answer.err)
        return answer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[EmbeddedServer]:
    """One served Interact for the whole session; every test makes an organisation of its own."""
    with EmbeddedServer(tmp_path_factory.mktemp("interact"), port=0, sample_folder=sample) as served:
        yield served


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a remote, holding the sample jobs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copytree(ROOT / "jobs.d", folder / "jobs.d")
    git = ["git", "-c", "user.name=tests", "-c", "user.email=tests@example.com", "-C", str(folder)]
    for arguments in (["init", "-q", "-b", "main"], ["remote", "add", "origin", "https://git.example.com/acme/jobs.git"],
                      ["add", "."], ["commit", "-q", "-m", "jobs"]):  # fmt: skip
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    return folder


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A command line in an empty folder, with no target."""
    return Shell(tmp_path)


@pytest.fixture
def interact(repository: Path, server: EmbeddedServer, request: pytest.FixtureRequest) -> Shell:
    """A command line in the repository, with a fresh organisation as its target."""
    organization, key = server.create_organization(request.node.name)
    return Shell(repository, {"INTERACT_URL": server.url, "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization})


@pytest.fixture(scope="session")
def fits() -> Callable[[str, Any], None]:
    """Check a command's JSON against what schema/output.schema.json says of it."""
    from jsonschema import Draft202012Validator

    document = json.loads((ROOT / "schema/output.schema.json").read_text())

    def check(command: str, value: Any) -> None:
        Draft202012Validator({**document, "$ref": f"#/$defs/{command}"}).validate(value)

    return check
