"""What is generated, from jobs as hostile as they can be, is clean to the linters, deterministic, and only ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import HOSTILE

BIN = Path(sys.executable).parent
YAMLLINT = ("{extends: default, rules: {line-length: {max: 160}, truthy: {check-keys: false}, document-start: disable, "
            "comments: {min-spaces-from-content: 1}}}")  # fmt: skip


def tool(folder: Path, *arguments: str, expect: int = 0) -> str:
    done = subprocess.run([sys.executable, "-m", "interact_gitops", *arguments], cwd=folder, capture_output=True,
                          text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "error"})  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


def job(number: int, text: str) -> str:
    """A definition with up to 29 parameters, and of every third job a fan-out."""
    kinds = [{"type": "string", "default": text[:50]}, {"type": "integer"}, {"type": "boolean", "default": False},
             {"type": "string", "enum": ["yes", "no", "1.0", text[:40].strip()], "default": "yes"}]  # fmt: skip
    values = ["x", 1, True, "yes"]
    names = [f"p{n}" for n in range(number % 30)]
    parameters = {name: {**kinds[n % 4], "description": text[:80]} for n, name in enumerate(names)}
    said = {"key": f"job-{number:02}", "name": text[:100], "description": text, "agent": "a", "prompt": "What?"}
    said |= {"parameters": parameters}
    if names and number % 3 == 0:
        said["fan_out"] = {"combinations": [{name: values[n % 4] for n, name in enumerate(names)}]}
    return yaml.safe_dump(said, allow_unicode=True)


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of fifty jobs, whose every text is hostile."""
    folder = tmp_path_factory.mktemp("fifty")
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    (folder / "jobs.d").mkdir()
    (folder / "interact-gitops.yaml").write_text("managed_by: acme/jobs\n")
    clean = [
        text.replace("\n", " ").replace("\u202e", "").replace("\u2066", "").replace("${", "$${") for text in HOSTILE
    ]
    for number in range(50):
        (folder / f"jobs.d/job-{number:02}.yaml").write_text(job(number, clean[number % len(clean)]))
    tool(folder, "workflows", "generate")
    return folder


def test_the_linters_find_nothing(fifty: Path) -> None:
    workflows = sorted((fifty / ".github/workflows").glob("*.yml"))
    assert len(workflows) == 56
    (action,) = (fifty / ".github/actions").rglob("action.yml")
    for command in (
        ["zizmor", "--offline", "--strict-collection", "--persona", "auditor", "--no-progress", ".github"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, workflows)],
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", str(action)],
        ["yamllint", "--strict", "--config-data", YAMLLINT, ".github"],
    ):
        whole = [str(BIN / command[0]), *command[1:]]
        done = subprocess.run(whole, cwd=fifty, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_nothing_in_a_file_is_an_expression_but_ours(fifty: Path) -> None:
    for path in (fifty / ".github").rglob("*.yml"):
        for line in path.read_text().splitlines():
            if "${{" in line:
                assert "touch" not in line
                assert "description" not in line
                number = "name: interact-plan-${{ github.event.number }}"
                assert line.strip() == number or not line.lstrip().startswith(("name:", "#")), line


def test_again_changes_nothing_and_an_edit_changes_one_file(fifty: Path) -> None:
    assert "are in step" in tool(fifty, "workflows", "generate", "--check")
    before = {path: path.read_text() for path in (fifty / ".github").rglob("*.yml")}
    path = fifty / "jobs.d/job-07.yaml"
    said = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**said, "parameters": {"new": {"type": "integer", "default": 1}}}))
    told = tool(fifty, "workflows", "generate", "--check", expect=1)
    assert "to be changed .github/workflows/run-job-07.yml" in " ".join(told.split())
    tool(fifty, "workflows", "generate")
    changed = {one.name for one, text in before.items() if one.read_text() != text}
    assert changed == {"run-job-07.yml"}


def test_what_is_not_ours_is_never_touched(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    tool(tmp_path, "init")
    tool(tmp_path, "workflows", "generate")
    folder = tmp_path / ".github/workflows"
    (folder / "deploy.yml").write_text("name: deploy\n")
    (folder / "drift.yml").write_text("name: our own drift\n")
    (folder / "apply.yml").unlink()
    (tmp_path / "elsewhere").write_text("theirs\n")
    (folder / "apply.yml").symlink_to(tmp_path / "elsewhere")
    key = next((tmp_path / "jobs.d").glob("*.yaml"))
    key.write_text(key.read_text().replace("key: weekly-campaign-performance", "key: another"))
    told = tool(tmp_path, "workflows", "generate")
    assert "drift.yml was not written by this command, and is left as it is" in told
    assert (folder / "drift.yml").read_text() == "name: our own drift\n"
    assert (folder / "deploy.yml").read_text() == "name: deploy\n"
    assert (tmp_path / "elsewhere").read_text() == "theirs\n"
    assert not (folder / "run-weekly-campaign-performance.yml").exists()
    assert (folder / "run-another.yml").exists()


def test_this_repositorys_own_workflows_are_what_is_generated() -> None:
    root = Path(__file__).parents[2]
    assert "are in step" in tool(root, "workflows", "generate", "--check")
