"""`cancel`: stop a run in progress."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client


@command(
    "cancel",
    examples="""
interact-gitops cancel chat_65196ac6
interact-gitops cancel chat_65196ac6 --all
""",
)
@click.argument("run")
@click.option("--all", "whole", is_flag=True, help="Every chat of its fan-out.")
@json_format()
def cancel(workspace: Workspace, run: str, whole: bool, form: str) -> None:
    """Stop RUN: a chat id or the unique beginning of one; a run key stops every chat of that run."""
    from interact_gitops.cli.chats import find_runs

    with workspace.client() as client:
        if client.surface() == "public":
            from interact_gitops.cli.hosted import refuse_cancel

            raise refuse_cancel()
        ends = [_stop(client, chat_id) for chat_id in find_runs(client, run, whole=whole)]
    if form == "json":
        say_json({"runs": ends})
        return
    for end in ends:
        if end["wasActive"]:
            say(f"{end['id']} is being stopped." if end["state"] == "active" else f"{end['id']} is {end['state']}.")
        elif len(ends) == 1:
            say(f"{end['id']} had already ended: {end['state']}.")
    if len(ends) > 1:
        say(f"{sum(end['wasActive'] for end in ends)} of {len(ends)} chats were in progress and are stopped.")


def _stop(client: Client, chat_id: str) -> dict[str, Any]:
    from interact_gitops.interact.errors import AlreadyFinished

    before = client.chat(chat_id)
    after = before
    if before.state == "active":
        # One that ended while we were asking is no failure.
        with contextlib.suppress(AlreadyFinished):
            client.cancel_chat(chat_id)
        after = client.chat(chat_id)
    return {"id": chat_id, "status": after.status, "state": after.state, "wasActive": before.state == "active"}
