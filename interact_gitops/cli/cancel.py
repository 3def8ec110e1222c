"""`cancel`: stop a run, before it is sent or while it is in progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@command(
    "cancel",
    examples="""
interact-gitops cancel chat_65196ac6
interact-gitops cancel chat_65196ac6 --all
interact-gitops cancel weekly-campaign-performance@2026-11-23T07:00Z
""",
)
@click.argument("run")
@click.option("--all", "whole", is_flag=True, help="Every chat of its fan-out.")
@json_format()
def cancel(workspace: Workspace, run: str, whole: bool, form: str) -> None:
    """Stop RUN: a run key or a chat id, or the beginning of one that no other has; a run key stops all its chats.

    A run that was not sent yet is taken back. One that was is stopped by the runner that follows it, or at the target
    where none does.
    """
    from interact_gitops.cli.cancelling import cancel_chats, cancel_in_ledger
    from interact_gitops.cli.ledgers import known_book

    with workspace.client() as client:
        with known_book(workspace) as book:
            said = cancel_in_ledger(book, client, run, whole=whole) if book is not None else None
        ends: Sequence[Mapping[str, Any]] = [] if said is not None else cancel_chats(client, run, whole=whole)
    if form == "json":
        say_json({"run": None if said is None else said.json, "runs": list(ends) if said is None else said.chats})
    elif said is not None:
        say(said.words)
    else:
        _say_chats(ends)


def _say_chats(ends: Sequence[Mapping[str, Any]]) -> None:
    for end in ends:
        if end["wasActive"]:
            say(f"{end['id']} is being stopped." if end["state"] == "active" else f"{end['id']} is {end['state']}.")
        elif len(ends) == 1:
            say(f"{end['id']} had already ended: {end['state']}.")
    if len(ends) > 1:
        say(f"{sum(end['wasActive'] for end in ends)} of {len(ends)} chats were in progress and are stopped.")
