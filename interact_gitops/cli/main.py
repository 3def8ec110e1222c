"""The command `interact-gitops`: its table of commands, and the one place that knows exit codes.

`--help` loads click and nothing else: a command's module is imported when the command is used.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from interact_gitops import __version__
from interact_gitops.cli.everywhere import accept_globals_before_the_command

if TYPE_CHECKING:
    from interact_gitops.errors import Failure

COMMANDS = {
    "init": ("init:init", "Scaffold a jobs repository."),
    "validate": ("validate:validate", "Check the definitions, offline."),
    "fmt": ("fmt:fmt", "Put definition files into the canonical layout."),
    "plan": ("plan:plan", "Show what apply would do."),
    "apply": ("apply:apply", "Bring a target in line with the definitions."),
    "drift": ("drift:drift", "Show what was changed on the target since the last apply."),
    "import": ("import_jobs:import_jobs", "Bring the definitions in line with the target."),
    "list": ("list_jobs:list_jobs", "List jobs with schedule, next and last run."),
    "show": ("show:show", "Show one job in full."),
    "schedule": ("schedule:schedule", "Show coming runs."),
    "run": ("run:run", "Run a job now."),
    "runner": ("runner:runner", "Start what is due, and follow it."),
    "retry": ("retry:retry", "Start a run again that did not succeed."),
    "cancel": ("cancel:cancel", "Stop a run."),
    "backfill": ("backfill:backfill", "Run what a past window missed."),
    "history": ("history:history", "List past runs."),
    "chat": ("chat:chat", "Show what a run asked, queried and answered."),
    "pause": ("pause:pause", "Let no schedule start a job, for now."),
    "resume": ("resume:resume", "Let the schedule of a paused job go on."),
    "ledger": ("ledger:ledger", "See and mend the run-key ledger."),
    "channels": ("channels:channels", "See and test channels, and send again what failed."),
    "sync": ("sync:sync", "Keep a target in step with a branch."),
    "up": ("up:up", "Sync loop and runner in one process."),
    "status": ("status:status", "Show how the sync loop stands."),
    "workflows": ("workflows:workflows", "Write the GitHub workflows of this repository."),
    "github": ("github:github", "What those workflows do at GitHub."),
    "serve": ("serve:serve", "Serve the embedded Interact on this machine."),
    "demo": ("demo:demo", "See everything work on sample data."),
    "doctor": ("doctor:doctor", "Check that everything needed is in place."),
    "completion": ("completion:completion", "Print a shell completion script."),
}


MOST_PROBLEMS = 50  # of a tree that a command wanted to use; more scrolls away what people look for


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and listed from the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The commands in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command by name, imported now; None for an unknown one."""
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command = getattr(importlib.import_module(f"interact_gitops.cli.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with the nearest command named when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from interact_gitops.errors import did_you_mean

            hint = did_you_mean(args[0], COMMANDS) or "see `interact-gitops --help`"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The command list, without importing a single command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])


def _help_width() -> int:
    """Columns of a help text, as click works them out, but without importing shutil and its compressors for it."""
    try:
        columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(sys.stdout.fileno()).columns
    except (AttributeError, ValueError, OSError):  # no stdout, a COLUMNS that is no number, no terminal
        columns = 80
    return max(min(columns, 80) - 2, 50)


@click.group(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "INTERACT_GITOPS",
        "terminal_width": _help_width(),
    },
    invoke_without_command=True,
    epilog="Start with `interact-gitops demo`, or `interact-gitops init` in an empty folder.",
)
@click.version_option(__version__, "-V", "--version", message="interact-gitops %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Interact agent jobs as code: YAML in git, checked, planned, applied and run."""
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Iterable[str] | None = None) -> None:
    """Run the command line and exit. Every exit code of the program is decided here."""
    accept_globals_before_the_command(cli)
    code = _run(None if arguments is None else list(arguments))
    if "duckdb" not in sys.modules:  # it counts what is collected at the end, and complains of the rest
        gc.freeze()  # the end of a process looks for garbage once more; there is nothing left that has to be found
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    try:
        code = cli.main(args=arguments, prog_name="interact-gitops", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as reason:  # noqa: BLE001  # the outermost edge: nothing gets by here
        return _end(reason)
    return int(code) if isinstance(code, int) else 0


def _end(reason: BaseException) -> int:
    """Say why the program ends; its exit code. Only here is the error tree needed, and a good end needs none of it."""
    from interact_gitops.errors import ExitCode, Failure

    if isinstance(reason, Failure):
        return _fail(reason)
    if isinstance(reason, click.ClickException):
        _say_usage(reason)
        return ExitCode.FAILED
    if isinstance(reason, KeyboardInterrupt | click.Abort):
        click.echo("\ninterrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(reason, BrokenPipeError):
        # The reader went away (`| head`): nothing is wrong here, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    _report_bug(reason)
    return ExitCode.BUG


def _fail(failure: Failure) -> int:
    from interact_gitops.cli.output import note, say_failure
    from interact_gitops.errors import ProblemsFound

    if isinstance(failure, ProblemsFound):
        # Whatever there is no room for, it is not what stopped the command.
        first = sorted(failure.problems, key=lambda problem: problem.severity != "error")[:MOST_PROBLEMS]
        for problem in sorted(first, key=lambda problem: problem.position):
            note(str(problem))
        if len(failure.problems) > MOST_PROBLEMS:
            note(f"… and {len(failure.problems) - MOST_PROBLEMS} more; `interact-gitops validate` shows them all")
    say_failure(failure)
    return failure.exit_code


def _say_usage(usage: click.ClickException) -> None:
    context = getattr(usage, "ctx", None)
    click.echo(f"error: {usage.format_message()}", err=True)
    if context is not None:
        click.echo(f"  see `{context.command_path} --help`", err=True)


def _report_bug(bug: BaseException) -> None:
    from interact_gitops.cli.bug import write_bug_report

    click.echo(f"error: this is a bug in interact-gitops: {type(bug).__name__}", err=True)
    click.echo(f"  please report it with {write_bug_report(bug)}", err=True)
