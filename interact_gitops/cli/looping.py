"""A loop at work: its signals, its log, and what `--once` says at the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.logs import announce, start_logging
from interact_gitops.cli.options import Workspace
from interact_gitops.cli.output import say
from interact_gitops.errors import ExitCode, Refused

if TYPE_CHECKING:
    from types import FrameType

    from interact_gitops.gitops.loop import Loop
    from interact_gitops.gitops.standing import Standing


def run_loop(workspace: Workspace, options: Mapping[str, Any]) -> int:
    """`sync`: passes until it is told to stop, or one. Raises Failure for what no pass could mend."""
    from interact_gitops.cli.syncing import loop_of
    from interact_gitops.gitops.listening import listener
    from interact_gitops.gitops.memory import only_loop
    from interact_gitops.gitops.report import Report

    if not options["repo"]:
        raise Refused("no repository is named", remedy="add --repo URL; see `interact-gitops sync --help`")
    start_logging(workspace.log_format, quiet=workspace.quiet)
    with ExitStack() as stack:
        stack.enter_context(only_loop(Path(options["state"])))
        client = stack.enter_context(workspace.client())
        loop = loop_of(workspace, client, options)
        report = Report(latest=loop.standing)
        if options["once"]:
            standing = loop.once()
            if workspace.log_format == "json":  # for programs; people read below how it stands
                report.passed(standing)
            return _once(standing)
        wake, stop = threading.Event(), threading.Event()
        stack.enter_context(stopping(stop, wake))
        if options["listen"]:
            address = stack.enter_context(
                listener(options["listen"], loop, report, wake, secret=read_secret(workspace))
            )
            announce("listening", f"listening at {address}", url=address)
        keep_going(loop, report, wake, stop)
    return ExitCode.DONE


def keep_going(loop: Loop, report: Any, wake: threading.Event, stop: threading.Event) -> None:
    """Passes, each after the pause that the one before it asked for, or when somebody wakes it."""
    while not stop.is_set():
        wake.clear()
        standing = loop.once()
        report.passed(standing)
        pause = (standing.next_at - loop.now()).total_seconds() if standing.next_at else 0.0
        wake.wait(max(0.1, pause))


@contextmanager
def stopping(stop: threading.Event, wake: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT end the loop after the pass that is under way; a second one ends the program."""

    def hear(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        announce("stopping", f"stopping after this pass ({signal.Signals(number).name})")
        stop.set()
        wake.set()

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _once(standing: Standing) -> int:
    from interact_gitops.cli.status import describe

    say("\n".join(describe(standing)))
    return ExitCode.DONE if standing.sync == "Synced" and not standing.failures else ExitCode.FAILED


def read_secret(workspace: Workspace) -> str | None:
    from interact_gitops.config.references import remember_secret

    found = workspace.environ.get("INTERACT_GITOPS_WEBHOOK_SECRET")
    return remember_secret(found) if found else None
