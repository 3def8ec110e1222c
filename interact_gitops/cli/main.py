"""The command `interact-gitops`: its table of commands, and the one place that knows exit codes.

`--help` loads click and nothing else: a command's module is imported when the command is used.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable

import click

from interact_gitops import __version__
from interact_gitops.errors import ExitCode, Failure, ProblemsFound, did_you_mean

COMMANDS = {
    "init": ("init:init", "Scaffold a jobs repository."),
    "validate": ("validate:validate", "Check the definitions, offline."),
    "plan": ("plan:plan", "Show what apply would do."),
    "apply": ("apply:apply", "Bring a target in line with the definitions."),
    "list": ("list_jobs:list_jobs", "List jobs with schedule, next and last run."),
    "show": ("show:show", "Show one job in full."),
    "schedule": ("schedule:schedule", "Show coming runs."),
    "run": ("run:run", "Run a job now."),
    "cancel": ("cancel:cancel", "Stop a run in progress."),
    "history": ("history:history", "List past runs."),
    "chat": ("chat:chat", "Show what a run asked, queried and answered."),
    "serve": ("serve:serve", "Serve the embedded Interact on this machine."),
    "demo": ("demo:demo", "See everything work on sample data."),
    "doctor": ("doctor:doctor", "Check that everything needed is in place."),
    "completion": ("completion:completion", "Print a shell completion script."),
}


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
            hint = did_you_mean(args[0], COMMANDS) or "see `interact-gitops --help`"
            raise click.UsageError(f"there is no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The command list, without importing a single command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "INTERACT_GITOPS"},
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
    from interact_gitops.cli.options import accept_globals_before_the_command

    accept_globals_before_the_command(cli)
    sys.exit(_run(None if arguments is None else list(arguments)))


def _run(arguments: list[str] | None) -> int:
    try:
        code = cli.main(args=arguments, prog_name="interact-gitops", standalone_mode=False)
        sys.stdout.flush()
    except Failure as failure:
        return _fail(failure)
    except click.ClickException as usage:
        _say_usage(usage)
        return ExitCode.FAILED
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted", err=True)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): nothing is wrong here, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as bug:  # noqa: BLE001  # the outermost edge: a bug becomes a log file and exit code 3
        return _report_bug(bug)
    return int(code) if isinstance(code, int) else ExitCode.DONE


def _fail(failure: Failure) -> int:
    from interact_gitops.cli.output import note, say_error

    if isinstance(failure, ProblemsFound):
        for problem in failure.problems:
            note(str(problem))
    say_error(failure.message, failure.remedy)
    return failure.exit_code


def _say_usage(usage: click.ClickException) -> None:
    context = getattr(usage, "ctx", None)
    click.echo(f"error: {usage.format_message()}", err=True)
    if context is not None:
        click.echo(f"  see `{context.command_path} --help`", err=True)


def _report_bug(bug: Exception) -> int:
    from interact_gitops.cli.bug import write_bug_report

    click.echo(f"error: this is a bug in interact-gitops: {type(bug).__name__}", err=True)
    click.echo(f"  please report it with {write_bug_report(bug)}", err=True)
    return ExitCode.BUG
