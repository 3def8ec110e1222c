"""`github action`: a command of ours as the composite action runs it, with a summary, annotations and outputs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.ourselves import Said, kept, ourselves
from interact_gitops.errors import ExitCode, Failure, Refused

if TYPE_CHECKING:
    from interact_gitops.planning.plan import Plan

_HALF = 100_000  # characters of what apply prints, at its beginning and at its end, that go into a summary
_WHY = 20_000  # characters of a failure
_ROOM = 290_000  # UTF-16 units of a plan in a summary, which holds 1 MiB; each takes three bytes at most
_LINE = 200  # characters of a summary in a line
_ONCE = "check the plan; run this workflow by hand with a higher limit, or change guards in interact-gitops.yaml"
# What a form of apply lets through for once, and the flag for it.
_ALLOWED = {"ALLOW_DELETES": "--allow-deletes", "ALLOW_CHANGES": "--allow-changes"}


@command("action", examples="ACTION_COMMAND=plan interact-gitops github action")
def action(workspace: Workspace) -> int:
    """Run the command that ACTION_COMMAND names, with the arguments of ACTION_ARGS, for the job's summary.

    Arguments are split as a shell splits them, and nothing in them is expanded. `plan` and `drift` leave a file for
    the steps after them, and end with 0 when there is something to do.
    """
    environ = workspace.environ
    name, text, target = (environ.get(f"ACTION_{part}", "") for part in ("COMMAND", "ARGS", "TARGET"))
    if not name or name.startswith("-"):
        raise Refused("ACTION_COMMAND is not set", remedy="give the action its `command`")
    try:
        given = shlex.split(text)
    except ValueError as error:
        raise Refused(f"ACTION_ARGS cannot be split: {error}", remedy="close the quotes") from error
    arguments = [*(["--target", target] if target else []), *given]
    if name == "plan":
        return _plan(environ, arguments)
    if name == "drift":
        return _drift(environ, arguments)
    if name == "apply":
        return _apply(environ, arguments)
    return ourselves(name, *(["--format", "github"] if name == "validate" else []), *arguments)


def _plan(environ: Mapping[str, str], arguments: list[str]) -> int:
    from interact_gitops.cli.output import say
    from interact_gitops.cli.times import now
    from interact_gitops.github.files import write_outputs, write_summary
    from interact_gitops.planning.reading import plan_from_json
    from interact_gitops.planning.rendering.github import code
    from interact_gitops.planning.rendering.markdown import render_markdown

    between = any(one == "--base" or one.startswith("--base=") for one in arguments)
    file = _place(environ, "plan.json")
    saved = [] if between else ["--out", str(file)]
    flags = _let_through(environ)
    done = kept("plan", *arguments, "--format", "json", *saved, *flags)
    if done.code:
        return _failed(environ, "Plan", done)
    document = _read(done.text)
    if between:
        _write(file, done.text)
    made = plan_from_json(document, what="the plan", between=between)
    identity = f"base {environ.get('ACTION_TARGET', '')}" if between else None
    held = document.get("held")
    about = [f"> [!WARNING]\n> **Guards are passed for once:** {code(' '.join(flags))}"] if flags else []
    markdown = render_markdown(made, now=now(), full=True, held=held, identity=identity, about=about, room=_ROOM)
    write_summary(environ, markdown)
    # A reviewer is not asked to approve what apply would refuse, or of which it would do nothing.
    stopped, empty = not between and held is not None, not between and bool(made.changes) and not made.writes
    summary = str(held).partition("\n")[0] if stopped else _words(made)
    write_outputs(environ, changes="true" if made.changes else "false", digest=document["digest"],
                  plan_file=str(file), summary=summary)  # fmt: skip
    if stopped:
        raise Refused(f"apply would refuse this: {summary}", remedy=_ONCE)
    if empty:
        raise Refused(f"nothing can be applied: {summary}", remedy="the summary says of each why it is refused")
    say(summary)
    return ExitCode.DONE


def _let_through(environ: Mapping[str, str]) -> list[str]:
    """The flags of apply that its form asks for."""
    flags = [f"{flag}={environ[name]}" for name, flag in _ALLOWED.items() if environ.get(name)]
    return [*flags, *(["--allow-empty"] if environ.get("ALLOW_EMPTY") == "true" else [])]


def _words(plan: Plan) -> str:
    from interact_gitops.planning.rendering.details import counts

    return counts(plan) if plan.changes else "no changes"


def _drift(environ: Mapping[str, str], arguments: list[str]) -> int:
    from interact_gitops.cli.output import say
    from interact_gitops.github.files import write_outputs, write_summary

    done = kept("drift", *arguments, "--format", "markdown")
    if done.code not in (ExitCode.DONE, ExitCode.CHANGES_PENDING):
        return _failed(environ, "Drift", done)
    file = _place(environ, "drift.md")
    _write(file, done.text)
    write_summary(environ, done.text)
    found = done.code == ExitCode.CHANGES_PENDING
    write_outputs(environ, changes="true" if found else "false", report_file=str(file))
    say("somebody changed the target by hand" if found else "nothing was changed by hand")
    return ExitCode.DONE


def _apply(environ: Mapping[str, str], arguments: list[str]) -> int:
    from interact_gitops.cli.output import NEWLINE, visible
    from interact_gitops.github.files import write_outputs, write_summary
    from interact_gitops.planning.rendering.github import fence

    done = kept("apply", *arguments, *_let_through(environ), show=True)
    lines = [line for line in visible(done.text, keep=NEWLINE).splitlines() if line.strip()]
    ends = _ends(lines)
    if lines:
        write_summary(environ, f"### Apply\n\n{fence(_within(lines))}")
        write_outputs(environ, summary=(ends or lines[-1].strip())[:_LINE])
    if done.code == ExitCode.FAILED and ends:  # it came to its end, and says of each write what became of it
        raise Failure(ends, remedy="run this job again: it finishes what a failure left")
    return _failed(environ, "Apply", done) if done.code else done.code


def _ends(lines: Sequence[str]) -> str:
    """What apply did, in a line, and the first that failed with its reason; empty where it did not come to its end."""
    ends = next((line.strip(" .") for line in reversed(lines) if line.startswith("Applied: ")), "")
    failed = next((number for number, line in enumerate(lines) if line.startswith("  ✗ ")), None)
    if not ends or failed is None:
        return ends
    reason = next((line.strip() for line in lines[failed + 1 : failed + 2] if line.startswith("    ")), "")
    return f"{ends}; {reason or lines[failed][4:]}"


def _within(lines: Sequence[str]) -> list[str]:
    """As many as a summary holds: the first, and the last, which say how it ended."""
    first, last = _first(lines, _HALF), _first(lines[::-1], _HALF)
    left_out = len(lines) - first - last
    return list(lines) if left_out <= 0 else [*lines[:first], f"… {left_out:,} lines", *lines[len(lines) - last :]]


def _first(lines: Sequence[str], most: int) -> int:
    """How many lines have no more than so many characters."""
    return sum(1 for length in accumulate(len(line) + 1 for line in lines) if length <= most)


def _failed(environ: Mapping[str, str], what: str, done: Said) -> int:
    """Why a command failed, where people look: the summary, and through the output the commit."""
    from interact_gitops.cli.output import visible
    from interact_gitops.github.files import write_outputs, write_summary
    from interact_gitops.planning.rendering.github import fence

    why = [visible(line) for line in done.why[:_WHY].splitlines()]
    if why:
        write_summary(environ, f"### {what} failed\n\n{fence(why)}")
        write_outputs(environ, summary=why[0][:_LINE])
    return done.code


def _place(environ: Mapping[str, str], name: str) -> Path:
    """Where a file for later steps goes."""
    import tempfile

    folder = Path(environ.get("RUNNER_TEMP") or tempfile.gettempdir()) / "interact-gitops-files"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _write(file: Path, text: str) -> None:
    from interact_gitops.cli.inputs import write_text

    write_text(file, text)


def _read(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Failure("plan printed something that is not JSON") from error
    if not isinstance(value, dict):
        raise Failure("plan printed something that is no plan")
    return value
