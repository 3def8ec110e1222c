"""`channels dead` and `channels resend`: what could not be delivered, and another try at it."""

from __future__ import annotations

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json, table
from interact_gitops.errors import Refused


@command("dead", examples="interact-gitops channels dead\ninteract-gitops channels dead --channel ops-mail")
@click.option("--channel", metavar="NAME", help="Only messages to this channel.")
@json_format()
def dead(workspace: Workspace, channel: str | None, form: str) -> None:
    """List the messages that could not be delivered, newest first, with the reason."""
    from interact_gitops.cli.deliveries import dead_messages, delivery_row

    with workspace.client() as client:
        found = list(dead_messages(client, channel))
    if form == "json":
        say_json({"deliveries": [one.raw for one in found]})
    elif not found:
        say("No message is undelivered.")
    else:
        say(
            table(
                ["DELIVERY", "CHANNEL", "ABOUT", "WHEN", "TRIES", "WHY"],
                [delivery_row(one) for one in found],
                right=(4,),
            )
        )


@command("resend", examples="interact-gitops channels resend dlv_5f2b0c9d18d2\ninteract-gitops channels resend --all")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every message that could not be delivered.")
@click.option("--channel", metavar="NAME", help="With --all: only messages to this channel.")
@json_format()
def resend(workspace: Workspace, ids: tuple[str, ...], everything: bool, channel: str | None, form: str) -> None:
    """Send undelivered messages again; they have another day to arrive."""
    from interact_gitops.cli.deliveries import dead_messages

    if bool(ids) == everything:
        raise Refused(
            "name the messages to send again, or pass --all", remedy="`interact-gitops channels dead` lists them"
        )
    with workspace.client() as client:
        wanted = [one.id for one in dead_messages(client, channel)] if everything else list(ids)
        sent = [client.channels.resend(one) for one in wanted]
    if form == "json":
        say_json({"deliveries": [one.raw for one in sent]})
    else:
        say(f"{len(sent)} {'message is' if len(sent) == 1 else 'messages are'} on the way again.")
