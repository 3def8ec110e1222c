"""The step of the action that installs: from a version, or from a lock file whose hashes hold."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from interact_gitops.github.workflows.generating import ACTION
from interact_gitops.shapes import shipped_path

FILES = {
    "stand_in.py": "def main():\n    print('installed')\n",
    "interact_gitops-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: interact-gitops\nVersion: 9.9\n",
    "interact_gitops-9.9.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "interact_gitops-9.9.dist-info/entry_points.txt": "[console_scripts]\ninteract-gitops = stand_in:main\n",
}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package of our name, in a folder of its own."""
    path = tmp_path / "packages" / "interact_gitops-9.9-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
        rows = "".join(f"{name},,\n" for name in [*FILES, "interact_gitops-9.9.dist-info/RECORD"])
        archive.writestr("interact_gitops-9.9.dist-info/RECORD", rows)
    return path


def install(folder: Path, version: str) -> tuple[int, str]:
    """(exit code, output) of the step in a repository, and of the program that it installed."""
    action = yaml.safe_load(shipped_path(ACTION).read_text())
    script = next(step["run"] for step in action["runs"]["steps"] if step["name"] == "Install")
    repository = folder / "repository"
    repository.mkdir(exist_ok=True)
    (repository / "pip.py").write_text("raise SystemExit('run from the repository')\n")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "RUNNER_TEMP": str(folder / "temp"), "VERSION": version,
               "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "packages")}  # fmt: skip
    done = subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], cwd=repository,
                          env=environ, capture_output=True, text=True, check=False, timeout=110)  # fmt: skip
    if done.returncode:
        return done.returncode, done.stdout + done.stderr
    program = folder / "temp/interact-gitops/bin/interact-gitops"
    return 0, subprocess.run([program], capture_output=True, text=True, check=True).stdout


def test_a_version(tmp_path: Path, wheel: Path) -> None:
    assert wheel.is_file()
    assert install(tmp_path, "9.9") == (0, "installed\n")


@pytest.mark.parametrize("good", [True, False])
def test_a_lock_file_whose_hashes_hold(tmp_path: Path, wheel: Path, good: bool) -> None:
    digest = hashlib.sha256(wheel.read_bytes() if good else b"another").hexdigest()
    lock = tmp_path / "repository/.github/interact-gitops.txt"
    lock.parent.mkdir(parents=True)
    lock.write_text(f"interact-gitops==9.9 --hash=sha256:{digest}\n")
    code, said = install(tmp_path, ".github/interact-gitops.txt")
    assert (code, said) == (0, "installed\n") if good else (code != 0 and "DO NOT MATCH THE HASHES" in said)


def test_a_lock_file_without_hashes_is_refused(tmp_path: Path, wheel: Path) -> None:
    assert wheel.is_file()
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository/lock.txt").write_text("interact-gitops==9.9\n")
    code, said = install(tmp_path, "lock.txt")
    assert code != 0
    assert "--require-hashes" in said
