"""`runner`: what is due is sent, what runs is followed, until it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from interact_gitops.cli.locking import read_wait
from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import note
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.runner.runner import Runner

C = TypeVar("C", bound=Callable[..., Any])

# What every command takes in which a runner works.
_WORKING = (
    click.option("--parallelism", type=click.IntRange(1, 200), default=16, show_default=True,
                 help="Requests at a time."),
    click.option("--drain-timeout", callback=read_wait, default="45s", show_default=True,
                 help="How long a stop waits for answers."),
    click.option("--lease", callback=read_wait, default="2m", show_default=True,
                 help="After which others take over."),
    click.option("--metrics-port", type=click.IntRange(0, 65_535), help="Serve Prometheus metrics on this port."),
    click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address for them."),
    click.option("--on-unknown", type=click.Choice(["hold", "resend"]), default="hold", show_default=True,
                 help="A request that may have started a run, and of which no chat is found."),
    click.option("--ping-url", metavar="URL", help="A dead man's switch, told once a minute that all is well."),
)  # fmt: skip


def working(function: C) -> C:
    """The options of a command in which a runner works."""
    for option in reversed(_WORKING):
        function = option(function)
    return function


@command(
    "runner",
    examples="""
interact-gitops runner
interact-gitops runner --ledger postgresql://runner@db/interact --log-format json --metrics-port 9464
interact-gitops runner --once
interact-gitops runner --until-idle --parallelism 4
""",
)
@click.option("--once", is_flag=True, help="Follow, decide, send what is due, and end.")
@click.option("--follow", is_flag=True, help="With --once: wait for the ends.")
@click.option("--until-idle", is_flag=True, help="End when nothing runs and nothing waits.")
@working
def runner(workspace: Workspace, once: bool, follow: bool, until_idle: bool, drain_timeout: int, **given: Any) -> None:
    """Evaluate the schedules, start what is due, follow it to its end; until stopped.

    Any number of runners may share a ledger. It may be killed at any moment: the next one goes on from the ledger.
    SIGTERM and Ctrl-C let it wait for the answers to what was sent, and end; a second Ctrl-C ends it at once.
    """
    from interact_gitops.cli.running import running

    if (follow and not once) or (once and until_idle):
        raise click.UsageError("--follow goes with --once, and --until-idle without it")
    with running(workspace, **given) as made:
        answered = made.once(follow=follow, drain_seconds=drain_timeout) if once else made.run(
            drain_seconds=drain_timeout, until_idle=until_idle
        )  # fmt: skip
        _say_end(made, answered=answered)


def _say_end(made: Runner, *, answered: bool) -> None:
    standing = made.standing
    if standing.held is not None:
        remedy = "give the key its permission, or name another; what waits is sent by the next runner that may"
        raise Failure(f"the target refuses the key: {standing.held}", remedy=remedy)
    if not answered:
        note("stopped before every answer was there; the next runner finds out what became of those requests")
