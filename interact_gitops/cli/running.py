"""A runner at work: its signals, its log, its figures, and the line on the terminal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from interact_gitops.cli.logs import announce, start_logging
from interact_gitops.cli.options import Workspace
from interact_gitops.cli.status_line import status_line
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from types import FrameType

    from interact_gitops.runner.journal import Journal
    from interact_gitops.runner.metrics import Figures
    from interact_gitops.runner.options import RunnerOptions
    from interact_gitops.runner.runner import Runner
    from interact_gitops.runner.standing import Standing

SHORTEST_LEASE, LONGEST_LEASE = 25, 3600  # seconds
LONGEST_REQUEST = 30.0


@contextmanager
def running(
    workspace: Workspace,
    *,
    parallelism: int,
    lease: int,
    on_unknown: str,
    metrics_port: int | None,
    metrics_host: str,
    ping_url: str | None,
) -> Iterator[Runner]:
    """A runner that stops when it is told to. Raises Failure."""
    from interact_gitops.cli.assembly import runner_of

    options = runner_options(parallelism, lease, on_unknown)
    with status_line(wanted=not workspace.quiet and workspace.log_format == "text") as (show, write):
        start_logging(workspace.log_format, quiet=workspace.quiet, write=write)
        journal, tick = audience(show, metrics_port=metrics_port, metrics_host=metrics_host, ping_url=ping_url)
        with runner_of(workspace, options, journal, tick=tick) as made, _signals(made):
            yield made
    if made.left_behind:
        leave()


def leave() -> NoReturn:
    """End the process, whatever its threads wait for."""
    # Threads that still wait for an answer would keep the process beyond the time that it was given.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def audience(
    show: Callable[[Standing], object], *, metrics_port: int | None, metrics_host: str, ping_url: str | None
) -> tuple[Journal, Callable[[Standing], None]]:
    """(the runner's journal, what it calls after each round): its log, its figures, its dead man's switch."""
    from interact_gitops.runner.journal import Journal
    from interact_gitops.runner.ping import Switch

    journal = Journal()
    switch = Switch(ping_url) if ping_url else None
    figures = _figures(journal, metrics_port, metrics_host) if metrics_port is not None else None

    def tick(standing: Standing) -> None:
        show(standing)
        if figures is not None:
            figures.update(standing)
        if switch is not None and standing.ledger_down is None and standing.held is None:
            switch.press()

    return journal, tick


def runner_options(parallelism: int, lease: int, on_unknown: str) -> RunnerOptions:
    """The runner's options from the command line's. Raises a usage error."""
    from interact_gitops.runner.options import RunnerOptions

    if not SHORTEST_LEASE <= lease <= LONGEST_LEASE:
        raise click.UsageError(f"--lease is {lease} seconds; it lasts {SHORTEST_LEASE} seconds to an hour")
    request = min(LONGEST_REQUEST, (lease - 10) / 3)
    return RunnerOptions(parallelism=parallelism, lease=float(lease), request=request, on_unknown=on_unknown)  # type: ignore[arg-type]  # click's choice


def _figures(journal: Journal, port: int, host: str) -> Figures:
    try:
        from interact_gitops.runner.metrics import Figures
    except ImportError:
        remedy = "pip install prometheus-client"
        raise Failure("--metrics-port needs prometheus-client, which is not installed", remedy=remedy) from None
    figures = Figures(journal)
    address = f"http://{host}:{figures.serve(port, host)}/metrics"
    announce("metrics_served", f"metrics: {address}", url=address)
    return figures


@contextmanager
def _signals(made: Runner) -> Iterator[None]:
    """SIGTERM and the first SIGINT stop the runner, a second SIGINT ends the process."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if made.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        announce("stopping", "stopping: nothing new is started; waiting for answers to what was sent")
        made.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
