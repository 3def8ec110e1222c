"""`retry`: a run that did not succeed, once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import note
from interact_gitops.errors import SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.cli.booked import Desk
    from interact_gitops.ledger.records import Run


@command(
    "retry",
    examples="""
interact-gitops retry chat_65196ac6 --wait
interact-gitops retry weekly-campaign-performance@2026-11-23T07:00Z
""",
)
@click.argument("run")
@click.option("--wait", is_flag=True, help="Wait for the end; exit 0 only when every chat succeeded.")
@click.option("--follow", is_flag=True, help="Wait, and show each answer as it comes.")
@json_format()
def retry(workspace: Workspace, run: str, **given: Any) -> None:
    """Start RUN again with the same parameters, as its next attempt; of a fan-out the chats that did not succeed.

    RUN is a run key or a chat id of a run in the ledger, or the beginning of one that no other has.
    """
    from interact_gitops.cli.booked import Desk
    from interact_gitops.cli.ledgers import open_book

    with workspace.client() as client, open_book(workspace) as book:
        desk = Desk(book=book, client=client)
        found = _find(desk, run)
        start = _hosted if client.surface() == "public" else _applied
        start(workspace, desk, found, **given)


def _find(desk: Desk, named: str) -> Run:
    from interact_gitops.interact.errors import NotFound

    found = desk.book.known(named)
    if found is not None:
        return found
    try:
        desk.client.chat(named)
    except NotFound:
        return desk.book.run(named)  # which says that there is none
    said = f"the ledger knows no run of the chat {named}: it was started elsewhere"
    raise SelectionInvalid(said, remedy="start its job with `interact-gitops run JOB -p NAME=VALUE`")


def _applied(_workspace: Workspace, desk: Desk, run: Run, **given: Any) -> None:
    from interact_gitops.cli.applied_run import see_through
    from interact_gitops.cli.chats import find_remote_job
    from interact_gitops.runner.remote import trigger

    client = desk.client
    remote = find_remote_job(client, run.job)
    again = _again(desk, run)
    started = desk.send(again.key, remote.id, lambda request: trigger(client, request))
    see_through(desk, client, remote, again.key, started, **given)


def _hosted(workspace: Workspace, desk: Desk, run: Run, **given: Any) -> None:
    from interact_gitops.cli.hosted_run import aim_again, start_and_see
    from interact_gitops.runner.asked import trigger_values

    aim = aim_again(workspace, desk.client, run)
    again = _again(desk, run)
    start_and_see(desk, again.key, desk.client, aim, trigger_values(again), **given)


def _again(desk: Desk, run: Run) -> Run:
    again = desk.again(run)
    chats = f", {len(again.open_parts)} of {len(again.parts)} chats" if again.fan_out else ""
    note(f"{again.key}: attempt {again.attempt}{chats}")
    return again
