"""`github dispatch`: a run that somebody started with GitHub's form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.ourselves import Said, chosen, kept
from interact_gitops.errors import Failure, Refused, did_you_mean

if TYPE_CHECKING:
    from interact_gitops.jobs.model import Job, Scalar

MOST_CHATS = 20  # whose records go into the summary whole
_SAID = 1_000  # characters of a failure


@command("dispatch", examples='INPUTS=\'{"days": "7"}\' interact-gitops github dispatch weekly-report')
@click.argument("job", required=False, metavar="[JOB]")
def dispatch(workspace: Workspace, job: str | None) -> int:
    """Start JOB, or the job that the form names, with the inputs of a form; wait, and tell the job's summary.

    INPUTS holds the inputs as JSON. They are checked again by the job's own parameters. Ends as `run --wait` does:
    with 4 when a chat failed, with 5 when nothing was started because it was in progress.
    """
    from interact_gitops.github.files import write_summary
    from interact_gitops.planning.rendering.github import code

    try:
        return _dispatched(workspace, job)
    except Failure as failure:
        remedy = f"\n\n{code(failure.remedy, _SAID)}" if failure.remedy else ""
        write_summary(workspace.environ, f"### Not started\n\n{code(failure.message, _SAID)}{remedy}")
        raise


def _dispatched(workspace: Workspace, job: str | None) -> int:
    from interact_gitops.github.files import write_outputs, write_summary
    from interact_gitops.github.workflows.forms import read_inputs, values_of, values_of_any
    from interact_gitops.planning.rendering.github import code

    inputs = read_inputs(workspace.environ.get("INPUTS", ""))
    key = job or str(inputs.get("job", ""))
    found = _job(workspace, key)
    values = values_of(found, inputs) if job else values_of_any(found, inputs)
    where = chosen(workspace)
    done = _run(found, values, where)
    started = _read(done)
    chats = [str(one["id"]) for one in started.get("runs", ())]
    write_outputs(workspace.environ, chat_ids=" ".join(chats))
    write_summary(workspace.environ, _head(found, values, started, done.why))
    for chat in chats[:MOST_CHATS]:
        record = kept("chat", chat, *where, "--format", "markdown")
        write_summary(workspace.environ, f"The chat {code(chat)} cannot be read." if record.code else record.text)
    if len(chats) > MOST_CHATS:
        write_summary(
            workspace.environ, f"… and {len(chats) - MOST_CHATS} chats more; `interact-gitops chat ID` has each."
        )
    return done.code


def _job(workspace: Workspace, key: str) -> Job:
    jobs = {definition.job.key: definition.job for definition in workspace.definitions()}
    if not key:
        raise Refused("the form names no job", remedy="choose one")
    if key not in jobs:
        hint = did_you_mean(key, jobs) or "see `interact-gitops list`"
        raise Refused(f"there is no job {key!r}", remedy=hint)
    return jobs[key]


def _run(job: Job, values: dict[str, Scalar] | None, where: list[str]) -> Said:
    """The run, waited for."""
    import os
    import tempfile

    arguments = ["run", job.key, *where, "--wait", "--format", "json"]
    if not values and values is not None and not job.fan_out:
        values = None  # it has no parameters
    if values is None:
        return kept(*arguments)
    # Values may be longer than a command line may be, and a file is read as what it says.
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False, encoding="utf-8") as file:
        json.dump(values, file)
    try:
        return kept(*arguments, "--params-file", file.name)
    finally:
        os.unlink(file.name)


def _read(done: Said) -> dict[str, Any]:
    """What the run says of itself; nothing where it did not begin."""
    try:
        said: dict[str, Any] = json.loads(done.text)
    except ValueError:
        if done.code:
            return {}  # it has said why
        raise Failure("run printed something that is not JSON") from None
    return said


def _head(job: Job, values: dict[str, Scalar] | None, started: dict[str, Any], why: str) -> str:
    from interact_gitops.planning.rendering.github import code

    lines = [f"### {code(job.name)}"]
    if values:
        lines += ["", *(f"- {code(name)}: {code(json.dumps(value, ensure_ascii=False), 200)}"
                        for name, value in values.items())]  # fmt: skip
    if not started:
        lines += ["", f"It was not started: {code(why, _SAID)}"]
    for one in started.get("runs", ()):
        lines += ["", f"{code(str(one['id']))}: {code(_state(one))}"]
    return "\n".join(lines) + "\n"


def _state(run: dict[str, Any]) -> str:
    """How a chat stands, in the word that every command has for it."""
    said = str(run.get("status") or "started")
    return "succeeded" if said == "completed" else said
