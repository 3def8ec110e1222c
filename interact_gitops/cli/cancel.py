"""`cancel`: stop a run in progress."""

from __future__ import annotations

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json


@command("cancel", examples="interact-gitops cancel cht_01J9Z")
@click.argument("run")
@json_format()
def cancel(workspace: Workspace, run: str, form: str) -> None:
    """Stop RUN: a chat id, a run key, or the unique beginning of one."""
    from interact_gitops.cli.chats import find_run
    from interact_gitops.interact.errors import ApiRefusal

    with workspace.client() as client:
        chat_id = find_run(client, run)
        before = client.chat(chat_id)
        try:
            if before.state == "active":
                client.cancel_chat(chat_id)
        except ApiRefusal as refused:
            if refused.code != "already_finished":  # it ended while we were asking
                raise
        after = client.chat(chat_id)
    if form == "json":
        say_json({"id": chat_id, "status": after.status, "state": after.state, "wasActive": before.state == "active"})
    elif before.state == "active":
        say(f"{chat_id} is being stopped." if after.state == "active" else f"{chat_id} is {after.state}.")
    else:
        say(f"{chat_id} had already ended: {after.state}.")
