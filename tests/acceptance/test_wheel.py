"""The built wheel in an empty environment: schemas inside, and the core enough for CI."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from interact_gitops.server.serving import EmbeddedServer

from .conftest import ROOT

SERVER = ROOT / "interact_gitops/server"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_schemas_and_samples(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for file in (ROOT / "schema").glob("*.json"):
        assert f"interact_gitops/schema/{file.name}" in names
    assert "interact_gitops/jobs.d/paid-search/01-account-overview.yaml" in names
    assert "interact_gitops/server/sample/agents.yaml" in names
    assert any(name.endswith(".sql") for name in names)
    for folder in ("templates", "static"):
        files = {f"interact_gitops/server/{folder}/{file.name}" for file in (SERVER / folder).iterdir()}
        assert files
        assert files <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_validate_and_plan_from_an_empty_environment(
    wheel: Path, tmp_path: Path, repository: Path, server: EmbeddedServer
) -> None:
    """Only the core is installed: the server runs elsewhere, as hosted Interact does."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True, capture_output=True)
    pip = [str(tmp_path / "venv/bin/pip"), "install", "--quiet", "--constraint", str(ROOT / "requirements.lock")]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, text=True)
    command = str(tmp_path / "venv/bin/interact-gitops")
    organization, key = server.create_organization("wheel")
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "INTERACT_URL": server.url,
        "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization,
    }  # fmt: skip

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [command, *arguments], cwd=repository, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    assert "12 valid jobs" in run("validate")
    assert "Plan: 12 to create" in run("plan")
    assert "not installed" in run("doctor")
