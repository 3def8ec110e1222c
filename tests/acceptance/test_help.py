"""Help: every command explains itself with examples, and asking costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interact_gitops.cli.main import COMMANDS

from .conftest import Shell

CHECK = """
import sys
before = set(sys.modules)
from interact_gitops.cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)))
print(*sorted(name for name in sys.modules if name.startswith("interact_gitops")))
"""


def test_help_loads_click_and_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    packages, modules = done.stdout.splitlines()[-2:]
    assert packages.split() == ["click", "interact_gitops"]
    assert modules.split() == [
        "interact_gitops", "interact_gitops.cli", "interact_gitops.cli.everywhere", "interact_gitops.cli.main",
    ]  # fmt: skip


def test_help_lists_every_command(shell: Shell) -> None:
    text = shell("--help").out
    for name, (_, short) in COMMANDS.items():
        assert f"  {name} " in text
        assert short in text
    assert shell().out == text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(shell: Shell, name: str) -> None:
    text = shell(name, "--help").out
    examples = text.split("Examples:")[1]
    assert f"interact-gitops {name}" in examples
    assert "--config FILE" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_an_unknown_option_with_1(shell: Shell, name: str) -> None:
    answer = shell(name, "--surely-not", expect=1)
    assert "No such option" in answer.err
    assert f"see `interact-gitops {name} --help`" in answer.err


def test_a_misspelt_command_names_the_nearest(shell: Shell) -> None:
    assert "did you mean 'validate'?" in shell("valdate", expect=1).err


def test_completion_scripts_are_real(shell: Shell, tmp_path: Path) -> None:
    for name in ("bash", "zsh", "fish"):
        script = shell("completion", name).out
        assert "_INTERACT_GITOPS_COMPLETE" in script
    file = tmp_path / "completion.bash"
    file.write_text(shell("completion", "bash").out)
    subprocess.run(["bash", "-n", str(file)], check=True)


def test_completion_knows_job_keys(interact: Shell) -> None:
    interact.environment |= {
        "_INTERACT_GITOPS_COMPLETE": "bash_complete",
        "COMP_WORDS": "interact-gitops show mon",
        "COMP_CWORD": "2",
    }
    assert interact().out.split() == ["plain,monday-briefing"]
