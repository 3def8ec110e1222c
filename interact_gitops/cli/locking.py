"""The lock around an apply: waited for with a word about who has it, released however the apply ends."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.errors import Locked
    from interact_gitops.interact.locks import Lease

_DURATION = re.compile(r"0|([0-9]{1,6}[smhd])+")
_SAY_AGAIN_SECONDS = 30.0
_SHORTEST_WAIT, _LONGEST_WAIT = 0.5, 5.0  # seconds until the target is asked again


def read_wait(_ctx: click.Context, _parameter: click.Parameter, text: str) -> int:
    """Seconds in a duration of the definition files, 90s, 5m, 1h30m; 0 for none. Raises a usage error."""
    from interact_gitops.jobs.durations import parse_duration

    if not _DURATION.fullmatch(text):
        raise click.BadParameter(f"{text[:40]!r} is not a duration; write 90s, 5m, 1h30m, or 0")
    return parse_duration(text)


@contextmanager
def locked(workspace: Workspace, client: Client, *, wait_seconds: int) -> Iterator[Lease | None]:
    """The lock of this configuration on the target; None where the target has no locks.

    SIGTERM is a Ctrl-C within the block, so that a job that CI cancels releases its lock as well.
    Raises Refused when somebody else still has it after `wait_seconds`.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        lease = _take(workspace, client, wait_seconds)
        try:
            yield lease
        finally:
            if lease is not None:
                lease.release()
    finally:
        signal.signal(signal.SIGTERM, before)


def holder(environ: Mapping[str, str]) -> str:
    """Who we are, for others who have to wait: the CI run where there is one, else user, machine and process."""
    if environ.get("GITHUB_RUN_ID"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        said = f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{environ['GITHUB_RUN_ID']}"
        if environ.get("GITHUB_ACTOR"):
            said += f" ({environ['GITHUB_ACTOR']})"
    else:
        # GitLab, Jenkins
        said = environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or _process()
    plain = "".join(character if character.isprintable() else "?" for character in said)
    return plain[:300]


def _process() -> str:
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"


def _take(workspace: Workspace, client: Client, wait_seconds: int) -> Lease | None:
    from interact_gitops.cli.output import note
    from interact_gitops.config import owner
    from interact_gitops.interact.errors import Locked

    mark, us = owner(workspace.settings), holder(workspace.environ)
    began = time.monotonic()
    said: tuple[str | None, float] | None = None
    while True:
        try:
            return client.locks.take(managed_by=mark, holder=us)
        except Locked as in_the_way:
            waited = time.monotonic() - began
            if waited >= wait_seconds:
                raise _given_up(in_the_way, wait_seconds) from in_the_way
            if not workspace.quiet and (
                said is None or said[0] != in_the_way.since or waited - said[1] >= _SAY_AGAIN_SECONDS
            ):
                note(f"waiting for the lock: {_who(in_the_way)}; for {wait_seconds - waited:.0f} s more")
                said = (in_the_way.since, waited)
            pause = min(max(in_the_way.retry_after or 1.0, _SHORTEST_WAIT), _LONGEST_WAIT)
            time.sleep(min(pause, wait_seconds - waited))


def _who(in_the_way: Locked) -> str:
    since = f"since {_instant(in_the_way.since)}" if in_the_way.since else "for a while"
    return f"{in_the_way.holder or 'somebody else'} has been applying {since}"


def _given_up(in_the_way: Locked, waited: int) -> Refused:
    from interact_gitops.jobs.durations import format_duration

    after = f" after {format_duration(waited)} of waiting" if waited else ""
    until = f"unless it is renewed, the lock expires at {_instant(in_the_way.until)}; " if in_the_way.until else ""
    return Refused(
        f"the target is locked: {_who(in_the_way)}; nothing was done{after}",
        remedy=f"{until}try again then, or wait longer with --lock-timeout",
    )


def _instant(text: str) -> str:
    """As the target says it, without the milliseconds."""
    return re.sub(r"\.[0-9]+Z\Z", "Z", text)
