"""A runner of GitHub's workflows, small and strict: every `run:` step with the runner's own shells and files.

It knows the keys and expressions that our workflows use, and fails on any other. The actions that are not ours
(checkout, artifacts) are doubles that do what those do. Secrets are given to jobs that name an environment alone, and
whether a job runs is decided without an environment's variables. Not modelled: who approves (a job begins when
`between` returns), `concurrency`, and the time between events.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .expressions import Unknown, condition, filled, to_json

WORKFLOW = {"name", True, "permissions", "concurrency", "jobs"}  # True: `on`, as YAML 1.1 reads it
JOB = {"name", "if", "needs", "runs-on", "timeout-minutes", "environment", "permissions", "outputs", "steps",
       "concurrency"}  # fmt: skip
INPUT = {"description", "type", "required", "default", "options"}
STEP = {"name", "id", "if", "uses", "with", "run", "shell", "env", "continue-on-error"}
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]  # `shell: bash`
PLAIN = ["bash", "-e"]  # no shell named
SHIM = '#!/bin/sh\nexec "{python}" -m interact_gitops "$@"\n'


@dataclass
class Done:
    """What became of a job."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""


@dataclass
class Run:
    """One run of a workflow."""

    jobs: dict[str, Done]

    @property
    def log(self) -> str:
        return "\n".join(f"--- {name}: {job.result}\n{job.log}" for name, job in self.jobs.items())

    @property
    def summary(self) -> str:
        return "\n".join(job.summary for job in self.jobs.values())

    @property
    def results(self) -> dict[str, str]:
        return {name: job.result for name, job in self.jobs.items()}


@dataclass
class Machine:
    """A repository to check out (`origin` at `ref`), and all that a workflow is given beside it."""

    folder: Path
    origin: Path
    ref: str
    event: dict[str, Any] = field(default_factory=dict)
    event_name: str = "push"
    inputs: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)  # the repository's
    environments: dict[str, dict[str, str]] = field(default_factory=dict)  # more variables, of an environment
    secrets: dict[str, str] = field(default_factory=dict)  # of every environment
    environ: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    between: Any = None  # called before each job, with its name
    sha: str = ""  # the event's commit, which every job of the run is given: by default where `ref` is when it begins
    _jobs: int = 0

    def run(self, workflow: str) -> Run:
        """Run a workflow of the repository's default branch, or of what is checked out."""
        self.sha = self.sha or self._git("rev-parse", self.ref)
        text = self._git("show", f"{self.sha}:.github/workflows/{workflow}.yml")
        said = yaml.safe_load(text)
        _demand(said, WORKFLOW)
        self.inputs = {**self._inputs(said[True].get("workflow_dispatch") or {}), **self.inputs}
        done: dict[str, Done] = {}
        for name, job in said["jobs"].items():
            if self.between is not None:
                self.between(name)
            done[name] = self._job(job, done)
        return Run(done)

    def _inputs(self, dispatch: dict[str, Any]) -> dict[str, Any]:
        """What the form gives where nothing is filled in; on any other event all of it is empty."""
        found: dict[str, Any] = {}
        for name, one in dispatch.get("inputs", {}).items():
            _demand(one, INPUT)
            default = one.get("default", False if one["type"] == "boolean" else "")
            found[name] = (
                ""
                if self.event_name != "workflow_dispatch"
                else default
                if one["type"] == "boolean"
                else _text(default)
            )
        return found

    def _git(self, *arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.origin), *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    def _job(self, job: dict[str, Any], before: Mapping[str, Done]) -> Done:
        _demand(job, JOB)
        needed = job.get("needs", [])
        needed = [needed] if isinstance(needed, str) else needed
        needs = {name: {"result": before[name].result, "outputs": before[name].outputs} for name in needed}
        contexts = {**self._contexts(), "needs": needs}
        good = all(one["result"] == "success" for one in needs.values())
        functions = _functions(lambda: good)
        holds = condition(job["if"], contexts, functions) if "if" in job else good
        if not holds:
            return Done("skipped", _Empty())
        given = job.get("environment")
        named = given["name"] if isinstance(given, dict) else given
        contexts["secrets"] = {} if named is None else self.secrets
        if named is not None:
            contexts["vars"] = {**self.variables, **self.environments.get(named, {})}
        return _Job(self, job, contexts).done()

    def _contexts(self) -> dict[str, Any]:
        return {
            "github": {"event": self.event, "event_name": self.event_name, "repository": "acme/jobs",
                       "ref": self.event.get("ref", "refs/heads/main"), "token": self.environ.get("TOKEN", "t0ken")},
            "vars": self.variables, "inputs": self.inputs,  # and no secrets: no `if` sees them
        }  # fmt: skip


class _Job:
    def __init__(self, machine: Machine, job: dict[str, Any], contexts: dict[str, Any]) -> None:
        machine._jobs += 1
        self.machine, self.job = machine, job
        place = machine.folder / f"runner-{machine._jobs}"
        self.workspace, self.temp = place / "work", place / "temp"
        self.workspace.mkdir(parents=True)
        shim = self.temp / "interact-gitops" / "bin" / "interact-gitops"
        shim.parent.mkdir(parents=True)
        shim.write_text(SHIM.format(python=sys.executable))
        shim.chmod(0o755)
        self.summary = place / "summary"
        self.summary.touch()
        self.event = place / "event.json"
        self.event.write_text(to_json(machine.event))
        self.contexts = {**contexts, "runner": {"temp": str(self.temp)}}
        self.failed = False
        self.log = ""

    def done(self) -> Done:
        contexts = {**self.contexts, "steps": {}}
        self._steps(self.job["steps"], contexts, {})
        outputs = {name: filled(str(text), contexts, _functions(lambda: not self.failed))
                   for name, text in self.job.get("outputs", {}).items() if _has(text, contexts)}  # fmt: skip
        return Done("failure" if self.failed else "success", outputs, self.log, self.summary.read_text())

    def _steps(self, steps: list[dict[str, Any]], contexts: dict[str, Any], env: Mapping[str, str]) -> None:
        functions = _functions(lambda: not self.failed)
        for step in steps:
            _demand(step, STEP)
            # The outputs of a step that was skipped are empty, and known.
            entry = contexts["steps"].setdefault(step.get("id", uuid.uuid4().hex), _Outputs())
            if not condition(step.get("if", "success()"), contexts, functions):
                entry["outcome"] = "skipped"
                continue
            own = {
                **env,
                **{name: filled(str(text), contexts, functions) for name, text in step.get("env", {}).items()},
            }
            given = {name: filled(_text(text), contexts, functions) for name, text in step.get("with", {}).items()}
            good, outputs = self._step(step, own, given, contexts)
            entry["outputs"].update(outputs)
            entry["outcome"] = "success" if good else "failure"
            if not good and not step.get("continue-on-error"):
                self.failed = True

    def _step(
        self, step: dict[str, Any], env: Mapping[str, str], given: dict[str, str], contexts: dict[str, Any]
    ) -> tuple[bool, dict[str, str]]:
        if "run" in step:
            assert "${{" not in step["run"], "an expression in a script is an injection"
            return self._script(step, env)
        uses = step["uses"]
        if uses.startswith("./"):
            return self._composite(uses, env, given)
        name = uses.partition("@")[0]
        doubles = {"actions/checkout": self._checkout, "actions/upload-artifact": self._upload,
                   "actions/download-artifact": self._download}  # fmt: skip
        if name not in doubles:
            raise Unknown(f"no double of {name}")
        return doubles[name](given), {}

    def _composite(self, uses: str, env: Mapping[str, str], given: dict[str, str]) -> tuple[bool, dict[str, str]]:
        action = yaml.safe_load((self.workspace / uses / "action.yml").read_text())
        _demand(action, {"name", "description", "inputs", "outputs", "runs"})
        assert given.keys() <= action["inputs"].keys(), given
        inputs = {name: given.get(name, _text(one.get("default", ""))) for name, one in action["inputs"].items()}
        contexts = {**self.contexts, "inputs": inputs, "steps": {}}
        before, self.failed = self.failed, False
        self._steps(action["runs"]["steps"], contexts, env)
        good, self.failed = not self.failed, before
        functions = _functions(lambda: good)
        outputs = {name: filled(one["value"], contexts, functions) for name, one in action["outputs"].items()
                   if _has(one["value"], contexts)}  # fmt: skip
        return good, outputs

    def _script(self, step: dict[str, Any], env: Mapping[str, str]) -> tuple[bool, dict[str, str]]:
        script, output = self.temp / f"{uuid.uuid4().hex}.sh", self.temp / f"{uuid.uuid4().hex}.out"
        script.write_text(step["run"])
        output.touch()
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(self.temp), "LANG": "C.UTF-8", "GITHUB_ACTIONS": "true",
            "CI": "true",
            "RUNNER_TEMP": str(self.temp), "GITHUB_WORKSPACE": str(self.workspace), "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_REPOSITORY": "acme/jobs", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "77",
            "GITHUB_SHA": self.machine.sha, "GITHUB_REF": self.contexts["github"]["ref"], "PYTHONWARNINGS": "error",
            **self.machine.environ, **env,
        }  # fmt: skip
        shell = {None: PLAIN, "bash": BASH}[step.get("shell")]
        done = subprocess.run(
            [*shell, str(script)], cwd=self.workspace, env=environ, capture_output=True, check=False, timeout=120
        )
        self.log += done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
        return done.returncode == 0, _read_outputs(output.read_text())

    def _checkout(self, given: dict[str, str]) -> bool:
        assert given.keys() <= {"fetch-depth", "persist-credentials"}
        assert given["persist-credentials"] in {"true", "false"}
        depth = given.get("fetch-depth", "1")
        git = ["git", "-C", str(self.workspace)]
        for arguments in (["init", "-q"], ["remote", "add", "origin", str(self.machine.origin)],
                          ["fetch", "-q", f"--depth={depth}", f"file://{self.machine.origin}", self.machine.sha],
                          ["checkout", "-q", "FETCH_HEAD"]):  # fmt: skip
            subprocess.run([*git, *arguments], check=True, capture_output=True)
        return True

    def _upload(self, given: dict[str, str]) -> bool:
        assert given.keys() == {"name", "path", "if-no-files-found", "retention-days"}
        path = Path(given["path"])
        if not path.is_file():
            return False
        kept = self.machine.folder / f"artifact-{uuid.uuid4().hex}" / path.name
        kept.parent.mkdir()
        shutil.copy(path, kept)
        self.machine.artifacts[given["name"]] = kept
        return True

    def _download(self, given: dict[str, str]) -> bool:
        assert given.keys() == {"name", "path"}
        kept = self.machine.artifacts[given["name"]]
        Path(given["path"]).mkdir(parents=True, exist_ok=True)
        shutil.copy(kept, Path(given["path"]) / kept.name)
        return True


class _Outputs(dict):  # type: ignore[type-arg]  # of one step
    def __init__(self) -> None:
        super().__init__(outputs=_Empty(), outcome="")


class _Empty(dict):  # type: ignore[type-arg]  # an output that was not set is empty
    def __contains__(self, _name: object) -> bool:
        return True

    def __missing__(self, _name: str) -> str:
        return ""


def _has(text: str, contexts: Mapping[str, Any]) -> bool:
    """Whether an output's step is there at all, as GitHub leaves out what it cannot find."""
    return "${{" in text and bool(contexts["steps"])


def _functions(success: Any) -> dict[str, Any]:
    return {"success": success, "failure": lambda: not success(), "always": lambda: True, "cancelled": lambda: False,
            "toJSON": to_json,
            "startsWith": lambda text, start: str(text).lower().startswith(start.lower())}  # fmt: skip


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _demand(found: Mapping[Any, Any], known: set[Any]) -> None:
    strange = set(found) - known
    if strange:
        raise Unknown(f"unknown keys: {strange}")


def _read_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner reads it."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        if "<<" in line:
            name, _, delimiter = line.partition("<<")
            value = []
            for part in lines:
                if part == delimiter:
                    break
                value.append(part)
            else:
                raise Unknown(f"{name}: no {delimiter}")
            found[name] = "\n".join(value)
        else:
            name, _, value_text = line.partition("=")
            found[name] = value_text
    return found
