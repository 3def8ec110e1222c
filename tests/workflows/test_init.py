"""`init` in an empty repository: everything works right after, and a second time changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from interact_gitops.cli.options import Workspace
from interact_gitops.cli.scaffolding import wanted_workflows
from interact_gitops.errors import Refused
from interact_gitops.server.serving import EmbeddedServer


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "interact_gitops", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "error", **environ},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    return tmp_path


def test_everything_works_right_after(repository: Path, served: EmbeddedServer) -> None:
    code, said = run(repository, "init")
    assert code == 0, said
    assert "made  .github/workflows/run-weekly-campaign-performance.yml" in said
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file() and ".git/" not in str(path)}
    modes = {path.stat().st_mode & 0o777 for path in before}
    assert modes == {0o666 & ~umask()}  # who shares the folder can read them all
    assert run(repository, "init")[0] == 0
    after = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file() and ".git/" not in str(path)}
    assert after == before
    organization, key = served.create_organization("init")
    environ = {"INTERACT_URL": served.url, "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization}
    for command in (["validate"], ["fmt", "--check"], ["workflows", "generate", "--check"], ["plan"]):
        code, said = run(repository, *command, **environ)
        assert code == 0, (command, said)


def test_hooks_are_commands_of_ours(repository: Path) -> None:
    run(repository, "init")
    said = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())
    for hook in said["repos"][0]["hooks"]:
        assert hook["always_run"], "a file that was deleted is none that the hook is given"
        program, *arguments = hook["entry"].split()
        assert program == "interact-gitops"
        code, words = run(repository, *arguments)
        assert code == 0, words


def test_what_is_there_is_kept(repository: Path) -> None:
    (repository / ".github/workflows").mkdir(parents=True)
    (repository / ".github/workflows/apply.yml").write_text("name: ours\n")
    (repository / ".github/CODEOWNERS").write_text("* @acme/all\n")
    assert run(repository, "init")[0] == 0
    assert (repository / ".github/workflows/apply.yml").read_text() == "name: ours\n"
    assert (repository / ".github/CODEOWNERS").read_text() == "* @acme/all\n"


def test_below_a_repository_no_workflows_are_made(repository: Path) -> None:
    (repository / "team").mkdir()
    code, said = run(repository, "init", "team")
    assert code == 0, said
    assert not (repository / "team/.github/workflows").exists()
    code, said = run(repository / "team", "workflows", "generate")
    assert code == 1
    assert "workflows belong to the top of the repository" in said


def test_no_module_of_the_repository_is_run(repository: Path) -> None:
    """A repository of definitions is data: a file in it that is named like our program, or a library, stays one."""
    run(repository, "init")
    for module in ("interact_gitops/__init__.py", "interact_gitops/__main__.py", "yaml.py", "click.py", "httpx.py"):
        (repository / module).parent.mkdir(exist_ok=True)
        (repository / module).write_text("raise SystemExit('EXECUTED')\n")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "interact-gitops"), "github", "action"], cwd=repository, check=False,
        capture_output=True, text=True, env={**os.environ, "ACTION_COMMAND": "fmt", "ACTION_ARGS": "--check"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "EXECUTED" not in done.stdout + done.stderr


CONFIGURATION = "managed_by: acme/jobs\n"
TARGET = "targets:\n  main: {url: 'https://x.example', organization: o, api_key: '${KEY}'}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("github: {drift_cron: '61 5 * * *'}", "github.drift_cron: "),
        ("github: {schedule_cron: '5 5 32 * *'}", "github.schedule_cron: "),
        ("github: {branch: a..b}", "github.branch: 'a..b' is no branch's name"),
        ("github: {branch: a/}", "github.branch: 'a/' is no branch's name"),
        ("github: {branch: refs/heads/main}", "github.branch: 'refs/heads/main' is no branch's name"),
        ("github: {branch: HEAD}", "github.branch: 'HEAD' is no branch's name"),
        *(
            (
                f"github: {{version: {version}}}",
                f"github.version: '{version}' is nothing that the workflows can install",
            )
            for version in (
                "requirements.lock",
                "2026-lock.txt",
                "lock.TXT",
                ".github/missing.txt",
                "../x.txt",
                "..",
                "x",
                "interact-gitops-evil",
                "gone/",
                ".github",
                "pip",
            )
        ),
        (TARGET.replace("KEY", "HTTPS_PROXY"), "the variable HTTPS_PROXY is used by GitHub's runners"),
        (TARGET.replace("KEY", "SSL_CERT_FILE"), "the variable SSL_CERT_FILE is used by GitHub's runners"),
        (
            TARGET.replace("o,", "'${KEY}',"),
            "the variable KEY is part of an address or an organisation, and a secret too",
        ),
        (TARGET.replace("o,", "'${Key}',"), "the variables Key and KEY are one at GitHub"),
        ("ledger: '${UV_INDEX}'", "the variable UV_INDEX is used by GitHub's runners"),
        (TARGET.replace("KEY", "PATH"), "the variable PATH is used by GitHub's runners"),
        (TARGET.replace("KEY", "GITHUB_TOKEN"), "the variable GITHUB_TOKEN is used by GitHub's runners"),
        (TARGET.replace("o,", "'${BASH_ENV}',"), "the variable BASH_ENV is used by GitHub's runners"),
        (
            "channels: {s: {type: slack, url: '${NODE_OPTIONS}'}}",
            "the variable NODE_OPTIONS is used by GitHub's runners",
        ),
        (TARGET + TARGET.split("\n")[1].replace("main", "other"), "set github.target to one of main, other"),
    ],
)
def test_what_github_would_not_take_is_refused(repository: Path, text: str, words: str) -> None:
    (repository / "interact-gitops.yaml").write_text(f"{CONFIGURATION}{text}\n")
    (repository / "jobs.d").mkdir()
    with pytest.raises(Refused, match=re.escape(words)):
        wanted_workflows(Workspace(folder=repository, environ={}))


@pytest.mark.parametrize(
    "version",
    ["1.0", "0.1.0rc1", "2026-lock.txt", "ci/lock.txt", ".", "./", "tools/", "./tools", "interact-gitops==1.0",
     "interact-gitops[parquet]>=1", "git+https://x.example/a@b", "https://x.example/a.whl"],
)  # fmt: skip
def test_what_the_workflows_can_install(repository: Path, version: str) -> None:
    for name in ("2026-lock.txt", "ci/lock.txt", "tools/pyproject.toml", "jobs.d/.keep"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).touch()
    (repository / "interact-gitops.yaml").write_text(f"{CONFIGURATION}github: {{version: '{version}'}}\n")
    assert wanted_workflows(Workspace(folder=repository, environ={}))[1]


def test_a_lock_outside_of_the_repository_is_none(repository: Path) -> None:
    outside = repository.parent / f"{repository.name}-lock.txt"
    outside.touch()
    (repository / "lock.txt").symlink_to(outside)
    (repository / "jobs.d").mkdir()
    (repository / "interact-gitops.yaml").write_text(f"{CONFIGURATION}github: {{version: lock.txt}}\n")
    assert "is nothing that the workflows can install" in run(repository, "workflows", "generate")[1]


def test_a_repository_that_cannot_have_workflows_yet_is_told_why(repository: Path) -> None:
    code, said = run(repository, "init", "team")
    assert code == 0
    assert "No workflows were made: workflows belong to the top of the repository" in said
    (repository / "jobs.d").mkdir()
    (repository / "jobs.d/broken.yaml").write_text("key: [\n")
    code, said = run(repository, "init")
    assert code == 0
    assert "No workflows were made: 1 problem in " in said
    assert "run `interact-gitops workflows generate`" in said
    assert not (repository / ".github/workflows").exists()


def test_files_of_ours_by_another_name_or_with_other_line_ends(repository: Path) -> None:
    run(repository, "init")
    folder = repository / ".github/workflows"
    (folder / "drift.yml").write_bytes((folder / "drift.yml").read_bytes().replace(b"\n", b"\r\n"))
    assert run(repository, "workflows", "generate", "--check")[0] == 0
    (folder / "apply.yml").rename(folder / "apply.yaml")
    code, said = run(repository, "workflows", "generate", "--check")
    assert code == 1
    assert "to be removed .github/workflows/apply.yaml" in said
    run(repository, "workflows", "generate")
    assert sorted(path.name for path in folder.glob("apply*")) == ["apply.yml"]


def test_a_form_of_any_size_is_ours(repository: Path) -> None:
    """GitHub says how large a file may be, and nobody else: a large one is changed and removed as any other is."""
    run(repository, "init")
    values = [f"{number:03} " + "🥾" * 190 for number in range(100)]
    parameters = {f"p{n:02}": {"type": "string", "enum": values, "default": values[0]} for n in range(24)}
    definition = {"key": "large", "name": "Large", "agent": "a", "prompt": "x", "parameters": parameters}
    file = repository / "jobs.d/large.yaml"
    file.write_text(yaml.safe_dump(definition, allow_unicode=True)[: 1 << 20])
    form = repository / ".github/workflows/run-large.yml"
    assert run(repository, "workflows", "generate")[0] == 0
    assert form.stat().st_size > 1 << 20
    assert run(repository, "workflows", "generate", "--check")[0] == 0
    file.unlink()
    run(repository, "workflows", "generate")
    assert not form.exists()


def test_what_stops_a_command_is_shown_before_what_does_not(repository: Path) -> None:
    """However many warnings there are."""
    (repository / "jobs.d").mkdir()
    unused = "name: A\nagent: a\nprompt: x\nparameters: {unused: {type: string, default: x}}\n"
    (repository / "jobs.d/a.yaml").write_text("".join(f"---\nkey: a{n}\n{unused}" for n in range(60)))
    (repository / "jobs.d/z.yaml").write_text("key: [\n")
    said = run(repository, "workflows", "generate")[1]
    assert "jobs.d/z.yaml:" in said
    assert "more; `interact-gitops validate` shows them all" in said


def test_a_form_that_could_start_nothing_is_not_made(repository: Path) -> None:
    (repository / "interact-gitops.yaml").write_text(
        f"{CONFIGURATION}{TARGET.replace('api_key', 'api: public, api_key')}"
    )
    (repository / "jobs.d").mkdir()
    plain = "key: {key}\nname: A\nagent: a\nprompt: {prompt}\n"
    (repository / "jobs.d/plain.yaml").write_text(plain.format(key="plain", prompt="How much?"))
    needs = "parameters: {days: {type: integer, default: 7}}\n"
    (repository / "jobs.d/needs.yaml").write_text(plain.format(key="needs", prompt="'{{ days }}'") + needs)
    assert run(repository, "workflows", "generate")[0] == 0
    made = {path.stem for path in (repository / ".github/workflows").glob("run-*")}
    assert made == {"run-plain", "run-job"}


def test_a_target_that_cannot_be_written_gets_no_workflow_that_would(repository: Path) -> None:
    public = TARGET.replace("api_key", "api: public, api_key")
    (repository / "interact-gitops.yaml").write_text(f"{CONFIGURATION}{public}")
    (repository / "jobs.d").mkdir()
    assert run(repository, "workflows", "generate")[0] == 0
    made = {path.stem for path in (repository / ".github/workflows").iterdir()}
    assert made == {"validate", "plan-comment", "schedule"}
